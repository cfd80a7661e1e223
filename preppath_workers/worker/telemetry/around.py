"""What surrounds each attempt of a handler, such as an error tracker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ...clients.services import Services
from ...errors import JobCancelled, JobLost, RateLimited, Shutdown, Snooze
from ...registry import Handler, JobContext

#: How an attempt ends that did not fail.
NO_FAILURE = (JobCancelled, JobLost, RateLimited, Shutdown, Snooze)

#: Called with the context of each attempt in a worker; the handler runs inside what it returns, and its
#: errors pass through.
Hook = Callable[[JobContext], AbstractContextManager[object]]


def surround(handler: Handler, hook: Hook) -> Handler:
    """Return the handler inside the hook."""

    def within(context: JobContext, services: Services) -> Any:
        with hook(context):
            return handler(context, services)

    return within
