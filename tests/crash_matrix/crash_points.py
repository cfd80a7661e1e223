# ruff: noqa: E501 — one crash point, one line
"""Each transition, with a situation in which a process calls it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.context import ForkProcess
from typing import Any

from preppath_workers import Queue
from preppath_workers.config.budget import Cap, Caps
from preppath_workers.config.model import RateLimit
from preppath_workers.worker.processes.signals import LEAVE
from tests.integration.store.failing import failing
from tests.support.waiting import eventually

from .environment import HOME, OTHER, Environment, kill, signal_to

Act = Callable[[Environment], object]
Together = Callable[[Environment, ForkProcess], object]


@dataclass(frozen=True)
class CrashPoint:
    """A process that calls a transition, and the state that its jobs must reach.

    The proxy stops `command`, after letting `skip` of them pass. `before` prepares the queue. `start` starts
    the process that calls the command, and starts it again after its death. `provoke` makes the process call it,
    unless it does so by itself. `meanwhile` runs while the command is on its way. `start_others` starts
    the other processes that are needed to bring every job to its end.
    """

    name: str
    command: str
    start: Callable[[Environment], ForkProcess]
    start_others: Together
    before: Act = lambda environment: None
    provoke: Together = lambda environment, process: None
    meanwhile: Act = lambda environment: None
    skip: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    #: By job: its final state; None if it must no longer exist.
    states: Mapping[str, str | None] = field(default_factory=lambda: {"a": "completed"})
    #: By job: how often it runs without a fault (1 unless listed), and how many of these runs lose their
    #: worker (0 unless listed).
    runs: Mapping[str, int] = field(default_factory=dict)
    recoveries: Mapping[str, int] = field(default_factory=dict)
    #: Whether its process is started again after its death.
    has_successor: bool = True


def enqueued(*ids: str, delay: float = 0.0, **data: object) -> Act:
    def before(environment: Environment) -> None:
        for job_id in ids:
            environment.queue.enqueue(data, id=job_id, delay=delay)

    return before


def _abandoned(environment: Environment) -> None:
    """A worker of the slot was killed while it ran the job."""
    enqueued("a", do="sleep", seconds=0.2)(environment)
    environment.lose_worker("a")


def _abandoned_elsewhere(environment: Environment) -> None:
    enqueued("a", do="sleep", seconds=0.2)(environment)
    environment.lose_worker("a", OTHER)
    environment.expire(OTHER)


def _abandoned_over_a_paid_request(environment: Environment) -> None:
    """A worker was killed before its paid request was answered, and its slot has been recovered."""
    enqueued("a", do="buy", slow=True)(environment)
    worker = environment.worker(direct=True)
    eventually(lambda: environment.record.count("charged")["a"])
    kill(worker)
    environment.state.call("recover", f"{HOME}:0", 1, 2, now=environment.queue.now())


def _dead(environment: Environment) -> None:
    """The job is in the dead-letter list, although its handler never ran."""
    enqueued("a")(environment)
    environment.state.call("claim", OTHER, 0, 60_000, 0, 0, 0, now=environment.queue.now())
    environment.state.call(
        "retry", "a", f"{OTHER}:0", 1, *failing("{}", "permanent", 1, 1, 0), now=environment.queue.now()
    )
    assert environment.queue.get("a").state == "failed"


def _misplaced(environment: Environment) -> None:
    """The job is in no list: an operator has deleted `wait`."""
    enqueued("a")(environment)
    environment.redis.delete(environment.queue.keys.wait)


def _stop_while_it_runs(environment: Environment, process: ForkProcess) -> None:
    eventually(lambda: environment.record.count("start")["a"])
    signal_to(process, signal.SIGTERM)


def _stop_with_a_reserved_job(environment: Environment, process: ForkProcess) -> None:
    """SIGTERM comes while the worker waits for a token: the first job has taken the only one."""
    eventually(lambda: environment.redis.zcard(environment.queue.keys.reservations))
    signal_to(process, signal.SIGTERM)


def _stop_once_registered(environment: Environment, process: ForkProcess) -> None:
    eventually(lambda: environment.redis.hexists(environment.queue.keys.instance(HOME), "pid"))
    signal_to(process, LEAVE)


def _add_once_it_pops(environment: Environment, process: ForkProcess) -> None:
    eventually(lambda: environment.has_come_to_rest(process))
    enqueued("a")(environment)


def _enqueued_with_a_gate(environment: Environment) -> None:
    """Any field in `gate` makes the script take its long path."""
    environment.redis.hset(environment.queue.keys.gate, "note", "by hand")
    enqueued("b", "a")(environment)


def _start_janitor(environment: Environment, process: ForkProcess) -> None:
    environment.janitor(direct=True)


def _start_both_afterwards(environment: Environment, process: ForkProcess) -> None:
    """Start a worker and a janitor once the process has ended, so that it competes with none."""
    eventually(lambda: process.exitcode is not None)
    environment.janitor(direct=True)
    environment.worker(direct=True)


def _start_worker(environment: Environment, process: ForkProcess) -> None:
    environment.worker(direct=True)


def _start_other_instance(environment: Environment, process: ForkProcess) -> None:
    environment.janitor(OTHER, direct=True)
    environment.worker(OTHER, direct=True)


def _by_operator(name: str, command: str, call: Callable[[Queue], object], **details: Any) -> CrashPoint:
    return CrashPoint(
        name, command, lambda environment: environment.caller(call), _start_both_afterwards, **details
    )


_by_worker = partial(CrashPoint, start=lambda environment: environment.worker(), start_others=_start_janitor)
_by_janitor = partial(CrashPoint, start=lambda environment: environment.janitor(), start_others=_start_worker)

_CAPPED = {"budget": Caps(day=Cap(10**6))}
_BOTH = {"a": "completed", "b": "completed"}

CRASH_POINTS = (
    _by_worker("recover (its slot's last job)", "recover", before=_abandoned, runs={"a": 2}, recoveries={"a": 1}),
    _by_worker("claim (takes the head)", "claim", before=enqueued("a")),
    _by_worker("pop (blocks)", "brpoplpush", meanwhile=enqueued("a")),
    _by_worker("claim (behind its pop)", "claim", provoke=_add_once_it_pops, skip=1),
    _by_worker("settle_and_fetch (completes and claims)", "settle_and_fetch", before=enqueued("a", "b"), states=_BOTH),
    _by_worker("settle_and_fetch (in a queue whose `gate` isn't empty)", "settle_and_fetch", before=_enqueued_with_a_gate, states=_BOTH),
    _by_worker("complete (on SIGTERM)", "complete", before=enqueued("a", do="sleep", seconds=0.2), provoke=_stop_while_it_runs, start_others=_start_both_afterwards, has_successor=False),
    _by_worker("retry (delays the job)", "retry", before=enqueued("a", do="transient"), runs={"a": 2}),
    _by_worker("retry (buries the job)", "retry", before=enqueued("a", do="permanent"), states={"a": "failed"}),
    _by_worker("release (vendor's limit)", "release", before=enqueued("a", do="limited"), runs={"a": 2}),
    _by_worker("recover (requeues, on SIGTERM)", "recover", before=enqueued("b", "a"), provoke=_stop_with_a_reserved_job, start_others=_start_both_afterwards, has_successor=False, skip=1, settings={"rate_limit": RateLimit(1, 1.0)}, states=_BOTH),
    _by_worker("progress", "progress", before=enqueued("a", do="progress")),
    _by_worker("checkpoint", "checkpoint", before=enqueued("a", do="pay")),
    _by_worker("acquire_token", "acquire_token", before=enqueued("a", do="acquire_token"), settings={"rate_limit": RateLimit(5, 1.0)}),
    _by_worker("check_lease", "check_lease", before=enqueued("a", do="check_lease")),
    _by_worker("reserve", "reserve", before=enqueued("a", do="buy"), settings=_CAPPED),
    _by_worker("open_call", "open_call", before=enqueued("a", do="buy"), settings=_CAPPED),
    _by_worker("close_calls", "close_calls", before=enqueued("a", do="buy"), settings=_CAPPED),
    _by_worker("checkpoint (with a cost)", "checkpoint", before=enqueued("a", do="buy in a step"), settings=_CAPPED),
    _by_worker("settle_reservations", "settle_reservations", before=enqueued("a", do="buy"), settings=_CAPPED),
    _by_janitor("open_reservations", "open_reservations", before=_abandoned_over_a_paid_request, settings=_CAPPED, runs={"a": 2}, recoveries={"a": 1}),
    _by_janitor("call_status", "call_status", before=_abandoned_over_a_paid_request, settings=_CAPPED, runs={"a": 2}, recoveries={"a": 1}),
    _by_janitor("settle_reservations (of a dead worker)", "settle_reservations", before=_abandoned_over_a_paid_request, settings=_CAPPED, runs={"a": 2}, recoveries={"a": 1}),
    _by_janitor("heartbeat", "heartbeat", before=enqueued("a")),
    _by_janitor("promote_due", "promote_due", before=enqueued("a", delay=0.02)),
    _by_janitor("reap", "reap", before=_abandoned_elsewhere, runs={"a": 2}, recoveries={"a": 1}),
    _by_janitor("leave", "leave", before=_abandoned, provoke=_stop_once_registered, start_others=_start_other_instance, runs={"a": 2}, has_successor=False),
    _by_operator("enqueue", "enqueue", lambda queue: queue.enqueue({}, id="a")),
    _by_operator("enqueue (more urgent)", "enqueue", lambda queue: queue.enqueue({}, id="a", priority=1), before=enqueued("b"), states=_BOTH),
    _by_operator("enqueue (delayed)", "enqueue", lambda queue: queue.enqueue({}, id="a", delay=0.1)),
    _by_operator("cancel", "cancel", lambda queue: queue.cancel("a"), before=enqueued("a"), states={"a": "cancelled"}, runs={"a": 0}),
    _by_operator("promote one", "promote_job", lambda queue: queue.promote("a"), before=enqueued("a", delay=600)),
    _by_operator("prioritize", "prioritize", lambda queue: queue.prioritize("a", 1), before=enqueued("b", "a"), states=_BOTH),
    _by_operator("replay", "replay", lambda queue: queue.replay(["a"]), before=_dead),
    _by_operator("purge", "purge", lambda queue: queue.purge(["a"]), before=_dead, states={"a": None}, runs={"a": 0}),
    _by_operator("repair", "repair", lambda queue: queue.call("repair", "a", "1"), before=_misplaced),
)  # fmt: skip
