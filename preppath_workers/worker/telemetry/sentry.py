"""Reports failed attempts to Sentry, or any server that speaks its protocol. Needs the extra `sentry`."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sentry_sdk

from ... import __version__
from ...errors import InvalidJob, PermanentError
from ...log import fields, redact
from ...registry import JobContext
from .around import NO_FAILURE, Hook

logger = logging.getLogger(__name__)

#: Seconds that a process that ends waits for its last reports.
_FLUSH_LIMIT = 2.0


def sentry_hook(dsn: str, environment: str | None, secrets: Sequence[str]) -> Hook:
    """Return a hook that reports each failed attempt: one issue for each queue and class of error.

    A report has the traceback without values of variables, the job's id and the attempt, never its data; the
    `secrets` are redacted.
    """
    started_in = 0

    def start() -> None:
        # In the worker, because it starts a thread; and without what reports on its own account.
        nonlocal started_in
        if started_in != os.getpid():
            started_in = os.getpid()
            sentry_sdk.init(
                dsn=dsn,
                environment=environment,
                release=__version__,
                default_integrations=False,
                auto_enabling_integrations=False,
                include_local_variables=False,
                max_breadcrumbs=0,
                before_send=lambda event, _: _redacted(event, secrets),
            )

    @contextmanager
    def hook(context: JobContext) -> Iterator[None]:
        try:
            yield
        except NO_FAILURE:
            raise
        except BaseException as error:
            try:
                start()
                _report(context, error)
            except BaseException as problem:  # noqa: BLE001 — the error's own code runs, and decides nothing
                logger.warning("Cannot report to Sentry", extra=fields(problem=type(problem).__name__))
            raise

    return hook


def flush() -> None:
    """Send the last reports of a process that ends."""
    sentry_sdk.flush(_FLUSH_LIMIT)


def _report(context: JobContext, error: BaseException) -> None:
    with sentry_sdk.new_scope() as scope:
        scope.fingerprint = [context.queue, type(error).__name__]
        scope.set_tag("queue", context.queue)
        scope.set_tag("jobId", context.id)
        scope.set_tag("attempt", context.attempt)
        scope.set_level("warning" if isinstance(error, InvalidJob | PermanentError) else "error")
        scope.capture_exception(error)


def _redacted(event: Any, secrets: Sequence[str]) -> Any:
    try:
        return json.loads(redact(json.dumps(event, default=str), secrets))
    except ValueError:  # a secret that is a part of JSON's syntax
        return None
