"""Job: a hash, read whatever stands in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from preppath_workers.store.job import Job


def job(**fields: str) -> Job:
    return Job("tts", "a", fields)


def test_a_hash_that_is_empty_but_for_a_field_reads_as_defaults() -> None:
    read = job(other="x")
    assert (read.state, read.priority, read.data, read.raw_data, read.fencing_token) == (
        "unknown",
        50,
        None,
        "",
        "",
    )
    assert (read.attempts, read.failures, read.recoveries, read.replays, read.releases) == (0, 0, 0, 0, 0)
    assert (read.created_at, read.wait_ms, read.checkpoints) == (None, None, {})


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf", "1e999", "0x10", "9" * 5_000])
def test_a_number_that_is_none_reads_as_its_default(text: str) -> None:
    read = job(priority=text, attempts=text, fencingToken=text, createdAt=text, startedAt=text)
    assert (read.priority, read.attempts, read.fencing_token) == (50, 0, text)
    assert (read.created_at, read.started_at, read.wait_ms) == (None, None, None)
    json.dumps(read.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"class":"E"}', {"class": "E"}),
        ("plain text", {"class": "Unknown", "message": "plain text"}),
        ('["a list"]', {"class": "Unknown", "message": '["a list"]'}),
        ("[" * 100_000, {"class": "Unknown", "message": "[" * 100_000}),
        ("", None),
    ],
    ids=["an object", "text", "a list", "too deep", "empty"],
)
def test_an_error_is_an_object_whatever_stands_there(text: str, error: Any) -> None:
    assert job(error=text).error == error


def test_data_that_is_no_json_is_shown_as_it_stands() -> None:
    assert job(data="{broken").data is None
    assert job(data="{broken").to_dict()["data"] == "{broken"
    assert job(data='{"a":1}').to_dict()["data"] == {"a": 1}


@pytest.mark.parametrize(
    ("fields", "wait_ms"),
    [
        ({"createdAt": "100", "startedAt": "350"}, 250),
        ({"createdAt": "100", "queuedAt": "300", "startedAt": "350"}, 50),
        ({"createdAt": "100"}, None),
        ({"startedAt": "350"}, None),
        ({"createdAt": "100", "queuedAt": "400", "startedAt": "350"}, None),
    ],
)
def test_the_wait_is_counted_from_when_it_last_was_in_the_queue(
    fields: dict[str, str], wait_ms: int | None
) -> None:
    assert job(**fields).wait_ms == wait_ms


def test_people_see_times_in_iso_8601_and_names_in_camel_case() -> None:
    shown = job(state="completed", data="{}", createdAt="1764000000123", finishedAt="1" * 30).to_dict()
    assert shown["createdAt"] == "2025-11-24T16:00:00.123Z"
    assert (shown["startedAt"], shown["finishedAt"]) == (None, None)
    assert {*shown} == {
        "queue", "id", "state", "progress", "priority", "attempts", "failures", "excused", "recoveries",
        "replays", "data", "result", "reason", "error", "createdAt", "startedAt", "finishedAt",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "is_finished"),
    [
        *((state, False) for state in ("waiting", "delayed", "active", "unknown")),
        *((state, True) for state in ("completed", "failed", "cancelled")),
    ],
)
def test_states_after_which_nothing_happens_by_itself(state: str, is_finished: bool) -> None:
    assert job(state=state).is_finished is is_finished


def test_a_reply_of_a_script_names_the_job() -> None:
    read = Job.from_reply(
        "tts", ["state", "active", "id", "hand-written", "checkpoint:step", "{}", "id", "a"]
    )
    assert (read.id, read.state, read.checkpoints) == ("a", "active", {"step": "{}"})
