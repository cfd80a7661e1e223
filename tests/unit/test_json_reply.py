"""The JSON object in a model's reply, however the model wrapped it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from preppath_workers.clients.openai.json_reply import find_object

SCORES = {"correctness": 7, "feedback": 'Use "{}" and ``` with care.', "strengths": ["clear"]}
TEXT = json.dumps(SCORES)
INDENTED = json.dumps(SCORES, indent=2)


@pytest.mark.parametrize(
    "reply",
    [
        TEXT,
        f"\n{INDENTED}\n",
        f"```json\n{INDENTED}\n```",
        f"```\n{TEXT}\n```",
        f"Here is my evaluation:\n\n```json\n{INDENTED}\n```\n\nTell me if you need more.",
        f"Sure, {TEXT} That is all.",
        f"The answer mentions {{braces}} and {{}}. {TEXT}",
        f"<think>A map such as {{1: 2}} is fine.</think>{TEXT}",
        f'<think>A draft: {{"correctness": 2}}</think>\n{TEXT}',
        f"```json\n{INDENTED}",
        f"Draft: {TEXT}\nFinal: {TEXT}",
    ],
)
def test_reply_with_one_object_is_read(reply: str) -> None:
    assert find_object(reply) == SCORES


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Seven out of ten.",
        "[7]",
        "7",
        f"{TEXT}\n{json.dumps({'correctness': 2})}",
        f"```json\n{TEXT}\n```\n```json\n{json.dumps({'correctness': 2})}\n```",
        TEXT[:-3],
        '{"scores": {"correctness": 7}, "feedback": "cut o',
        '{"scores": [{"correctness": 7}], "feedback": "cut o',
        '{"a":' * 100_000,
        "{" * 100_000,
        "```json\n" * 1_001,
    ],
    ids=lambda reply: reply[:30],
)
def test_reply_without_one_certain_object_is_refused(reply: str) -> None:
    assert find_object(reply) is None


def test_object_nested_without_end_is_refused() -> None:
    reply: Any = f"```\n{'[' * 100_000}\n```"

    assert find_object(reply) is None
