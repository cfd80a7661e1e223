"""ModelEnd: what the page says of a model that OpenAI shuts down."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from preppath_workers.web.model_ends import ModelEnd


def ms(day: str) -> int:
    return round(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("model", "today", "words"),
    [
        ("tts-1", "2026-10-07", None),
        ("tts-1", "2026-12-07", "model tts-1 ends on 2027-01-06, in 30 days; its successor is {}"),
        ("tts-1", "2027-01-06", "model tts-1 was shut down on 2027-01-06; its successor is {}"),
        ("o3", "2026-12-10", "model o3 ends on 2026-12-11, in 1 day"),
    ],
)
def test_words_of_a_model_end_are_shown_from_90_days_before(
    model: str, today: str, words: str | None
) -> None:
    end = ModelEnd.of(model)
    assert end is not None
    assert end.words(ms(today)) == (words and words.format("gpt-realtime-2.1-mini"))


def test_model_without_an_announced_end_has_none() -> None:
    assert ModelEnd.of("gpt-6-luna") is None
