from __future__ import annotations

from typing import Any

import pytest

from preppath_workers.clients.postgres.text import storable
from preppath_workers.errors import InvalidJob
from preppath_workers.jobs import JOB_TYPES, validation
from preppath_workers.registry import JobType
from preppath_workers.testing import FakeContext

#: The required fields of each job type.
VALID = {
    "transcription": {"recordingId": "r1", "userId": "u1"},
    "tts": {"questionId": "q1", "text": "Why?"},
    "evaluation": {"questionId": "q1", "interviewId": "i1", "answer": "Because.", "userId": "u1"},
    "webhook": {"event": "completed", "queue": "tts", "jobId": "j1"},
}
LONGEST = {"text": 20_000, "answer": 50_000}
FIELDS = [
    pytest.param(job_type, name, id=f"{job_type.defaults.name}.{name}")
    for job_type in JOB_TYPES
    for name in VALID[job_type.defaults.name]
]


class NoServices:
    """Fails the test if a service is used."""

    def __getattr__(self, name: str) -> Any:
        pytest.fail(f"{name} was used before the data was checked")


def refusal(job_type: JobType, **changes: Any) -> str:
    context = FakeContext({**VALID[job_type.defaults.name], **changes})
    with pytest.raises(InvalidJob) as caught:
        job_type.load()(context, NoServices())  # type: ignore[arg-type] # stands in for Services
    return str(caught.value)


@pytest.mark.parametrize(("job_type", "name"), FIELDS)
def test_required_field_with_a_wrong_value_is_refused_by_name(job_type: JobType, name: str) -> None:
    for value in (None, 7, True, [], {}, "", "  \n", "\ufeff", "\u200b \u2060", "a\0b", "\ud800"):
        assert refusal(job_type, **{name: value}).startswith(name), repr(value)


@pytest.mark.parametrize(("job_type", "name"), FIELDS)
def test_required_field_that_is_missing_is_refused_by_name(job_type: JobType, name: str) -> None:
    rest = {field: value for field, value in VALID[job_type.defaults.name].items() if field != name}

    with pytest.raises(InvalidJob, match=f"{name} is missing"):
        job_type.load()(FakeContext(rest), NoServices())  # type: ignore[arg-type] # stands in for Services


@pytest.mark.parametrize(("job_type", "name"), FIELDS)
def test_required_field_that_is_too_long_is_refused_without_its_value(job_type: JobType, name: str) -> None:
    limit = LONGEST.get(name, validation.MAX_ID)

    message = refusal(job_type, **{name: "x" * (limit + 1)})

    assert message == f"{name} must have at most {limit} characters, not {limit + 1}"


@pytest.mark.parametrize(
    ("queue", "changes", "message"),
    [
        ("transcription", {"language": 7}, "language must be text, not int"),
        ("transcription", {"language": "english"}, "language must be an ISO 639-1 code"),
        ("transcription", {"language": "EN"}, "language must be an ISO 639-1 code"),
        ("transcription", {"language": "en\n"}, "language must be an ISO 639-1 code"),
        ("tts", {"voice": ["alloy"]}, "voice must be text, not list"),
        ("tts", {"voice": " "}, "voice must not be empty"),
        ("tts", {"instructions": "x" * 4_097}, "instructions must have at most 4096 characters, not 4097"),
        ("tts", {"speed": "fast"}, "speed must be a number, not str"),
        ("tts", {"speed": True}, "speed must be a number, not bool"),
        ("tts", {"speed": 0.2}, "speed must be from 0.25 to 4"),
        ("tts", {"speed": 4.1}, "speed must be from 0.25 to 4"),
        ("tts", {"speed": float("nan")}, "speed must be from 0.25 to 4"),
        ("tts", {"speed": float("inf")}, "speed must be from 0.25 to 4"),
        ("tts", {"speed": 10**400}, "speed must be from 0.25 to 4"),
        ("tts", {"speed": -(10**400)}, "speed must be from 0.25 to 4"),
        ("webhook", {"at": 10**400}, "at must be from 0 to"),
    ],
)
def test_optional_field_with_a_wrong_value_is_refused_by_name(
    queue: str, changes: dict[str, Any], message: str
) -> None:
    [job_type] = [job_type for job_type in JOB_TYPES if job_type.name == queue]
    assert refusal(job_type, **changes).startswith(message)


@pytest.mark.parametrize("value", [None, "de"])
def test_optional_field_may_be_missing_or_null(value: str | None) -> None:
    assert validation.optional_language({"language": value}, "language") == value
    assert validation.optional_language({}, "language") is None
    assert validation.optional_number({"speed": 4}, "speed", 0.25, 4) == 4.0
    assert validation.optional_number({}, "speed", 0.25, 4) is None


def test_unknown_fields_are_ignored_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", logger=validation.__name__):
        validation.log_unknown_fields({"id": 1, "txt": "what she said", "Text": 2}, "id")
        validation.log_unknown_fields({"id": 1}, "id")

    [record] = caplog.records
    assert (record.levelname, record.fields) == ("DEBUG", {"fields": ["Text", "txt"]})


@pytest.mark.parametrize("value", ["x" * 20, "Zoë 😀", " padded "])
def test_text_that_is_valid_is_returned_unchanged(value: str) -> None:
    assert validation.text({"text": value, "more": 1}, "text", 20) == value


@pytest.mark.parametrize(
    ("value", "expected"), [("plain 😀", "plain 😀"), ("a\0b", "ab"), ("half \ud83d", "half ?"), ("", "")]
)
def test_storable_removes_what_postgresql_cannot_store(value: str, expected: str) -> None:
    assert storable(value) == expected
