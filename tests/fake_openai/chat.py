"""`POST /v1/chat/completions`: structured outputs, JSON objects and plain text, without a model.

A request for this project's evaluation is evaluated (`evaluation.py`); any other schema is filled with
values that conform to it (`schema.py`).
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import models, schema
from .errors import ApiError
from .evaluation import evaluate
from .faults import Fault
from .http import Request, Response, json_response

_SCORE = {"type": "number", "minimum": 0, "maximum": 10}
_POINTS = {"type": "array", "items": {"type": "string"}}

#: The schema of a JSON object that is requested without one.
_EVALUATION = {
    "type": "object",
    "properties": {
        "correctness": _SCORE,
        "completeness": _SCORE,
        "clarity": _SCORE,
        "feedback": {"type": "string"},
        "strengths": _POINTS,
        "improvements": _POINTS,
    },
}

#: Parameters that reasoning models refuse.
_NOT_WITH_REASONING = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs")


def create_completion(request: Request, fault: Fault) -> Response:
    """Return a completion. Raises ApiError for requests that the real API refuses, and for streaming."""
    body = request.json
    model = models.require(body, "chat")
    prompt = _prompt(body)
    _check_parameters(model, body)
    chosen = fault.content
    content = _content(body, prompt) if chosen is None else chosen
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return json_response(_completion(model, prompt, text, fault))


def _check_parameters(model: str, body: Mapping[str, Any]) -> None:
    if body.get("stream"):
        raise ApiError(400, "This server does not stream.", "unsupported_value", "stream")
    if not model.startswith("gpt-6"):
        return
    if "max_tokens" in body:
        message = "Unsupported parameter: use 'max_completion_tokens' instead of 'max_tokens'."
        raise ApiError(400, message, "unsupported_parameter", "max_tokens")
    if body.get("reasoning_effort") == "none":
        return
    for name in _NOT_WITH_REASONING:
        if body.get(name) is not None:
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            raise ApiError(400, message, "unsupported_parameter", name)


@dataclass(frozen=True)
class _Prompt:
    """The text of all messages, and of the user's alone."""

    text: str
    by_user: str


def _prompt(body: Mapping[str, Any]) -> _Prompt:
    """Return the messages' text. Raises ApiError (400) without a message."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ApiError(400, "Invalid 'messages': expected one message at least.", param="messages")
    texts = [(_text(message), message.get("role")) for message in messages]
    return _Prompt(
        "\n\n".join(text for text, _ in texts),
        "\n\n".join(text for text, role in texts if role == "user"),
    )


def _text(message: Any) -> str:
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content)
    if not isinstance(content, str):
        raise ApiError(400, "Invalid 'messages': a message has no content.", param="messages")
    return content


def _content(body: Mapping[str, Any], prompt: _Prompt) -> Any:
    wanted = body.get("response_format") or {"type": "text"}
    evaluation = evaluate(prompt.by_user)
    if wanted.get("type") == "json_schema":
        given = wanted.get("json_schema")
        if not isinstance(given, dict) or not given.get("name") or not isinstance(given.get("schema"), dict):
            message = "Missing required parameter: 'response_format.json_schema' with a name and a schema."
            raise ApiError(400, message, "missing_required_parameter", "response_format")
        if given.get("strict"):
            schema.check_strict(given["schema"])
        return schema.fill(given["schema"], evaluation.suggest)
    if wanted.get("type") == "json_object":
        if "json" not in prompt.text.lower():
            message = (
                "'messages' must contain the word 'json' to use 'response_format' of type 'json_object'."
            )
            raise ApiError(400, message, param="messages")
        return schema.fill(_EVALUATION, evaluation.suggest)
    return evaluation.feedback


def _completion(model: str, prompt: _Prompt, text: str, fault: Fault) -> dict[str, Any]:
    refused = fault.refusal is not None
    prompt_tokens, answer_tokens = _tokens(prompt.text), _tokens(fault.refusal or text)
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": None if refused else text,
                    "refusal": fault.refusal,
                },
                "finish_reason": fault.finish_reason or "stop",
                "logprobs": None,
                **({} if fault.choice_error is None else {"error": fault.choice_error}),
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": answer_tokens,
            "total_tokens": prompt_tokens + answer_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
    }


def _tokens(text: str) -> int:
    # Four characters a token is OpenAI's own rule of thumb for English.
    return -(-len(text) // 4)
