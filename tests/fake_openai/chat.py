"""`POST /v1/chat/completions`: structured outputs, JSON objects and plain text, without a model.

A request for this project's evaluation is evaluated (`evaluation.py`); any other schema is filled with
values that conform to it.
"""

from __future__ import annotations

import json
from typing import Any

from preppath_workers.offline.api.chat import ChatRequest, chat_request, completion
from preppath_workers.offline.api.http import Request, Response, json_response
from preppath_workers.offline.grading.evaluation import reply_schema

from .evaluation import evaluate
from .faults import Fault
from .models import MODELS


def create_completion(request: Request, fault: Fault) -> Response:
    """Return a completion. Raises ApiError for requests that the real API refuses, and for streaming."""
    chat = chat_request(request.json, MODELS, reply_schema)
    content = None if fault.refusal is not None else _content(chat, fault)
    choice: dict[str, Any] = {"finish_reason": fault.finish_reason or "stop", "refusal": fault.refusal}
    if fault.choice_error is not None:
        choice["error"] = fault.choice_error
    return json_response(_with_details(completion(chat, content, _tokens, **choice)))


def _with_details(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the completion with every kind of token: a third of the prompt is cached, a fifth written to the
    cache, and the model has thought."""
    usage = answer["usage"]
    prompt, thought = usage["prompt_tokens"], 7
    usage["prompt_tokens_details"] |= {"cached_tokens": prompt // 3, "cache_write_tokens": prompt // 5}
    usage["completion_tokens_details"]["reasoning_tokens"] = thought
    usage["completion_tokens"] += thought
    usage["total_tokens"] += thought
    return {**answer, "service_tier": "default"}


def _content(chat: ChatRequest, fault: Fault) -> str:
    if isinstance(fault.content, str):
        return fault.content
    if fault.content is not None:
        return json.dumps(fault.content, ensure_ascii=False)
    evaluation = evaluate(chat.by_user)
    return chat.content(evaluation.suggest, evaluation.feedback)


def _tokens(text: str) -> int:
    # Four characters a token is OpenAI's own rule of thumb for English.
    return -(-len(text) // 4)
