"""The result that a handler returns."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import Mock

import pytest

from preppath_workers.store.consuming.outcome import Completed, Failed
from preppath_workers.store.job import Job
from preppath_workers.worker.attempt.execution import WorkerContext, run

if TYPE_CHECKING:
    from preppath_workers.clients.services import Services


def outcome_of(result: object) -> object:
    """The outcome of an attempt whose handler returns this."""
    worker_context = WorkerContext(lambda _, __: result, cast("Services", None), Mock(), 1.0, ())
    return run(Job("tts", "j", {"data": "{}"}), worker_context, nullcontext())


@pytest.mark.parametrize(
    ("result", "stored"),
    [
        (None, "null"),
        ("text", '"text"'),
        ([1, {"a": None}], '[1,{"a":null}]'),
        ({"a": "\ud83d"}, '{"a":"\\ud83d"}'),
        (UserDict({"a": UserDict()}), '{"a":{}}'),
        (0, "0"),
    ],
)
def test_result_that_is_json_is_stored(result: object, stored: str) -> None:
    assert outcome_of(result) == Completed(stored)


CYCLE: dict[str, Any] = {}
CYCLE["self"] = CYCLE


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (b"audio", "cannot store the handler's result (bytes) as JSON: it contains a value of type bytes"),
        (
            {"at": datetime(2026, 1, 1, tzinfo=UTC)},
            "result (dict) as JSON: it contains a value of type datetime",
        ),
        ({1, 2}, "result (set) as JSON"),
        ({"n": float("nan")}, "result (dict) as JSON: Out of range float"),
        (CYCLE, "result (dict) as JSON: Circular reference"),
    ],
)
def test_result_that_is_not_json_is_a_permanent_error_naming_its_type(
    result: Mapping[str, Any], message: str
) -> None:
    outcome = outcome_of(result)

    assert isinstance(outcome, Failed)
    assert outcome.kind == "permanent"
    assert message in outcome.words
