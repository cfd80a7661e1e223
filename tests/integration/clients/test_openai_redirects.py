"""Servers that redirect requests to OpenAI: these must not go elsewhere, or arrive as other requests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from preppath_workers.clients.openai.client import OpenAI
from preppath_workers.errors import ServiceError
from tests.fake_openai.control import OpenAIServer

from .conftest import Answers, Client
from .openai_requests import classification, evaluate, speak_text, transcribe

REQUESTS = [evaluate, speak_text, transcribe]


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_server_is_not_followed_and_named(
    client: Client, answers: Answers, vendor: OpenAIServer, request_: Callable[[OpenAI], None], status: int
) -> None:
    """Recordings and answers were sent there without the key, so the error was about the key."""
    location = f"{vendor.base_url}/chat/completions?token=secret"
    url = answers(status, b"", {"Location": location})

    with pytest.raises(ServiceError) as caught:
        request_(client(base_url=f"{url}/v1"))

    assert classification(caught.value) == "refuses all"
    assert str(caught.value) == (
        f"OpenAI's server redirects to {vendor.base_url}/chat/completions: check the model's base URL"
    )
    assert vendor.calls() == []


@pytest.mark.parametrize("location", ["/v1/chat/completions", "https://127.0.0.1/", "http://[", "//x:y/"])
def test_redirect_that_makes_a_get_of_a_post_is_refused(
    client: Client, answers: Answers, location: str
) -> None:
    with pytest.raises(ServiceError, match=r"^OpenAI's server redirects to .*: check the model's") as caught:
        evaluate(client(base_url=answers(301, b"", {"Location": location})))

    assert classification(caught.value) == "refuses all"


def test_redirect_within_the_server_that_keeps_the_request_is_followed(
    client: Client, answers: Answers
) -> None:
    """Servers made with FastAPI add or remove a slash at the end so."""
    with pytest.raises(ServiceError, match="redirects without end"):
        evaluate(client(base_url=answers(307, b"", {"Location": "/v1/chat/completions/"})))
