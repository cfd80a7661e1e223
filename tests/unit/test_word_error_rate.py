"""The word error rate of a transcript."""

from __future__ import annotations

import pytest

from tests.support.word_error_rate import word_error_rate


@pytest.mark.parametrize(
    ("transcript", "rate"),
    [
        ("what is a heap", 0),
        ("What is a heap?", 0),
        ("what is the heap", 0.25),
        ("what is heap", 0.25),
        ("oh what is a heap", 0.25),
        ("", 1),
        ("one two three four five six", 1.5),
    ],
)
def test_word_error_rate_counts_changed_omitted_and_added_words(transcript: str, rate: float) -> None:
    assert word_error_rate("What is a heap?", transcript) == rate


def test_word_error_rate_of_a_text_without_words_is_refused() -> None:
    with pytest.raises(ValueError, match="no words"):
        word_error_rate("…", "what")
