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
def test_passages_end_at_sentences_then_words_then_the_limit(
    text: str, limit: int, expected: list[str]
) -> None:
    assert passages(text, limit) == expected


def test_passages_of_a_long_text_keep_every_word_within_the_limit() -> None:
    text = "Tell me about a time when you had to learn something quickly! Why? And how. " * 40

    cut = passages(text, 100)

    assert " ".join(cut).split() == text.split()
    assert max(map(len, cut)) <= 100
