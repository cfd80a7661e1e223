"""Clients that cannot be made, and responses without a sensible size."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import NoReturn

import pytest

from preppath_workers.clients.openai import connection
from preppath_workers.clients.openai.client import OpenAI
from preppath_workers.clients.usage import Unmetered, Usage
from preppath_workers.errors import ServiceError

from .conftest import Answers, Client
from .openai_requests import classification, evaluate, speak_text, transcribe

REQUESTS = [evaluate, speak_text, transcribe]


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("proxy", ["socks5://proxy:1080", "foo://proxy", "http://proxy:port"])
def test_request_with_an_unusable_proxy_refuses_all_jobs_and_costs_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch, request_: Callable[[OpenAI], None], proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)

    with pytest.raises(ServiceError, match="cannot make a client of OpenAI") as caught:
        request_(client())

    assert classification(caught.value) == "refuses all"


def test_evaluation_with_an_unusable_proxy_opens_no_payment(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "foo://proxy")

    class Unpaid(Unmetered):
        def payment(self, worst_case: Usage) -> NoReturn:
            raise AssertionError("a payment was opened")

    with pytest.raises(ServiceError, match="cannot make a client"):
        client().evaluate([{"role": "user", "content": "Judge."}], {}, Unpaid())


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_response_above_the_limit_is_given_up_and_may_be_paid(
    client: Client,
    answers: Answers,
    monkeypatch: pytest.MonkeyPatch,
    request_: Callable[[OpenAI], None],
    encoding: str,
) -> None:
    monkeypatch.setattr(connection, "MAX_RESPONSE", 200_000)
    body = b'{"text": "' + b"x" * 200_000
    url = answers(
        200,
        gzip.compress(body) if encoding == "gzip" else body,
        {"Content-Type": "application/json", "Content-Encoding": encoding},
    )

    with pytest.raises(ServiceError, match=r"cannot parse .* \(ResponseTooLarge\)") as caught:
        request_(client(base_url=url))

    assert classification(caught.value) == "may be paid"


def test_compressed_response_is_read(client: Client, answers: Answers) -> None:
    body = b'{"choices": [{"message": {"content": "{\\"score\\": 1}"}}]}'
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    url = answers(200, gzip.compress(body), headers)

    assert client(base_url=url).evaluate([{"role": "user", "content": "Judge."}], {}) == {"score": 1}
