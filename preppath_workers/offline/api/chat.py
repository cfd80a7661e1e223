"""`POST /v1/chat/completions`: the request and the response."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ApiError
from .models import Models
from .schema import Schema, Suggest, check_strict, fill

#: Parameters that reasoning models refuse.
_NOT_WITH_REASONING = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs")


@dataclass(frozen=True)
class ChatRequest:
    """A chat: the text of all messages, and of the user's alone. `schema`: that of the JSON object to return;
    None for plain text."""

    model: str
    text: str
    by_user: str
    schema: Schema | None = None

    def content(self, suggest: Suggest, plain: str) -> str:
        """Return the reply's content: a JSON object that conforms to the schema, or `plain` without one.
        Raises ApiError (400) for a schema that cannot be followed."""
        if self.schema is None:
            return plain
        return json.dumps(fill(self.schema, suggest), ensure_ascii=False)


def chat_request(
    body: Mapping[str, Any], models: Models, default_schema: Callable[[], Schema]
) -> ChatRequest:
    """Return the request. Raises ApiError for what the real API refuses, and for streaming.

    `default_schema` returns that of a JSON object which is requested without one.
    """
    model = models.require(body, "chat")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ApiError(400, "Invalid 'messages': expected one message at least.", param="messages")
    texts = [(_text(message), message.get("role")) for message in messages]
    _check_parameters(model, body)
    text = "\n\n".join(text for text, _ in texts)
    by_user = "\n\n".join(text for text, role in texts if role == "user")
    return ChatRequest(model, text, by_user, _schema(body, text, default_schema))


def completion(
    chat: ChatRequest, content: str | None, tokens: Callable[[str], int], **choice: Any
) -> dict[str, Any]:
    """Return the response. `tokens` counts the tokens of a text; `choice`: fields of the choice that differ
    from those of a finished answer. A `refusal` is the message's."""
    refusal = choice.pop("refusal", None)
    prompt_tokens, answer_tokens = tokens(chat.text), tokens(refusal or content or "")
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": chat.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": refusal},
                "finish_reason": "stop",
                "logprobs": None,
                **choice,
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


def _text(message: Any) -> str:
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return "\n".join(str(part.get("text", "")) for part in content)
    if not isinstance(content, str):
        raise ApiError(400, "Invalid 'messages': a message has no content.", param="messages")
    return content


def _schema(body: Mapping[str, Any], text: str, default: Callable[[], Schema]) -> Schema | None:
    wanted = body.get("response_format") or {"type": "text"}
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_schema":
        given = wanted.get("json_schema")
        if not isinstance(given, dict) or not given.get("name") or not isinstance(given.get("schema"), dict):
            message = "Missing required parameter: 'response_format.json_schema' with a name and a schema."
            raise ApiError(400, message, "missing_required_parameter", "response_format")
        schema: Schema = given["schema"]
        if given.get("strict"):
            check_strict(schema)
        return schema
    if kind == "json_object":
        if "json" not in text.lower():
            message = (
                "'messages' must contain the word 'json' to use 'response_format' of type 'json_object'."
            )
            raise ApiError(400, message, param="messages")
        return default()
    if kind != "text":
        message = "Invalid 'response_format.type': expected 'text', 'json_object' or 'json_schema'."
        raise ApiError(400, message, "invalid_value", "response_format")
    return None
