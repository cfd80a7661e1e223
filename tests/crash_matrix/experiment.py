"""One case: a crash point, a fault, and whether the caller is killed."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from multiprocessing.context import ForkProcess
from typing import Any

from tests.integration.store import invariants
from tests.integration.store.redis_state import State
from tests.support.waiting import eventually

from .crash_points import CrashPoint
from .environment import Environment, kill, signal_to
from .record import USED_NANO, WORST_NANO

_OVER = ("completed", "failed", "cancelled")


class Fault(Enum):
    """What happens to the command."""

    NOT_SENT = "cut before it is sent"
    ANSWER_LOST = "applied, answer lost"
    SILENT = "applied, connection silently gone"
    RESTART = "applied, server killed, restarted"
    NO_SCRIPT = "scripts gone (NOSCRIPT)"


@dataclass(frozen=True)
class Experiment:
    crash_point: CrashPoint
    fault: Fault
    killed: bool

    def __str__(self) -> str:
        return f"{self.crash_point.name}: {self.fault.value}, {'killed' if self.killed else 'survives'}"


def play(experiment: Experiment, environment: Environment, deadline: float = 20.0) -> int:
    """Return how many times jobs ran more often than without a fault. Raise AssertionError if an invariant is
    broken, or jobs don't reach their end within `deadline` seconds."""
    crash_point = experiment.crash_point
    environment.begin(**crash_point.settings)
    try:
        crash_point.before(environment)
        begun = environment.state.read()
        environment.proxy.arm(crash_point.command, crash_point.skip)
        process = crash_point.start(environment)
        crash_point.provoke(environment, process)
        _stop(experiment, environment, process)
        struck = environment.state.read()
        _strike(experiment, environment, process)
        if experiment.killed and crash_point.has_successor:
            process = crash_point.start(environment)
        crash_point.start_others(environment, process)
        eventually(lambda: is_over(environment.state.read()), deadline)
        eventually(lambda: environment.has_come_to_rest(process), deadline)
        eventually(lambda: not environment.budget()["reserved"], deadline)
        if not experiment.killed:
            assert process.exitcode in (None, 0), "the caller has failed"
        return _judge(experiment, environment, begun, struck)
    finally:
        environment.end()


def _stop(experiment: Experiment, environment: Environment, process: ForkProcess) -> None:
    """Return when the command has been stopped on its way, or its answer has."""
    environment.proxy.wait("asked")
    signal_to(process, signal.SIGSTOP)  # on a busy machine it would time out, and try again too early
    if experiment.fault is Fault.NO_SCRIPT:
        environment.redis.script_flush()
    if experiment.fault is not Fault.NOT_SENT:
        environment.proxy.order("send")
    experiment.crash_point.meanwhile(environment)
    if experiment.fault is not Fault.NOT_SENT:
        environment.proxy.wait("answered")


def _strike(experiment: Experiment, environment: Environment, process: ForkProcess) -> None:
    if experiment.fault is Fault.SILENT:
        environment.proxy.order("vanish")
    if experiment.fault is Fault.RESTART:
        environment.server.kill()
    if experiment.killed:
        kill(process)
    if experiment.fault is Fault.RESTART:
        environment.server.start()
    environment.proxy.order("deliver" if experiment.fault is Fault.NO_SCRIPT else "cut")
    if not experiment.killed:
        signal_to(process, signal.SIGCONT)


def is_over(state: State) -> bool:
    jobs = state.get("jobs", {}).values()
    held = any(state.get("active", {}).values())
    return not held and not invariants.waiting(state) and all(job["state"] in _OVER for job in jobs)


def _judge(experiment: Experiment, environment: Environment, begun: State, struck: State) -> int:
    crash_point, final = experiment.crash_point, environment.state.read()
    if struck != begun:  # `begun` may break invariants on purpose
        invariants.check(struck)
    invariants.check(final)
    jobs, starts = final.get("jobs", {}), environment.record.count("start")
    assert {job_id: jobs.get(job_id, {}).get("state") for job_id in crash_point.states} == crash_point.states
    assert final["stats"]["enqueued"] == len(crash_point.states), "added once"
    completed = [*crash_point.states.values()].count("completed")
    assert final["stats"].get("completed", 0) == completed, "completed once"
    for job_id, job in jobs.items():
        lost = experiment.killed and _is_active(struck, job_id) and not _is_active(begun, job_id)
        _judge_counters(job, starts[job_id], experiment.killed)
        assert job.get("recoveries", 0) in _recoveries(experiment, job_id, lost)
    _judge_payments(experiment, environment)
    _judge_budget(experiment, environment, jobs)
    extra = sum(starts.values()) - sum(crash_point.runs.get(job_id, 1) for job_id in crash_point.states)
    assert 0 <= extra <= int(experiment.killed), f"{extra} runs more than without the fault"
    return extra


def _judge_counters(job: Mapping[str, Any], starts: int, killed: bool) -> None:
    """Each attempt ended in one way, and each that reached a handler is counted. A caller that was killed may
    have started one that never reached the handler; a slow one may have released one before it did."""
    attempts, releases = job.get("attempts", 0), job.get("releases", 0)
    ended = job.get("failures", 0) + job.get("recoveries", 0) + (job["state"] == "completed")
    assert attempts == ended
    assert attempts - int(killed) <= starts <= attempts + releases


def _recoveries(experiment: Experiment, job_id: str, lost: bool) -> tuple[int, ...]:
    """Return the allowed values of the job's counter of recoveries."""
    usual = experiment.crash_point.recoveries.get(job_id, 0)
    # An instance that could not give up its lease loses its jobs instead.
    return (0, 1) if experiment.crash_point.command == "leave" else (usual + lost,)


def _judge_payments(experiment: Experiment, environment: Environment) -> None:
    """A job is paid for twice only if the answer could not be stored before its worker died."""
    unstored = experiment.killed and experiment.fault in (Fault.NOT_SENT, Fault.NO_SCRIPT)
    assert all(paid <= 1 + unstored for paid in environment.record.count("paid").values())


def _judge_budget(experiment: Experiment, environment: Environment, jobs: Mapping[str, Any]) -> None:
    """What was charged is in ledger and budget; what may have been charged is in both as unknown."""
    calls = [
        json.loads(text) for job in jobs.values() for name, text in job.items() if name.startswith("call:")
    ]
    answered = [call for call in calls if call["kind"] == "actual"]
    unknown = [call for call in calls if call["kind"] == "unknown"]
    assert len(answered) + len(unknown) == len(calls), f"open calls are left: {calls}"
    assert sum(call["nano"] for call in answered) == USED_NANO * len(answered)
    expected = {"reserved": 0, "spent": USED_NANO * len(answered), "unknown": WORST_NANO * len(unknown)}
    assert environment.budget() == expected, f"the budget has {environment.budget()}, the ledger {calls}"
    charged = sum(environment.record.count("charged").values())
    assert len(answered) <= charged <= len(calls), f"charged {charged} times, the ledger has {calls}"
    dead = sum(experiment.crash_point.recoveries.values()) + experiment.killed
    assert len(unknown) <= dead, f"no worker died over an unknown request: {calls}"


def _is_active(state: State, job_id: str) -> bool:
    job = state.get("jobs", {}).get(job_id, {})
    return bool(job.get("state") == "active")
