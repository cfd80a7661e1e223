"""The errors of this package as values."""

from __future__ import annotations

import copy
import pickle

import pytest

from preppath_workers.errors import (
    BudgetSpent,
    ConfigError,
    JobFailed,
    MachineError,
    NewerLayout,
    PermanentError,
    PrepPathError,
    RateLimited,
    ServiceError,
    UnknownJob,
)


class OwnError(PermanentError):
    """An error of a job's own module."""

    def __init__(self, *, url: str) -> None:
        super().__init__(f"{url} is gone")
        self.url = url


ERRORS = [
    ConfigError("one", "two"),
    NewerLayout("tts", 3, 2),
    UnknownJob("tts", "q1"),
    JobFailed("tts", "q1", "retries", {"class": "ValueError", "message": "no"}),
    RateLimited("slow down", 2.0),
    ServiceError("s3", "away", may_be_paid=True),
    MachineError("disk", "full"),
    BudgetSpent("user u1", "day", 60.0, 5),
    OwnError(url="a"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_error_that_another_process_raises_arrives_as_it_was(error: PrepPathError) -> None:
    unpickled = pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
    for arrived in (unpickled, copy.copy(error)):
        assert type(arrived) is type(error)
        assert (str(arrived), arrived.args, vars(arrived)) == (str(error), error.args, vars(error))
