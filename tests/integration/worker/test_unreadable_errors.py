"""An error whose text cannot be read: its class still decides how the attempt ends."""

from __future__ import annotations

from contextlib import nullcontext
from typing import cast
from unittest.mock import Mock

import pytest

from preppath_workers.clients.services import Services
from preppath_workers.errors import (
    InvalidJob,
    MachineError,
    PermanentError,
    RateLimited,
    ServiceError,
    Snooze,
    TransientError,
)
from preppath_workers.store.consuming.outcome import Failed, Outcome, Released
from preppath_workers.store.job import Job
from preppath_workers.worker.attempt.execution import WorkerContext, run

PROBLEMS = [ValueError("no text"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), RecursionError()]


def outcome_of(error: BaseException) -> Outcome:
    """The outcome of an attempt whose handler raises this."""
    handler = Mock(side_effect=error)
    worker_context = WorkerContext(handler, cast("Services", None), Mock(), 1.0, ())
    return run(Job("tts", "j", {"data": "{}"}), worker_context, nullcontext())


def without_text(kind: type[BaseException], problem: BaseException, *arguments: str) -> BaseException:
    """An error of a class of this kind whose text raises the problem."""

    def fail(_: object) -> str:
        raise problem

    return type("Textless", (kind,), {"__str__": fail})(*arguments)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize(
    ("kind", "arguments", "expected"),
    [
        (Exception, (), "unknown"),
        (SystemExit, (), "unknown"),
        (TransientError, ("later",), "unknown"),
        (InvalidJob, (), "invalid"),
        (PermanentError, (), "permanent"),
        (ServiceError, ("vendor", "away"), "service"),
        (MachineError, ("disk", "full"), "machine"),
    ],
)
def test_failure_without_a_readable_text_is_of_its_class(
    kind: type[BaseException], arguments: tuple[str, ...], expected: str, problem: BaseException
) -> None:
    outcome = outcome_of(without_text(kind, problem, *arguments))

    assert isinstance(outcome, Failed)
    assert outcome.kind == expected
    assert f"this error cannot be read ({type(problem).__name__})" in outcome.words


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize(("kind", "expected"), [(InvalidJob, "invalid"), (PermanentError, "permanent")])
def test_failure_that_raises_for_attributes_that_its_class_lacks_is_of_its_class(
    kind: type[BaseException], expected: str, problem: BaseException
) -> None:
    def fail(_: object, name: str) -> object:
        raise problem

    outcome = outcome_of(type("Trap", (kind,), {"__getattr__": fail})("never"))

    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.words) == (expected, "Trap: never")


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("kind", [Snooze, RateLimited])
def test_attempt_that_does_not_count_is_released_although_its_reason_cannot_be_read(
    kind: type[BaseException], problem: BaseException
) -> None:
    outcome = outcome_of(without_text(kind, problem, "later"))

    assert isinstance(outcome, Released)
    assert outcome.reason == f"this error cannot be read ({type(problem).__name__})"
