"""How long a job waits for a row or file that does not exist yet."""

from __future__ import annotations

import pytest

from preppath_workers.store.job import Job
from preppath_workers.worker.attempt.late_arrival import pause_ms

ADDED = 1_800_000_000_000


def started(after_ms: int, **fields: str) -> Job:
    times = {"createdAt": str(ADDED), "startedAt": str(ADDED + after_ms), **fields}
    return Job("tts", "j", {name: value for name, value in times.items() if value})


@pytest.mark.parametrize(
    ("after_ms", "pause"),
    [
        *((0, 1_000), (3, 1_000), (1_005, 4_020), (5_025, 20_100), (25_125, 34_875)),
        *((59_999, 1_000), (60_000, None), (10**9, None)),
    ],
)
def test_pauses_grow_with_the_age_of_the_job_and_end_after_a_minute(after_ms: int, pause: int | None) -> None:
    assert pause_ms(started(after_ms)) == pause


def test_pause_of_a_job_that_waited_long_does_not_count_from_when_it_was_queued() -> None:
    assert pause_ms(started(3_600_000, queuedAt=str(ADDED + 3_599_000))) is None


@pytest.mark.parametrize(("after_ms", "pause"), [(-2_000, 1_000), (-60_000, None)])
def test_pause_after_the_clock_was_set_back_ends_too(after_ms: int, pause: int | None) -> None:
    assert pause_ms(started(after_ms)) == pause


@pytest.mark.parametrize(("releases", "pause"), [("19", 1_000), ("20", None)])
def test_job_that_was_released_many_times_does_not_wait(releases: str, pause: int | None) -> None:
    assert pause_ms(started(5, releases=releases)) == pause


@pytest.mark.parametrize(
    "fields", [{"createdAt": "", "queuedAt": str(ADDED)}, {"createdAt": "soon"}, {"startedAt": ""}]
)
def test_job_of_unknown_age_does_not_wait(fields: dict[str, str]) -> None:
    assert pause_ms(started(5, **fields)) is None
