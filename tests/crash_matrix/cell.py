"""One cell: a scene, a fault, and whether the caller survives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from multiprocessing.context import ForkProcess
from typing import Any

from tests.queue import invariants
from tests.queue.bench import State
from tests.waiting import eventually

from .scenes import Scene
from .stage import Stage, kill

_OVER = ("completed", "failed", "cancelled")


class Fault(Enum):
    """What happens to the command."""

    NOT_SENT = "cut before it is sent"
    ANSWER_LOST = "applied, answer lost"
    SILENT = "applied, connection silently gone"
    RESTART = "applied, server killed, restarted"
    NO_SCRIPT = "scripts gone (NOSCRIPT)"


@dataclass(frozen=True)
class Cell:
    scene: Scene
    fault: Fault
    killed: bool

    def __str__(self) -> str:
        return f"{self.scene.name}: {self.fault.value}, {'killed' if self.killed else 'survives'}"


def play(cell: Cell, stage: Stage, deadline: float = 20.0) -> int:
    """Returns how many runs there were beyond those without a fault. Raises AssertionError when a promise is
    broken, or not kept within `deadline` seconds."""
    scene = cell.scene
    stage.begin(**scene.settings)
    try:
        scene.before(stage)
        begun = stage.bench.read()
        stage.proxy.arm(scene.command, scene.skip)
        process = scene.start(stage)
        scene.provoke(stage, process)
        _stop(cell, stage)
        struck = stage.bench.read()
        _strike(cell, stage, process)
        if cell.killed and scene.has_successor:
            process = scene.start(stage)
        scene.crew(stage, process)
        eventually(lambda: is_over(stage.bench.read()), deadline)
        eventually(lambda: stage.has_come_to_rest(process), deadline)
        if not cell.killed:
            assert process.exitcode in (None, 0), "the caller did not fail of it"
        return _judge(cell, stage, begun, struck)
    finally:
        stage.end()


def _stop(cell: Cell, stage: Stage) -> None:
    """The command is under way, or done, and the caller does not know."""
    stage.proxy.wait("asked")
    if cell.fault is Fault.NO_SCRIPT:
        stage.redis.script_flush()
    if cell.fault is not Fault.NOT_SENT:
        stage.proxy.order("send")
    cell.scene.meanwhile(stage)
    if cell.fault is not Fault.NOT_SENT:
        stage.proxy.wait("answered")


def _strike(cell: Cell, stage: Stage, process: ForkProcess) -> None:
    if cell.fault is Fault.SILENT:
        stage.proxy.order("vanish")
    if cell.fault is Fault.RESTART:
        stage.server.kill()
    if cell.killed:
        kill(process)
    if cell.fault is Fault.RESTART:
        stage.server.start()
    stage.proxy.order("deliver" if cell.fault is Fault.NO_SCRIPT else "cut")


def is_over(state: State) -> bool:
    jobs = state.get("jobs", {}).values()
    held = any(state.get("active", {}).values())
    return not held and "wait" not in state and all(job["state"] in _OVER for job in jobs)


def _judge(cell: Cell, stage: Stage, begun: State, struck: State) -> int:
    scene, final = cell.scene, stage.bench.read()
    if struck != begun:  # which may be out of order on purpose
        invariants.check(struck)
    invariants.check(final)
    jobs, starts = final.get("jobs", {}), stage.record.count("start")
    assert {job_id: jobs.get(job_id, {}).get("state") for job_id in scene.states} == scene.states
    assert final["stats"]["enqueued"] == len(scene.states), "added once"
    completed = [*scene.states.values()].count("completed")
    assert final["stats"].get("completed", 0) == completed, "completed once"
    for job_id, job in jobs.items():
        lost = cell.killed and _is_active(struck, job_id) and not _is_active(begun, job_id)
        _judge_counters(job, starts[job_id], cell.killed)
        assert job.get("recoveries", 0) in _recoveries(cell, job_id, lost)
    _judge_payments(cell, stage)
    extra = sum(starts.values()) - sum(scene.runs.get(job_id, 1) for job_id in scene.states)
    assert 0 <= extra <= int(cell.killed), f"{extra} runs more than without the fault"
    return extra


def _judge_counters(job: Mapping[str, Any], starts: int, killed: bool) -> None:
    """Every attempt ended in one way, and every one that a handler saw is counted. A caller that was killed
    may have started one without its handler's ever seeing it."""
    attempts, releases = job.get("attempts", 0), job.get("releases", 0)
    ended = job.get("failures", 0) + job.get("recoveries", 0) + (job["state"] == "completed")
    assert attempts == ended
    assert starts in range(attempts + releases - int(killed), attempts + releases + 1)


def _recoveries(cell: Cell, job_id: str, lost: bool) -> tuple[int, ...]:
    """How often the job may be told to have lost its worker."""
    usual = cell.scene.recoveries.get(job_id, 0)
    # An instance that could not give up its lease in good order loses its jobs instead.
    return (0, 1) if cell.scene.command == "leave" else (usual + lost,)


def _judge_payments(cell: Cell, stage: Stage) -> None:
    """Paid twice is only what nobody could store before the death."""
    unstored = cell.killed and cell.fault in (Fault.NOT_SENT, Fault.NO_SCRIPT)
    assert all(paid <= 1 + unstored for paid in stage.record.count("paid").values())


def _is_active(state: State, job_id: str) -> bool:
    job = state.get("jobs", {}).get(job_id, {})
    return bool(job.get("state") == "active")
