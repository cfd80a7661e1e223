from __future__ import annotations

import math

import pytest

from preppath_workers.jobs.transcription.parts import is_silent, join, starts


@pytest.mark.parametrize(
    ("duration", "pauses", "expected"),
    [
        (600.0, [(299, 301)], [0.0]),
        (601.0, [], [0.0, 600.0]),
        (1_000.0, [(99, 101), (399, 401), (548, 550), (699, 701)], [0.0, 549.7]),
        (1_000.0, [(599.4, 599.8)], [0.0, 599.6]),  # a short pause is cut in its middle
        (1_000.0, [(599.9, 700)], [0.0, 600.0]),
        (1_000.0, [(99, 101)], [0.0, 600.0]),
        (1_500.0, [(498, 500.3), (1_048, 1_050.3)], [0.0, 500.0, 1_050.0]),
        (1_800.0, [], [0.0, 600.0, 1_200.0]),
        (1_800.0, [(300, 900), (1_150, math.inf)], [0.0, 600.0, 1_200.0]),
    ],
)
def test_starts_cuts_a_recording_at_the_latest_pause(
    duration: float, pauses: list[tuple[float, float]], expected: list[float]
) -> None:
    assert starts(duration, pauses, 600) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("silences", "expected"),
    [
        ([], False),
        ([(0, 9.5)], False),
        ([(0.1, math.inf)], True),
        ([(0, 5), (5.1, 10)], False),
        ([(0, 9.9)], True),
    ],
)
def test_is_silent_requires_one_silence_to_cover_the_part(
    silences: list[tuple[float, float]], expected: bool
) -> None:
    assert is_silent(silences, 0, 10) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], ""),
        (["", "  "], ""),
        (["One.", "Two."], "One. Two."),
        ([" One. ", "", "\nTwo. "], "One. Two."),
        (["我会用队列。", "因为可以等。"], "我会用队列。因为可以等。"),
        (["キューを", "使います"], "キューを使います"),
        (["큐를", "씁니다"], "큐를 씁니다"),
        (["我会用", "Redis"], "我会用 Redis"),
    ],
)
def test_join_separates_parts_as_their_script_does(texts: list[str], expected: str) -> None:
    assert join(texts) == expected
