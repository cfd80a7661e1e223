from __future__ import annotations

from typing import Any

import pytest

from preppath_workers.errors import InvalidJob
from preppath_workers.handlers import KINDS, data
from preppath_workers.handlers.kind import Kind

from .conftest import FakeAttempt

VALID = {
    "transcription": {"recordingId": "r1", "userId": "u1"},
    "tts": {"questionId": "q1", "text": "Why?"},
    "evaluation": {"questionId": "q1", "interviewId": "i1", "answer": "Because.", "userId": "u1"},
}
LONGEST = {"text": 20_000, "answer": 50_000}
FIELDS = [
    pytest.param(kind, name, id=f"{kind.defaults.name}.{name}")
    for kind in KINDS
    for name in VALID[kind.defaults.name]
]


class NoServices:
    """Fails whoever fetches or pays for something."""

    def __getattr__(self, name: str) -> Any:
        pytest.fail(f"{name} was used before the data was checked")


def refusal(kind: Kind, **changes: Any) -> str:
    attempt = FakeAttempt({**VALID[kind.defaults.name], **changes})
    with pytest.raises(InvalidJob) as caught:
        kind.load()(attempt, NoServices())  # type: ignore[arg-type] # stands in for Services
    return str(caught.value)


@pytest.mark.parametrize(("kind", "name"), FIELDS)
@pytest.mark.parametrize("value", [None, 7, True, [], {}, "", "  \n", "a\0b", "\ud800"], ids=repr)
def test_a_wrong_field_is_refused_by_name(kind: Kind, name: str, value: Any) -> None:
    assert refusal(kind, **{name: value}).startswith(name)


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_a_missing_field_is_refused_by_name(kind: Kind, name: str) -> None:
    rest = {field: value for field, value in VALID[kind.defaults.name].items() if field != name}

    with pytest.raises(InvalidJob, match=f"{name} is missing"):
        kind.load()(FakeAttempt(rest), NoServices())  # type: ignore[arg-type] # stands in for Services


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_what_is_too_long_is_refused_and_not_repeated(kind: Kind, name: str) -> None:
    limit = LONGEST.get(name, data.MAX_ID)

    message = refusal(kind, **{name: "x" * (limit + 1)})

    assert message == f"{name} must have {limit} characters at most, not {limit + 1}"


@pytest.mark.parametrize("value", ["x" * 20, "Zoë 😀", " padded "])
def test_what_is_right_is_handed_on_as_it_is(value: str) -> None:
    assert data.text({"text": value, "more": 1}, "text", 20) == value


@pytest.mark.parametrize(
    ("value", "expected"), [("plain 😀", "plain 😀"), ("a\0b", "ab"), ("half \ud83d", "half ?"), ("", "")]
)
def test_what_a_vendor_says_can_be_stored(value: str, expected: str) -> None:
    assert data.storable(value) == expected
