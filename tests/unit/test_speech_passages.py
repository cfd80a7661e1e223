from __future__ import annotations

import pytest

from preppath_workers.jobs.tts.passages import passages


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("", 10, []),
        ("  \n ", 10, []),
        ("short", 10, ["short"]),
        ("exactly 10", 10, ["exactly 10"]),
        ("One. Two. Three.", 10, ["One. Two.", "Three."]),
        ('He said "no." Then he left.', 16, ['He said "no."', "Then he left."]),
        ("no sentence ends here", 12, ["no sentence", "ends here"]),
        ("abcdefghijkl", 5, ["abcde", "fghij", "kl"]),
        ("第一句。第二句。", 5, ["第一句。", "第二句。"]),
        ("version 3.11 is old", 14, ["version 3.11", "is old"]),
        ("a line\nanother line", 12, ["a line", "another line"]),
    ],
)
def test_a_text_is_cut_where_a_listener_expects_a_pause(text: str, limit: int, expected: list[str]) -> None:
    assert passages(text, limit) == expected


def test_no_word_is_lost_and_no_passage_is_too_long() -> None:
    text = "Tell me about a time when you had to learn something quickly! Why? And how. " * 40

    cut = passages(text, 100)

    assert " ".join(cut).split() == text.split()
    assert max(map(len, cut)) <= 100
