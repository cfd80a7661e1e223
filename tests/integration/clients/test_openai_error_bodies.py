"""Errors in the shapes of other providers, and errors inside a 200 response."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from preppath_workers.clients.openai.client import OpenAI
from preppath_workers.errors import JobError, RateLimited

from .conftest import Answers, Client
from .openai_requests import classification, evaluate, speak_text, transcribe


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"detail": [{"type": "extra_forbidden", "loc": ["body", "temperature"]}]}, "refuses all"),
        ({"detail": [{"type": "missing", "loc": ["body", "messages", 0]}]}, "PermanentError"),
        (
            {
                "object": "error",
                "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"]}]},
            },
            "refuses all",
        ),
        ({"error": {"message": "flagged", "metadata": {"reasons": ["violence"]}}}, "PermanentError"),
        ([{"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}], "PermanentError"),
    ],
    ids=str,
)
def test_error_of_another_providers_shape_is_classified_likewise(
    client: Client, answers: Answers, body: Any, expected: str
) -> None:
    status = 403 if "metadata" in str(body) else 422
    url = answers(status, json.dumps(body).encode(), {"Content-Type": "application/json"})

    with pytest.raises(JobError) as caught:
        evaluate(client(base_url=url))

    assert classification(caught.value) == expected


@pytest.mark.parametrize(
    "error",
    [
        {"code": 400, "status": "FAILED_PRECONDITION", "message": "User location is not supported."},
        {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]},
        {"type": "invalid_request_error", "code": "organization_restricted"},
        {"type": "invalid_request_error", "code": "model_decommissioned"},
        {"type": "invalid_request_error", "code": "model_terms_required"},
    ],
    ids=str,
)
@pytest.mark.parametrize("in_list", [True, False])
def test_bad_request_about_the_account_or_the_model_refuses_all(
    client: Client, answers: Answers, error: dict[str, Any], in_list: bool
) -> None:
    body: Any = {"error": error}
    url = answers(400, json.dumps([body] if in_list else body).encode(), {"Content-Type": "application/json"})

    with pytest.raises(JobError) as caught:
        evaluate(client(base_url=url))

    assert classification(caught.value) == "refuses all"


@pytest.mark.parametrize("status", [305, 401, 403, 404, 405])
def test_refusal_that_is_not_json_names_the_base_url(client: Client, answers: Answers, status: int) -> None:
    """A URL without /v1 was reported as a missing model."""
    url = answers(status, b"<html>Not here.</html>", {"Content-Type": "text/html"})

    with pytest.raises(JobError, match=r"; not JSON, so not OpenAI's: check the model's base URL$") as caught:
        evaluate(client(base_url=url))

    # A firewall may refuse one text.
    assert classification(caught.value) == ("service" if status == 403 else "refuses all")


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        # nginx, for a plain request to a port of TLS
        (400, {"Content-Type": "text/html"}, b"<html>400 Bad Request</html>", "service"),
        (400, {"Content-Type": "text/plain"}, b"Bad Request", "service"),
        (400, {}, b"", "service"),
        (414, {"Content-Type": "text/html"}, b"<html>", "service"),
        (422, {}, b"", "service"),
        (413, {"Content-Type": "text/html"}, b"<html>Request Entity Too Large</html>", "PermanentError"),
        (400, {"Content-Type": "application/json"}, b'{"error": "no such words"}', "service"),
        (400, {"Content-Type": "application/problem+json"}, b'"no"', "service"),
    ],
)
def test_bad_request_that_is_not_the_apis_is_not_the_jobs_failure(
    client: Client, answers: Answers, status: int, headers: dict[str, str], body: bytes, expected: str
) -> None:
    """A proxy or gateway may answer all requests so: each would be dead at once."""
    with pytest.raises(JobError) as caught:
        evaluate(client(base_url=answers(status, body, headers)))

    assert classification(caught.value) == expected
    is_json = "json" in headers.get("Content-Type", "")
    assert str(caught.value).endswith("not JSON, so not OpenAI's: check the model's base URL") != is_json


@pytest.mark.parametrize("request_", [evaluate, transcribe], ids=["evaluate", "transcribe"])
@pytest.mark.parametrize("body", [b'data: {"id": "c1"}\n\ndata: [DONE]\n\n', b": ping\n\n", b"event: done\n"])
def test_answer_that_is_a_stream_of_events_may_be_paid(
    client: Client, answers: Answers, request_: Callable[[OpenAI], None], body: bytes
) -> None:
    """A model has answered, so each probe of an outage would be charged."""
    url = answers(200, body, {"Content-Type": "text/event-stream"})

    with pytest.raises(JobError, match=r"with a stream of events that was not asked for$") as caught:
        request_(client(base_url=url))

    assert classification(caught.value) == "may be paid"


MESSAGE = "The provider says no."


@pytest.mark.parametrize(
    ("request_", "error", "expected"),
    [
        (evaluate, {"code": 429}, "RateLimited"),
        (evaluate, {"code": "429"}, "RateLimited"),
        (evaluate, {"code": 402}, "refuses all"),
        (evaluate, {"code": 401}, "refuses all"),
        (evaluate, {"code": 502}, "service"),
        (evaluate, {"code": 504}, "service"),
        (evaluate, {"code": 400}, "PermanentError"),
        (evaluate, {"type": "insufficient_quota", "code": None}, "refuses all"),
        (evaluate, {"type": "rate_limit_error"}, "RateLimited"),
        (evaluate, {"type": "overloaded_error"}, "service"),
        (evaluate, {"code": "model_not_found"}, "refuses all"),
        (evaluate, {"code": "unsupported_value", "param": "temperature"}, "refuses all"),
        (evaluate, {}, "service"),
        (transcribe, {"code": 429}, "RateLimited"),
        (speak_text, {"code": 429}, "RateLimited"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_error_in_a_200_response_is_classified_by_its_code(
    client: Client,
    answers: Answers,
    request_: Callable[[OpenAI], None],
    error: dict[str, Any],
    expected: str,
) -> None:
    body = json.dumps({"error": {"message": MESSAGE, **error}}).encode()
    url = answers(200, body, {"Content-Type": "application/json", "x-request-id": "req_7"})

    with pytest.raises(JobError) as caught:
        request_(client(base_url=url))

    assert classification(caught.value) == expected
    assert str(caught.value).partition("OpenAI answered 200")[2].startswith(" with an error")
    assert (MESSAGE in str(caught.value)) == (error != {"code": 401})
    assert "(request req_7)" in str(caught.value)


CHOICE: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": None}}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"choices": [{**CHOICE, "error": {"code": 429, "message": MESSAGE}}]}, "RateLimited"),
        ({"choices": [{"index": 0, "error": {"code": 402, "message": MESSAGE}}]}, "refuses all"),
        (
            {"choices": [{**CHOICE, "finish_reason": "error", "error": {"code": 502, "message": MESSAGE}}]},
            "service",
        ),
        ({"choices": [{**CHOICE, "finish_reason": "error"}]}, "service"),
        ({"choices": [CHOICE], "error": {"code": 429, "message": MESSAGE}}, "RateLimited"),
        ({"choices": None, "error": "out of capacity"}, "service"),
        ({"object": "error", "code": 429, "message": MESSAGE}, "RateLimited"),
        ({"error": None, "choices": []}, "service"),
        ([{"error": {"code": 429, "message": MESSAGE}}], "RateLimited"),
    ],
    ids=str,
)
def test_choice_with_an_error_is_classified_by_its_code(
    client: Client, answers: Answers, answer: Any, expected: str
) -> None:
    url = answers(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    with pytest.raises(JobError) as caught:
        evaluate(client(base_url=url))

    assert classification(caught.value) == expected
    assert (MESSAGE in str(caught.value)) == (MESSAGE in str(answer))


def test_error_of_an_upstream_provider_keeps_its_message(client: Client, answers: Answers) -> None:
    metadata = {"raw": "z-ai/glm is temporarily rate-limited upstream", "provider_name": "BaseTen"}
    error = {"code": 429, "message": "Provider returned error", "metadata": metadata}
    url = answers(200, json.dumps({"error": error}).encode(), {"Content-Type": "application/json"})

    with pytest.raises(RateLimited, match="Provider returned error: z-ai/glm is temporarily rate-limited"):
        evaluate(client(base_url=url))
