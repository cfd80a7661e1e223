"""What clients report of each paid request: the worst case before it, the usage after it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from math import ceil

import pytest

from preppath_workers.clients.openai.client import OpenAI, SpeechOptions
from preppath_workers.clients.usage import Meter, Usage
from preppath_workers.config.prices import load_prices
from preppath_workers.errors import JobError, ServiceError
from preppath_workers.testing import FakeContext
from tests.fake_openai.control import OpenAIServer

from .conftest import REALTIME_MODEL, Answers, Client
from .test_openai import SCHEMA, TWO_SECONDS

MESSAGES = [{"role": "user", "content": "Judge this answer: a heap is a tree. Ünïcödé."}]


USED = {
    "prompt_tokens": 9,
    "completion_tokens": 0,
    "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
}


def evaluate(openai: OpenAI, meter: Meter) -> None:
    openai.evaluate(MESSAGES, SCHEMA, meter)  # type: ignore[arg-type] # as prompt.messages returns them


def transcribe(openai: OpenAI, meter: Meter) -> None:
    file = io.BytesIO(TWO_SECONDS.wav_bytes("Hello."))
    openai.transcribe(file, "a.wav", "audio/wav", seconds=2.0, meter=meter)


def read(openai: OpenAI, meter: Meter) -> None:
    with openai.reader(SpeechOptions("alloy")) as reader:
        reader.read("What is a heap?", meter)


def cost(usage: Usage) -> int:
    nano = load_prices().cost(usage.model, usage.tier, usage.tokens, usage.seconds, usage.characters)
    assert nano is not None
    return nano


@pytest.mark.parametrize("request_made", [evaluate, transcribe, read])
def test_usage_costs_what_the_vendor_charges_and_less_than_the_worst_case(
    client: Client, vendor: OpenAIServer, request_made: Callable[[OpenAI, Meter], None]
) -> None:
    context = FakeContext()
    request_made(client(models={"speech": REALTIME_MODEL}), context)
    [worst_case], [usage] = context.worst_cases, context.charges
    [charged] = [call for call in vendor.calls() if call.get("charge")]
    assert cost(usage) == charged["charge"]["nano"] <= cost(worst_case)
    assert usage.request_id == charged["requestId"]
    assert not usage.is_estimated


def test_speech_endpoint_is_charged_by_an_estimate_of_its_duration(client: Client) -> None:
    context = FakeContext()
    client().synthesize("What is a heap?", SpeechOptions("alloy"), context)
    [worst_case], [usage] = context.worst_cases, context.charges
    assert usage.is_estimated
    assert 0 < usage.seconds < worst_case.seconds
    assert cost(usage) == ceil(usage.seconds * 15_000_000 / 60)


@pytest.mark.parametrize(
    ("fault", "is_charged"),
    [
        ({"finish_reason": "length"}, True),
        ({"content": "no JSON"}, True),
        ({"refusal": "No."}, True),
        ({"status": 429}, False),
        ({"status": 500}, False),
        ({"body_error": {"message": "no"}}, False),
        ({"cut": "middle"}, False),
        ({"body": json.dumps({"choices": [], "usage": USED})}, True),
        ({"body": json.dumps({"choices": None, "usage": {**USED, "prompt_tokens": 0}})}, False),
        ({"body": '{"error": {"code": 502}, "usage": {"prompt_tokens": 9}}'}, True),
        ({"body": '{"usage": "some"}'}, False),
    ],
)
def test_unusable_answer_is_charged_if_it_reports_its_usage(
    client: Client, vendor: OpenAIServer, fault: dict[str, object], is_charged: bool
) -> None:
    vendor.order(fault)
    context = FakeContext()
    with pytest.raises(JobError):
        evaluate(client(), context)
    assert bool(context.charges) == is_charged


def test_answer_in_parts_is_their_text(client: Client, answers: Answers) -> None:
    """Mistral's models that reason answer so: each answer was paid for and refused."""
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Is it {}?"}]},
        {"type": "text", "text": '{"a": '},
        {"type": "text", "text": "1}"},
    ]
    body = json.dumps({"choices": [{"message": {"content": parts}}]}).encode()
    openai = client(base_url=answers(200, body, {"Content-Type": "application/json"}))
    context = FakeContext()

    assert openai.evaluate([{"role": "user", "content": "Judge this."}], {}, context) == {"a": 1}
    assert context.charges[0].tokens["output"] == len('{"a": 1}')


@pytest.mark.parametrize(
    ("audio", "name"),
    [
        (b"RIFF\x24\0\0\0WAVEfmt ", "WAV"),
        (b"OggS\0\x02", "Ogg"),
        (b"fLaC\0\0", "FLAC"),
        (b"<html>Log in.</html>", "unknown"),
    ],
)
def test_speech_that_is_not_an_mp3_is_charged_and_not_stored(
    client: Client, answers: Answers, audio: bytes, name: str
) -> None:
    """It was stored as an MP3, and the parts of a long text were joined as if they were."""
    url = answers(200, audio, {"Content-Type": "audio/mpeg"})
    context = FakeContext()

    with pytest.raises(ServiceError, match=f"^OpenAI's speech isn't MP3 but {name}: "):
        client(base_url=url).synthesize("What is a heap?", SpeechOptions("alloy"), context)

    assert len(context.charges) == 1


@pytest.mark.parametrize(
    ("usage", "is_charged"),
    [
        ('{"type": "duration", "seconds": 2}', True),
        ('{"type": "tokens", "input_tokens": 20, "output_tokens": 1}', True),
        ('{"type": "duration", "seconds": 0}', False),
        ("null", False),
    ],
)
def test_answer_without_a_transcript_is_charged_if_it_reports_its_usage(
    client: Client, vendor: OpenAIServer, usage: str, is_charged: bool
) -> None:
    vendor.order({"body": f'{{"text": null, "usage": {usage}}}'})
    context = FakeContext()
    with pytest.raises(JobError):
        transcribe(client(), context)
    assert bool(context.charges) == is_charged
