"""One span of a trace, whose errors are recorded by their class alone: messages may quote a job's data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def recorded_span(
    trace: ModuleType,
    name: str,
    kind: Any,
    attributes: Mapping[str, Any],
    links: Sequence[Any] = (),
    no_failure: tuple[type[BaseException], ...] = (),
) -> Iterator[Any]:
    """Yield the span around the block.

    Args:
        trace: the module `opentelemetry.trace`, which is an optional dependency.
        no_failure: errors that don't make it a failed span.
    """
    with trace.get_tracer("preppath_workers").start_as_current_span(
        name,
        kind=kind,
        links=links,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            if not isinstance(error, no_failure):
                span.set_status(trace.StatusCode.ERROR)
            raise
