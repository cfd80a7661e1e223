"""Whether a queue's jobs may start, in the words of `queues`, `top` and the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ..store.reading.reader import Gate
from .formatting import span

GateWord = Literal["refused", "no workers", "paused", "out of service", "held", "open"]


def gate_word(gate: Gate, refusal: str | None = None, workers: int | None = None) -> GateWord:
    """Return the gate's state in a word.

    Args:
        refusal: why Redis refuses writes, if it does.
        workers: how many workers live instances have; None if it is shown elsewhere.
    """
    if refusal:
        return "refused"
    if workers == 0:
        return "no workers"
    if gate.paused:
        return "paused"
    if gate.out_of_service:
        return "out of service"
    return "held" if gate.held_ms else "open"


def why_closed(gate: Gate, refusal: str | None = None) -> Iterator[str]:
    """Yield what keeps jobs from starting, apart from a pause."""
    if refusal:
        yield refusal
    if gate.out_of_service:
        yield f"out of service, next probe in {span(gate.probe_ms)}: {gate.service}: {gate.reason}"
    elif gate.held_ms:
        yield f"held for {span(gate.held_ms)}: {gate.reason}"
