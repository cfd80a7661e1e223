"""JSON schemas of structured outputs: checked, and filled with conforming values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from .errors import ApiError

Schema = Mapping[str, Any]

#: The value for a property of this name: a text, a list of texts, or a share from 0 to 1 of a number's range.
#: None without a suggestion.
Suggest = Callable[[str], str | float | list[str] | None]

#: The range of a number without limits.
DEFAULT_RANGE = (0.0, 100.0)

#: What a schema raises that has parts of the wrong type, names unknown ones or contains itself.
_MALFORMED = (KeyError, StopIteration, RecursionError, AttributeError, TypeError, ValueError)


def check_strict(schema: Schema) -> None:
    """Raise ApiError (400) unless every object forbids additional properties and requires all of its own, as
    strict mode demands."""
    try:
        _check_strict(schema, "")
    except _MALFORMED:
        raise _invalid("", "a part is malformed or recursive") from None


def _check_strict(schema: Schema, where: str) -> None:
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            raise _invalid(where, "'additionalProperties' must be given and false")
        if set(schema.get("required", ())) != set(schema.get("properties", {})):
            raise _invalid(where, "'required' must name every property")
    parts = {**schema.get("properties", {}), **schema.get("$defs", {})}
    if isinstance(schema.get("items"), Mapping):
        parts["items"] = schema["items"]
    parts |= {f"anyOf {number}": choice for number, choice in enumerate(schema.get("anyOf", ()))}
    for name, part in parts.items():
        _check_strict(part, f"{where}/{name}")


def fill(schema: Schema, suggest: Suggest) -> Any:
    """Return a value that conforms to the schema, with suggestions where the type allows them. Raises
    ApiError (400) for an invalid schema; recursive ones are not supported."""
    try:
        return _Filler(schema, suggest).value(schema, "")
    except _MALFORMED:
        raise _invalid("", "a part is malformed or recursive") from None


class _Filler:
    def __init__(self, root: Schema, suggest: Suggest) -> None:
        self._root = root
        self._suggest = suggest

    def value(self, schema: Schema, name: str) -> Any:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "object")
        if isinstance(kind, list):
            kind = next((each for each in kind if each != "null"), "null")
        fillers: dict[str, Callable[[Schema, str], Any]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "number": self._number,
            "integer": self._integer,
            "boolean": lambda schema, name: True,
            "null": lambda schema, name: None,
        }
        return fillers[kind](schema, name)

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema or "anyOf" in schema:
            if "anyOf" in schema:
                schema = next(each for each in schema["anyOf"] if each.get("type") != "null")
                continue
            target: Any = self._root
            for step in schema["$ref"].lstrip("#/").split("/"):
                target = target[step] if step else target
            schema = target
        return schema

    def _object(self, schema: Schema, name: str) -> dict[str, Any]:
        return {each: self.value(part, each) for each, part in schema.get("properties", {}).items()}

    def _array(self, schema: Schema, name: str) -> list[Any]:
        items = schema.get("items", {"type": "string"})
        suggested = self._suggest(name)
        if isinstance(suggested, list) and self._resolved(items).get("type") == "string":
            values: list[Any] = [_fitted(text, items) for text in suggested]
        else:
            values = [self.value(items, name)]
        while len(values) < schema.get("minItems", 0):
            values.append(self.value(items, name))
        return values[: schema.get("maxItems", len(values))]

    def _string(self, schema: Schema, name: str) -> str:
        suggested = self._suggest(name)
        return _fitted(suggested if isinstance(suggested, str) else f"The {name or 'answer'}.", schema)

    def _number(self, schema: Schema, name: str) -> float:
        low, high = _range(schema)
        suggested = self._suggest(name)
        share = suggested if isinstance(suggested, float) else 0.5
        return round(low + (high - low) * share, 2)

    def _integer(self, schema: Schema, name: str) -> int:
        low, high = _range(schema)
        return max(math.ceil(low), min(math.floor(high), round(self._number(schema, name))))


def _range(schema: Schema) -> tuple[float, float]:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is None and high is None:
        return DEFAULT_RANGE
    low = min(0.0, high) if low is None else low
    high = max(low, DEFAULT_RANGE[1]) if high is None else high
    # One off an exclusive limit keeps whole numbers inside the range.
    return low + ("exclusiveMinimum" in schema), high - ("exclusiveMaximum" in schema)


def _fitted(text: str, schema: Schema) -> str:
    return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength", len(text) + 1_000)]


def _invalid(where: str, problem: str) -> ApiError:
    message = f"Invalid schema for response_format: in {where or 'the root'}, {problem}."
    return ApiError(400, message, param="response_format")
