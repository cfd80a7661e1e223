"""Stops, starts and replacements under load: no job is lost or repeated, no attempt counted twice."""

from __future__ import annotations

from collections import Counter

import pytest

from preppath_workers import NewJob, Queue
from tests.support.waiting import eventually

from .conftest import Start
from .harness import App

pytestmark = pytest.mark.processes

JOBS = [f"j{number:03}" for number in range(160)]


def load(queue: Queue, seconds: float = 0.02, **data: object) -> None:
    queue.enqueue_many(NewJob({"do": "sleep", "seconds": seconds, **data}, id=job_id) for job_id in JOBS)


def finished(queue: Queue) -> int:
    return queue.statistics().get("completed", 0)


def states(queue: Queue) -> Counter[tuple[str, int, int]]:
    """State, attempts and recoveries of all the jobs."""
    jobs = [queue.get(job_id) for job_id in JOBS]
    return Counter((job.state, job.attempts, job.recoveries) for job in jobs if job)


def runs(app: App) -> Counter[str]:
    return Counter(words[1] for words in app.records("start"))


def test_jobs_during_stops_and_starts_run_exactly_once(launch: Start, alpha: Queue) -> None:
    load(alpha)
    for goal in (40, 80, 120):
        app = launch(ALPHA_CONCURRENCY="4").start()
        eventually(lambda goal=goal: finished(alpha) >= goal)
        assert app.stop() == 0
    app = launch(ALPHA_CONCURRENCY="4").start()
    eventually(lambda: finished(alpha) == len(JOBS))

    assert states(alpha) == {("completed", 1, 0): len(JOBS)}
    assert runs(app) == Counter(JOBS)


def test_jobs_during_immediate_stops_complete_with_one_attempt_counted(launch: Start, alpha: Queue) -> None:
    """Each immediate stop interrupts at most one job a worker, which runs again."""
    load(alpha, seconds=0.1)
    for goal in (20, 60):
        app = launch(ALPHA_CONCURRENCY="4", SHUTDOWN_GRACE="0").start()
        eventually(lambda goal=goal: finished(alpha) >= goal)
        assert app.stop() == 0
    app = launch(ALPHA_CONCURRENCY="8").start()
    eventually(lambda: finished(alpha) == len(JOBS))

    assert states(alpha) == {("completed", 1, 0): len(JOBS)}
    assert runs(app).total() <= len(JOBS) + 2 * 4


@pytest.mark.parametrize(
    "variables",
    [{"MAX_JOBS_PER_CHILD": "7"}, {"MAX_MEMORY_MB": "1"}],
    ids=["after its jobs", "for its memory"],
)
def test_jobs_while_workers_are_replaced_run_exactly_once(
    launch: Start, alpha: Queue, variables: dict[str, str]
) -> None:
    load(alpha, seconds=0.06)  # longer together than the second between two looks at the memory
    app = launch(ALPHA_CONCURRENCY="4", **variables).start()
    eventually(lambda: finished(alpha) == len(JOBS), deadline=30)

    assert states(alpha) == {("completed", 1, 0): len(JOBS)}
    assert runs(app) == Counter(JOBS)
    assert len({words[2] for words in app.records("start")}) > 4
    assert not app.logged("Process died")
    warnings = app.logged("MAX_MEMORY_MB is less than what is loaded before the first job")
    assert [line["limit"] for line in warnings] == [1] * ("MAX_MEMORY_MB" in variables)
