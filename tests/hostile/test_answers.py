"""Whatever a server answers, a client raises what the queue knows what to do with, and tells no secret."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preppath_workers.clients.openai import Manner, OpenAI
from preppath_workers.clients.storage import Storage
from preppath_workers.clients.webhook import Webhook
from preppath_workers.errors import JobError
from preppath_workers.settings import Capability, OpenAIConfig, StorageConfig, WebhookConfig

from .strategies import STATUSES, bodies, http_answers
from .talker import Talker, talker

KEY, SECRET, TOKEN = "sk-canary-key", "canary-secret", "canary-token"
#: Seconds: a server that says less than it promised hangs up, so nobody waits for so long.
TIMEOUT = 5.0


@pytest.fixture(scope="module")
def server() -> Iterator[Talker]:
    with talker() as state:
        yield state


@pytest.fixture(scope="module")
def openai(server: Talker) -> Iterator[OpenAI]:
    """One client for all examples, as a worker has one for all jobs."""
    capability = Capability("gpt-transcribe", KEY, f"{server.url}/v1", TIMEOUT)
    with closing(OpenAI(OpenAIConfig(capability, capability, capability))) as client:
        yield client


@pytest.fixture(scope="module")
def storage(server: Talker) -> Iterator[Storage]:
    config = StorageConfig("bucket", server.url, "us-east-1", "canary-id", SECRET)
    with closing(Storage(config, TIMEOUT, TIMEOUT)) as client:
        yield client


@pytest.fixture(scope="module")
def webhook(server: Talker) -> Webhook:
    url = f"{server.url.replace('//', f'//user:{SECRET}@')}/?token={TOKEN}"
    return Webhook(WebhookConfig(url, SECRET), (TIMEOUT, TIMEOUT))


def ask(call: Callable[[], object]) -> None:
    """Only our own errors come out, and nothing of them may not be seen."""
    try:
        call()
    except JobError as error:
        seen = f"{error} {error.__cause__!r}"
        assert not [word for word in (KEY, SECRET, TOKEN) if word in seen]


CHAT = ("choices", "message", "content", "refusal", "finish_reason", "error", "code")
TRANSCRIPT = ("text", "duration", "language", "languages", "usage", "error", "code", "message")


@given(answer=http_answers(bodies(*CHAT)))
def test_openai_evaluates(server: Talker, openai: OpenAI, answer: bytes) -> None:
    server.says = answer
    ask(lambda: openai.evaluate([{"role": "user", "content": "Judge."}], {}))


@given(answer=http_answers(bodies(*TRANSCRIPT)))
def test_openai_transcribes(server: Talker, openai: OpenAI, answer: bytes) -> None:
    server.says = answer
    ask(lambda: openai.transcribe(io.BytesIO(b"sound"), "a.wav", "audio/wav"))


@given(answer=http_answers(bodies("error", "code", "message")))
def test_openai_speaks(server: Talker, openai: OpenAI, answer: bytes) -> None:
    server.says = answer
    ask(lambda: openai.speak("Why?", Manner("alloy")))


S3_BODIES = st.binary(max_size=100) | st.just(b"<Error><Code>NoSuchKey</Code></Error>")


# But for redirects: botocore follows each of them a hundred times.
@given(answer=http_answers(S3_BODIES, [status for status in STATUSES if status // 100 != 3]))
def test_s3(server: Talker, storage: Storage, answer: bytes) -> None:
    server.says = answer
    for call in (
        lambda: storage.find("key"),
        lambda: storage.read("key"),
        lambda: storage.download("key", io.BytesIO()),
        lambda: storage.upload("key", b"x", "audio/mpeg", {"sha256": "x"}),
        lambda: storage.delete("key"),
    ):
        ask(call)


@given(answer=http_answers(st.binary(max_size=100)))
def test_the_webhooks_receiver(server: Talker, webhook: Webhook, answer: bytes) -> None:
    server.says = answer
    ask(lambda: webhook.deliver("id", b"{}"))
