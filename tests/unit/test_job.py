"""Job: reads a hash, whatever it contains."""

from __future__ import annotations

import json
from typing import Any

import pytest

from preppath_workers.store.job import Job


def job(**fields: str) -> Job:
    return Job("tts", "a", fields)


def test_job_with_missing_fields_has_defaults() -> None:
    read = job(other="x")
    assert (read.state, read.priority, read.data, read.raw_data, read.fencing_token) == (
        "unknown",
        50,
        None,
        "",
        "",
    )
    assert (read.attempts, read.failures, read.recoveries, read.replays, read.releases) == (0, 0, 0, 0, 0)
    assert (read.created_at, read.wait_ms, read.checkpoints) == (None, None, {})


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf", "1e999", "0x10", "9" * 5_000])
def test_job_with_an_invalid_number_has_its_default(text: str) -> None:
    read = job(priority=text, attempts=text, fencingToken=text, createdAt=text, startedAt=text)
    assert (read.priority, read.attempts, read.fencing_token) == (50, 0, text)
    assert (read.created_at, read.started_at, read.wait_ms) == (None, None, None)
    json.dumps(read.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"class":"E"}', {"class": "E"}),
        ("plain text", {"class": "Unknown", "message": "plain text"}),
        ('["a list"]', {"class": "Unknown", "message": '["a list"]'}),
        ("[" * 100_000, {"class": "Unknown", "message": "[" * 100_000}),
        ("", None),
    ],
    ids=["an object", "text", "a list", "too deep", "empty"],
)
def test_job_error_is_an_object_whatever_is_stored(text: str, error: Any) -> None:
    assert job(error=text).error == error


def test_job_data_that_is_not_json_is_shown_unchanged() -> None:
    assert job(data="{broken").data is None
    assert job(data="{broken").to_dict()["data"] == "{broken"
    assert job(data='{"a":1}').to_dict()["data"] == {"a": 1}


@pytest.mark.parametrize(
    ("fields", "wait_ms"),
    [
        ({"createdAt": "100", "startedAt": "350"}, 250),
        ({"createdAt": "100", "queuedAt": "300", "startedAt": "350"}, 50),
        ({"createdAt": "100"}, None),
        ({"startedAt": "350"}, None),
        ({"createdAt": "100", "queuedAt": "400", "startedAt": "350"}, None),
    ],
)
def test_job_wait_is_counted_from_the_last_time_it_was_queued(
    fields: dict[str, str], wait_ms: int | None
) -> None:
    assert job(**fields).wait_ms == wait_ms


def test_job_to_dict_has_iso_8601_times_and_camel_case_names() -> None:
    shown = job(state="completed", data="{}", createdAt="1764000000123", finishedAt="1" * 30).to_dict()
    assert shown["createdAt"] == "2025-11-24T16:00:00.123Z"
    assert (shown["startedAt"], shown["finishedAt"]) == (None, None)
    assert {*shown} == {
        "queue", "id", "state", "progress", "priority", "attempts", "failures", "excused", "recoveries",
        "replays", "stage", "data", "result", "reason", "error", "createdAt", "startedAt", "finishedAt",
        "expiresAt", "group", "cost", "failedAttempts",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "is_finished"),
    [
        *((state, False) for state in ("waiting", "delayed", "active", "unknown")),
        *((state, True) for state in ("completed", "failed", "cancelled", "expired")),
    ],
)
def test_job_is_finished_if_completed_failed_or_cancelled(state: str, is_finished: bool) -> None:
    assert job(state=state).is_finished is is_finished


def test_job_from_reply_takes_the_id_that_the_script_appends() -> None:
    read = Job.from_reply(
        "tts", ["state", "active", "id", "an edited id", "checkpoint:step", "{}", "id", "a"]
    )
    assert (read.id, read.state, read.checkpoints) == ("a", "active", {"step": "{}"})
