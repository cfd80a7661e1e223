"""Plays one case."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from redis.exceptions import RedisError

from preppath_workers import Queue
from preppath_workers.clients.parent_death import set_pdeathsig
from tests.integration.worker.harness import App
from tests.outages.faults.table import FAULTS
from tests.support.waiting import eventually

from .environment import Environment
from .load import Load, job_ids, paid
from .observations import Observations
from .onlooker import Onlooker, log_names
from .table import Case

#: Jobs that must have completed before the outage begins.
_WARM = 3

#: Seconds from a service's return after which a job that has not ended counts as lost.
_PATIENCE = 90.0

#: Seconds in which workers must stop: a little more than their grace time.
_SHUTDOWN = 60.0

#: Seconds between two reads of the queue.
_TICK = 0.05

_OVER = {"completed", "failed"}


def play(case: Case, environment: Environment) -> Observations:
    """Play a case, from the start of its workers to their stop."""
    with (
        environment.ready(case, job_ids(case)),
        _workers(case, environment) as apps,
        environment.admin() as redis,
    ):
        queue = Queue(case.queue, redis)
        load = Load(case, queue)
        load.start()
        eventually(lambda: _completed(queue, 0) >= _WARM, deadline=30)
        onlooker = Onlooker(case.service, apps[0].environment, min(case.length / 2, 3.0))
        logged = [app.log_path.stat().st_size for app in apps]
        at_first, failed_at = _completed(queue, 0), time.time()
        with FAULTS[case.service, case.failure](environment):
            load.failing.set()
            onlooker.start()
            before = _watch(queue, case.length)
            onlooker.stop()
        first = _first_completion(queue, before, case.jobs)
        lines = [line for app, size in zip(apps, logged, strict=True) for line in _lines(app.log_path, size)]
        load.join(_PATIENCE)
        states = _end(queue, load.accepted)
        onlooker.wait()
        codes = [_stop(app) for app in apps]
        named = {**onlooker.named, "log": log_names(case.service, lines)}
        remarks = [*_remarks(queue, apps), *(_unnamed(onlooker) if case.must_be_named else ())]
        calls = paid(environment.openai.calls(), load.accepted)
        meanwhile = before - at_first
        return Observations(
            case, failed_at, load.accepted, states, calls, meanwhile, first, named, codes, remarks
        )


@contextmanager
def _workers(case: Case, environment: Environment) -> Iterator[list[App]]:
    variables = {**os.environ, **environment.variables(case)}
    with ExitStack() as stack:
        apps = []
        for number in range(case.instances):
            folder = environment.folder / f"{case}-{number}".replace("/", "-").replace(" ", "-")
            folder.mkdir()
            app = App(folder, variables, "preppath_workers", ["run"], prepare=set_pdeathsig(signal.SIGKILL))
            stack.callback(app.kill)
            apps.append(app.launch())
        for app in apps:
            eventually(partial(app.logged, "Supervisor started"), deadline=30)
        yield apps


def _stop(app: App) -> int:
    app.send(signal.SIGTERM)
    return app.wait(_SHUTDOWN)


def _completed(queue: Queue, otherwise: int) -> int:
    """Return how many jobs have completed; `otherwise` if Redis does not answer."""
    with suppress(RedisError):
        return queue.counts().completed
    return otherwise


def _watch(queue: Queue, seconds: float) -> int:
    """Wait that many seconds; return how many jobs have completed then, by the counters in Redis."""
    end, completed = time.monotonic() + seconds, 0
    while (left := end - time.monotonic()) > 0:
        began = time.monotonic()
        completed = _completed(queue, completed)
        time.sleep(max(0.0, min(_TICK, left - (time.monotonic() - began))))
    return completed


def _first_completion(queue: Queue, before: int, jobs: int) -> float | None:
    """Return the seconds until one job more than `before` has completed; None if that does not happen."""
    began = time.monotonic()
    while before < jobs and time.monotonic() - began < _PATIENCE:
        if _completed(queue, before) > before:
            return time.monotonic() - began
        time.sleep(_TICK)
    return None


def _end(queue: Queue, ids: Sequence[str]) -> dict[str, str]:
    """Return the jobs' states, once all have ended or the time is up."""
    end = time.monotonic() + _PATIENCE
    states: dict[str, str] = {}
    while time.monotonic() < end and not (states and _OVER.issuperset(states.values())):
        time.sleep(_TICK * 4)
        with suppress(RedisError):
            states = {job.id: job.state for job in queue.get_many(ids)}
    return states


def _lines(log: Path, offset: int) -> list[str]:
    """Return the complete lines of the log from the offset on."""
    with log.open("rb") as file:
        file.seek(offset)
        return [line.decode() for line in file if line.endswith(b"\n")]


def _remarks(queue: Queue, apps: Sequence[App]) -> Iterator[str]:
    errors = Counter(f"{job.reason}: {job.error}" for job in queue.dead_letters(count=1_000))
    yield from (f"{count} × {error}" for error, count in errors.most_common(3))
    for app in apps:
        tracebacks = [line["traceback"] for line in app.lines() if "traceback" in line]
        ends = Counter(traceback.rstrip().splitlines()[-1] for traceback in tracebacks)
        yield from (f"traceback: {count} × {end}" for end, count in ends.most_common(3))


def _unnamed(onlooker: Onlooker) -> Iterator[str]:
    for command, named in onlooker.named.items():
        if not named and onlooker.said.get(command):
            yield f"{command}: {onlooker.said[command].strip().splitlines()[-1]}"
