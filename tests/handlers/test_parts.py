from __future__ import annotations

import pytest

from preppath_workers.handlers.parts import join, starts


@pytest.mark.parametrize(
    ("duration", "pauses", "expected"),
    [
        (600.0, [300.0], [0.0]),
        (601.0, [], [0.0, 600.0]),
        (1_000.0, [100.0, 400.0, 550.0, 700.0], [0.0, 550.0]),
        (1_000.0, [100.0], [0.0, 600.0]),
        (1_500.0, [500.0, 1_050.0], [0.0, 500.0, 1_050.0]),
        (1_800.0, [], [0.0, 600.0, 1_200.0]),
    ],
)
def test_a_recording_is_cut_in_pauses(duration: float, pauses: list[float], expected: list[float]) -> None:
    assert starts(duration, pauses, 600) == expected


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
def test_the_texts_of_parts_become_one(texts: list[str], expected: str) -> None:
    assert join(texts) == expected
