"""Refusals whose bodies cannot be read: a proxy cuts them off, or says that they are compressed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from preppath_workers.clients.openai import connection
from preppath_workers.clients.openai.client import OpenAI
from preppath_workers.errors import JobError, RateLimited

from .conftest import Answers, Client
from .openai_requests import classification, evaluate, speak_text, transcribe

BODY = b'{"error": {"code": "model_overloaded", "message": "Later."}}'
REQUESTS = [evaluate, speak_text, transcribe]
#: What makes the body unreadable: the header and how the error is called.
CUT_OFF = ({"Content-Length": "900", "Connection": "close"}, "RemoteProtocolError")
NOT_COMPRESSED = ({"Content-Encoding": "gzip"}, "DecodingError")


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, "service"),
        (401, "refuses all"),
        (404, "refuses all"),
        (409, "service"),
        (429, "RateLimited"),
        (500, "service"),
        (503, "service"),
        (504, "may be paid"),
    ],
)
@pytest.mark.parametrize(("headers", "problem"), [CUT_OFF, NOT_COMPRESSED], ids=["cut off", "not compressed"])
def test_refusal_whose_body_cannot_be_read_is_classified_by_its_status(
    client: Client,
    answers: Answers,
    request_: Callable[[OpenAI], None],
    status: int,
    expected: str,
    headers: dict[str, str],
    problem: str,
) -> None:
    """It counted as paid, so that an outage behind such a proxy cost every job its retries."""
    url = answers(status, BODY, {"Content-Type": "application/json", **headers})

    with pytest.raises(JobError) as caught:
        request_(client(base_url=url))

    assert classification(caught.value) == expected
    if status != 401:  # whose words are not shown
        assert f"OpenAI answered {status}: the body cannot be read ({problem})" in str(caught.value)


def test_rate_limit_whose_body_cannot_be_read_keeps_its_delay(client: Client, answers: Answers) -> None:
    url = answers(429, BODY, {"Retry-After": "7", "Content-Encoding": "gzip"})

    with pytest.raises(RateLimited) as caught:
        evaluate(client(base_url=url))

    assert caught.value.retry_after == 7


def test_refusal_that_is_too_large_is_classified_by_its_status(
    client: Client, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_RESPONSE", 200_000)

    with pytest.raises(
        JobError, match=r"answered 503: the body cannot be read \(ResponseTooLarge\)"
    ) as caught:
        evaluate(client(base_url=answers(503, b"x" * 200_001)))

    assert classification(caught.value) == "service"
