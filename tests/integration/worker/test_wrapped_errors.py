"""Errors that reach a worker inside others: in a group of asyncio, or behind that of a clean-up."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from contextlib import nullcontext
from typing import cast
from unittest.mock import Mock

import pytest

from preppath_workers.clients.services import Services
from preppath_workers.errors import (
    JobCancelled,
    JobTimeout,
    PermanentError,
    RateLimited,
    ServiceError,
    Snooze,
    TransientError,
)
from preppath_workers.registry import JobContext
from preppath_workers.store.consuming.outcome import Cancelled, Failed, Outcome, Released
from preppath_workers.store.job import Job
from preppath_workers.worker.attempt.execution import WorkerContext, run


def outcome_of(handle: Callable[[JobContext], object]) -> Outcome:
    """The outcome of an attempt with this handler."""
    worker_context = WorkerContext(
        lambda context, _: handle(context), cast("Services", None), Mock(), 1.0, ()
    )
    return run(Job("tts", "j", {"data": "{}"}), worker_context, nullcontext())


def in_task_group(error: BaseException) -> Outcome:
    """The outcome of a handler one of whose tasks raises the error."""

    async def fail() -> None:
        raise error

    async def tasks() -> None:
        async with asyncio.TaskGroup() as outer:
            outer.create_task(asyncio.sleep(60))
            async with asyncio.TaskGroup() as inner:
                inner.create_task(fail())

    return outcome_of(lambda _: asyncio.run(tasks()))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (PermanentError("gone"), "permanent"),
        (ServiceError("vendor", "away"), "service"),
        (ServiceError("vendor", "no answer", may_be_paid=True), "paid"),
        (JobTimeout("over"), "paid"),
        (OSError(errno.ENOSPC, "full"), "machine"),
        (ValueError("bug"), "unknown"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value,
)
def test_failure_of_a_task_group_is_that_of_its_only_error(error: BaseException, kind: str) -> None:
    outcome = in_task_group(error)

    assert isinstance(outcome, Failed)
    assert outcome.kind == kind


def test_attempt_that_a_task_ends_uncounted_is_not_counted() -> None:
    assert isinstance(in_task_group(Snooze("later", 5)), Released)
    assert isinstance(in_task_group(RateLimited("slow down", 5)), Released)
    assert isinstance(in_task_group(JobCancelled("cancelled")), Cancelled)


def test_group_of_several_errors_is_an_unknown_failure() -> None:
    def fail(_: JobContext) -> None:
        raise ExceptionGroup("both", [PermanentError("gone"), TransientError("again")])

    outcome = outcome_of(fail)
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.words) == ("unknown", "ExceptionGroup: both (2 sub-exceptions)")


def test_error_of_the_cleaning_up_after_the_time_limit_is_a_job_timeout() -> None:
    """Its request may have been paid for, so it counts against the job whatever others meet."""

    def clean_up(_: JobContext) -> None:
        try:
            raise JobTimeout("the job exceeded its time limit")
        finally:
            raise OSError(errno.ENOSPC, "cannot write the rest")

    outcome = outcome_of(clean_up)
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.words) == ("paid", "JobTimeout: the job exceeded its time limit")


def test_error_that_a_handler_raises_in_place_of_the_time_limit_decides() -> None:
    def give_up(_: JobContext) -> None:
        try:
            raise JobTimeout("the job exceeded its time limit")
        except JobTimeout as error:
            raise PermanentError("no job of this size fits") from error

    outcome = outcome_of(give_up)
    assert isinstance(outcome, Failed)
    assert outcome.kind == "permanent"
