"""One queue as the overview and its own page show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ...queue.cost_words import spent_lately
from ...queue.gate_words import GateWord, gate_word, why_closed
from ...store.job import Job
from ...store.reading.brief import BriefReader
from ...store.reading.data_loss import data_loss
from ...store.reading.history import read_history
from ...store.reading.limits import limit_in_force
from ...store.reading.oldest import oldest_waiting_ms
from ...store.reading.rate_use import RateUse, rate_use
from ...store.reading.reader import Counts
from ...store.reading.snapshot import WorkerSnapshot, take_snapshot
from ...store.reading.writes import refusal
from ..queues import Queues
from .chart import Chart, chart

#: How urgent a state is: it decides about colour and symbol.
Tone = Literal["good", "wait", "bad"]


@dataclass(frozen=True)
class QueueView:
    """A queue's numbers, its gate, and what keeps it from working."""

    name: str
    now: int
    counts: Counts
    word: GateWord
    tone: Tone
    #: Why jobs do not start, in sentences.
    reasons: Sequence[str]
    #: When the queue went out of service, ms.
    since: int | None
    is_paused: bool
    #: How long the oldest waiting job has waited, ms.
    oldest: int | None
    rate: RateUse | None
    workers: Sequence[WorkerSnapshot]
    failures: Sequence[Job]
    chart: Chart
    #: Seconds that 95 % of the attempts of the last hour waited and ran at most; None without any.
    waited: float | None
    ran: float | None
    #: What was spent today and in this month, in words; None if the queue pays for nothing.
    spent: str | None
    #: That its model is about to be shut down, in words.
    model_end: str | None

    @property
    def busy(self) -> int:
        """How many workers run a job."""
        return sum(worker.job is not None for worker in self.workers)


def view(queues: Queues, name: str, failures: int = 0) -> QueueView:
    """Return a queue as it is now, with its latest `failures` dead letters. Raises Problem."""
    queue, settings, end = queues.get(name), queues.settings[name], queues.model_end(name)
    snapshot, now = take_snapshot(BriefReader.of(queue), failures), queue.now()
    gate, counts = snapshot.gate, snapshot.counts
    refused, loss = refusal(queue), data_loss(queue)
    word = gate_word(gate, refused, counts.workers)
    agreed = limit_in_force(queue)
    limit = agreed.newest.limit if agreed else settings.rate_limit
    history = read_history(queue)
    reasons = list(why_closed(gate, refused))
    if word == "no workers":
        reasons.append("no instance with workers for this queue is running")
    if gate.paused:
        reasons.append("paused: nothing starts until it is resumed")
    reasons += map(str, snapshot.troubles)
    if loss:
        reasons.append(f"{loss}, noticed {max(0, now - loss.at) // 60_000} min ago")
    return QueueView(
        name=queue.name,
        now=now,
        counts=counts,
        word=word,
        tone="bad" if snapshot.troubles else _tone(word, counts),
        reasons=reasons,
        since=gate.since,
        is_paused=gate.paused,
        oldest=oldest_waiting_ms(queue),
        rate=rate_use(queue, limit) if limit else None,
        workers=sorted(snapshot.workers, key=lambda worker: -(worker.seconds or 0.0)),
        failures=snapshot.failures,
        chart=chart(history.minutes, now),
        waited=history.wait.quantile(0.95),
        ran=history.run.quantile(0.95),
        spent=spent_lately(queue),
        model_end=end.words(now) if end else None,
    )


def _tone(word: GateWord, counts: Counts) -> Tone:
    if word == "open":
        return "good"
    if word == "no workers":
        return "bad" if counts.unfinished else "wait"
    return "wait" if word in ("paused", "held") else "bad"
