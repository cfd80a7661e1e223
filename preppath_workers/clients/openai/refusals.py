"""Parse vendors' error responses, which differ in shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Characters of the vendor's message that are kept.
MAX_MESSAGE = 300

#: Codes about the request's format, unless they name a parameter that comes from the job.
CONFIGURATION_CODES = frozenset(
    {
        *("unsupported_parameter", "unsupported_value", "unknown_parameter"),
        *("invalid_json_schema", "extra_forbidden"),
    }
)
#: Statuses by code or type, for errors in a response with status 200.
_STATUSES = {
    **dict.fromkeys(("invalid_api_key", "authentication_error", "unauthenticated"), 401),
    **dict.fromkeys(("permission_error", "permission_denied"), 403),
    **dict.fromkeys(("model_not_found", "not_found_error", "not_found"), 404),
    **dict.fromkeys(("rate_limit_exceeded", "rate_limit_error", "slow_down", "requests", "tokens"), 429),
    **dict.fromkeys(("resource_exhausted", "too_many_requests"), 429),
    **dict.fromkeys(("server_error", "api_error", "overloaded_error", "server_is_overloaded"), 503),
    # Of a Realtime session, whose type is that of a bad request.
    **dict.fromkeys(("session_expired", "conversation_already_has_active_response"), 503),
    **dict.fromkeys(("invalid_request_error", "invalid_argument", "context_length_exceeded"), 400),
    **dict.fromkeys(("invalid_prompt", "content_policy_violation", *CONFIGURATION_CODES), 400),
}
#: Status of an error without code or type: an upstream of the vendor failed.
_UNKNOWN_STATUS = 502


@dataclass(frozen=True)
class Refusal:
    """An error response: the vendor's error object, of any shape, and the HTTP status, which is 200 for an
    error in a successful response."""

    http_status: int
    error: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None

    @property
    def status(self) -> int:
        """The HTTP status, or the one that matches the error's code."""
        if self.http_status >= 300:
            return self.http_status
        code = self._field("code") or self._field("status")
        if code.isascii() and code.isdigit() and 400 <= int(code[:4]) <= 599:
            return int(code[:4])
        return next((_STATUSES[name] for name in self.names if name in _STATUSES), _UNKNOWN_STATUS)

    @property
    def names(self) -> tuple[str, ...]:
        """The code and type in lower case: vendors use the same words for either. Google calls them status
        and, in the details, reason."""
        names = [self._field("code"), self._field("type"), self._field("status"), self._detail.get("type")]
        details = self._fields.get("details")
        if isinstance(details, list):
            names += [each.get("reason") for each in details if isinstance(each, dict)]
        return tuple(name.lower() for name in names if isinstance(name, str) and name)

    @property
    def has_no_reason(self) -> bool:
        """Whether neither code, type nor parameter says more than that the request is bad: as OpenRouter
        (code 400), LiteLLM (also the texts `None`) and DeepSeek (the type as the code) answer if they do not
        know the model, and also for what one job has sent."""
        code, kind = self._field("code").lower(), self._field("type").lower()
        says_nothing = code in (kind, "", "none") or code == str(self.status)
        has_type = kind not in ("", "none") and kind != code
        # OpenRouter's metadata is that of a provider, which knows the model.
        has_more = self._detail or self._metadata or self.parameter not in (None, "None")
        return says_nothing and not has_type and not has_more

    @property
    def parameter(self) -> str | None:
        """The refused parameter of the request: `messages` for `messages[0].content`, for example."""
        place = self._field("param")
        if not place:
            path = self._detail.get("loc")
            named = [each for each in path if isinstance(each, str)] if isinstance(path, list) else []
            place = next((each for each in named if each != "body"), "")
        word = re.match(r"\w+", place)
        return word[0] if word else None

    @property
    def is_json(self) -> bool:
        """Whether the response is JSON, as all of the API's errors are."""
        return isinstance(self.error, dict | list) or "json" in self.headers.get("content-type", "")

    @property
    def is_flagged_input(self) -> bool:
        """Whether moderation rejected the text (OpenRouter answers 403)."""
        return bool({"flagged_input", "reasons"} & self._metadata.keys())

    def __str__(self) -> str:
        code = self._field("code") or self._field("type")
        parts = [f"OpenAI answered {self.http_status}"]
        if self.http_status < 300:
            parts.append("with an error" + ("" if code == str(self.status) else f" like {self.status}"))
        parts += [code] if code and code != str(self.http_status) else []
        parts += [f"(request {self.request_id})"] if self.request_id else []
        # OpenAI's message about a wrong key quotes parts of it.
        said = "" if self.status == 401 else self._words
        return " ".join(parts) + (f": {said[:MAX_MESSAGE]}" if said else "")

    @property
    def _words(self) -> str:
        said = [self._field("message"), self._metadata.get("raw"), self._detail.get("msg")]
        if isinstance(self.error, str):
            said.append(self.error)
        return ": ".join(each for each in said if isinstance(each, str) and each)

    @property
    def _fields(self) -> Mapping[str, Any]:
        # Google's servers put the error into a list.
        error = self.error[0] if isinstance(self.error, list) and self.error else self.error
        inner = error.get("error") if isinstance(error, dict) else None
        error = inner if isinstance(inner, dict) else error
        return error if isinstance(error, dict) else {}

    def _field(self, name: str) -> str:
        value = self._fields.get(name)
        is_word = isinstance(value, str | int) and not isinstance(value, bool)
        # Python refuses to convert very long integers to text.
        return str(value) if is_word and not (isinstance(value, int) and value > 10**9) else ""

    @property
    def _metadata(self) -> Mapping[str, Any]:
        metadata = self._fields.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    @property
    def _detail(self) -> Mapping[str, Any]:
        """The first detail of servers made with FastAPI: `{"detail": [{"type", "loc", "msg"}]}`, on the top
        level or (Mistral) as the message."""
        message = self._fields.get("message")
        holder = message if isinstance(message, dict) else self._fields
        detail = holder.get("detail")
        first = detail[0] if isinstance(detail, list) and detail else detail
        if isinstance(first, str):
            return {"msg": first}
        return first if isinstance(first, dict) else {}


class Refused(Exception):
    """Raised for an error in a successful response; `openai_errors` translates it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
