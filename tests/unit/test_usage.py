"""What an answer used, however odd its usage: never less than it can have been, nor more than it says."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace as Answer
from typing import Any

import pytest

from preppath_workers.clients.countable import countable
from preppath_workers.clients.openai.usage import chat_usage, realtime_usage, transcription_usage
from preppath_workers.clients.usage import Usage

CHAT = Usage("m", {"cache_write": 500, "output": 900})
READING = Usage("m", {"input": 50, "audio_output": 900})
RECORDING = Usage("m", {"audio_input": 600, "output": 600}, seconds=Decimal(30))

#: What no server should say of a number of tokens.
ODD = [None, "12", -1, 1.5, True, 10**12, 999_999_999, [], {}]


def chat(**usage: Any) -> Usage:
    message = Answer(message=Answer(content="äöü"))
    return chat_usage(Answer(model="m", choices=[message], usage=Answer(**usage)), CHAT)


def tokens_of(usage: Usage) -> dict[str, int]:
    return {kind: count for kind, count in usage.tokens.items() if count}


@pytest.mark.parametrize("odd", ODD)
def test_chat_without_a_usable_count_is_estimated(odd: Any) -> None:
    without_answer = chat(prompt_tokens=10, completion_tokens=odd)
    assert (tokens_of(without_answer), without_answer.is_estimated) == ({"input": 10, "output": 6}, True)
    without_prompt = chat(prompt_tokens=odd, completion_tokens=4)
    assert (tokens_of(without_prompt), without_prompt.is_estimated) == ({"input": 500, "output": 4}, True)
    odd_details = chat(
        prompt_tokens=10,
        completion_tokens=4,
        prompt_tokens_details={"cached_tokens": odd, "audio_tokens": odd},
    )
    assert (tokens_of(odd_details), odd_details.is_estimated) == ({"input": 10, "output": 4}, False)


def test_chat_that_reports_zeros_for_what_it_said_is_estimated() -> None:
    zeros = chat(prompt_tokens=0, completion_tokens=0)
    assert (tokens_of(zeros), zeros.is_estimated) == ({"input": 500, "output": 6}, True)
    silent = chat_usage(
        Answer(model="m", choices=[], usage=Answer(prompt_tokens=9, completion_tokens=0)), CHAT
    )
    assert (tokens_of(silent), silent.is_estimated) == ({"input": 9}, False)


def test_parts_of_a_count_are_never_more_than_it() -> None:
    prompt = {"cached_tokens": 70, "cache_write_tokens": 70, "audio_tokens": 70}
    out = {"audio_tokens": 50, "reasoning_tokens": 50}
    usage = chat(
        prompt_tokens=100, completion_tokens=40, prompt_tokens_details=prompt, completion_tokens_details=out
    )
    assert tokens_of(usage) == {"cached": 70, "cache_write": 30, "audio_output": 40}
    assert usage.reasoning_tokens == 40
    details = {"cached_tokens": 90, "audio_tokens": 30, "cached_tokens_details": {"audio_tokens": 80}}
    usage = realtime_usage(
        {
            "usage": {
                "input_tokens": 60,
                "output_tokens": 5,
                "input_token_details": details,
                "output_token_details": {"audio_tokens": 7},
            }
        },
        READING,
    )
    assert tokens_of(usage) == {"audio_cached": 30, "cached": 30, "audio_output": 5}


@pytest.mark.parametrize("odd", ODD)
def test_reading_without_a_usable_count_is_estimated(odd: Any) -> None:
    def reading(prompt: Any, answer: Any, spoken: Any) -> tuple[dict[str, int], bool]:
        details = {"output_token_details": {"audio_tokens": spoken}}
        usage = realtime_usage(
            {"usage": {"input_tokens": prompt, "output_tokens": answer, **details}}, READING
        )
        return tokens_of(usage), usage.is_estimated

    assert reading(20, odd, 5) == ({"input": 20, "output": 895, "audio_output": 5}, True)
    assert reading(odd, 9, 5) == ({"input": 50, "output": 4, "audio_output": 5}, True)
    assert reading(20, 9, odd) == ({"input": 20, "audio_output": 9}, True)
    assert reading(odd, odd, 5) == ({"input": 50, "audio_output": 900}, True)
    assert reading(20, 9, 5) == ({"input": 20, "output": 4, "audio_output": 5}, False)


@pytest.mark.parametrize("odd", ODD)
def test_transcription_without_usable_counts_is_estimated(odd: Any) -> None:
    def transcription(audio: Any, output: Any) -> tuple[dict[str, int], bool]:
        details = Answer(audio_tokens=audio)
        usage = Answer(input_tokens=80, output_tokens=output, input_token_details=details)
        found = transcription_usage(Answer(model="m", text="hello", usage=usage), RECORDING)
        return tokens_of(found), found.is_estimated

    assert transcription(70, 9) == ({"input": 10, "audio_input": 70, "output": 9}, False)
    assert transcription(90, 9) == ({"audio_input": 80, "output": 9}, False)
    assert transcription(odd, 9) == ({"audio_input": 80, "output": 9}, True)
    assert transcription(70, odd) == ({"input": 10, "audio_input": 70, "output": 5}, True)


@pytest.mark.parametrize("odd", [None, 5, "", [], {}])
def test_names_that_are_none_are_those_of_the_request(odd: Any) -> None:
    usage = chat_usage(Answer(model=odd, service_tier=odd, _request_id=odd, id=odd, usage=None), CHAT)
    assert (usage.model, usage.tier, usage.request_id) == ("m", "default", None)


def test_names_are_bounded_and_can_be_stored() -> None:
    usage = chat_usage(Answer(model="x\ud800" * 500, id="y" * 500, usage=None), CHAT)
    counted = countable(usage)
    assert (counted.model, counted.request_id) == ("x?" * 100, "y" * 200)
