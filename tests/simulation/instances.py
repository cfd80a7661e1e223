"""The instances of a run: their janitors, their workers, and their failures."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from redis.exceptions import RedisError

from preppath_workers.store.consuming.running_job import RunningJob
from preppath_workers.store.job import Job

from .actors import Janitor, Worker
from .caller import Caller, Say
from .money import Money
from .payment import Payment
from .proxy import Proxy
from .settings import LEASE_MS, Settings
from .weather import Weather

_WORKERS = 2

Thing = TypeVar("Thing")


@dataclass
class Instances:
    """All instances; each method is a move."""

    settings: Settings
    proxy: Proxy
    call: Caller
    random: Random
    weather: Weather
    money: Money | None
    say: Say
    living: list[tuple[Janitor, list[Worker]]] = field(default_factory=list)
    _born: int = 0
    _ghosts: list[Callable[[], None]] = field(default_factory=list)

    def add(self) -> None:
        name = f"i{self._born}"
        self._born += 1
        workers = [
            Worker(self.settings, name, number, self.proxy, self.random, self.weather, self.say, self._pay)
            for number in range(_WORKERS)
        ]
        janitor = Janitor(self.settings, name, _WORKERS, self.call, self.random, self.say)
        self.living.append((janitor, workers))

    def process(self) -> None:
        self._any_worker().move()

    def move_a_janitor(self) -> None:
        self._one(self.living)[0].move()

    def stop_a_worker(self) -> None:
        self._any_worker().finish()

    def serve(self) -> None:
        """The server serves a blocked pop of a worker or of a lost connection."""
        blocked = [worker.connection for worker in self._workers() if worker.connection.is_blocked]
        if not self.proxy.serve_leftover() and blocked:
            self._one(blocked).serve()

    def oversleep(self) -> None:
        """Let all but one instance sleep for longer than a lease; that one takes their jobs."""
        janitor, _ = self._one(self.living)
        with suppress(RedisError):
            for _ in range(6):
                janitor.renew()
                self.proxy.now += LEASE_MS // 4
            janitor.renew()
            janitor.reap(10)
        self.proxy.serve_leftover()

    def running(self) -> list[str]:
        """Return the ids of the jobs that run."""
        return [worker.job.id for worker in self._workers() if worker.job]

    def interrupt(self) -> None:
        """Interrupt the workers of an instance whose jobs are cancelled, as its supervisor does."""
        janitor, workers = self._one(self.living)
        cancelled = janitor.find_cancelled()
        for worker in workers:
            if worker.job and (worker.job.id, worker.job.fencing_token) in cancelled:
                worker.interrupt()

    def kill(self) -> None:
        worker = self._any_worker()
        self.say(f"{worker.name} dies")
        if ghost := worker.ghost():
            self._ghosts.append(ghost)
        worker.start()

    def settle_after_death(self) -> None:
        """Let a worker that was thought dead settle its job."""
        if self._ghosts:
            self._ghosts.pop(self.random.randrange(len(self._ghosts)))()

    def abandon(self) -> None:
        """Stop an instance without notice, or start another."""
        if self.random.random() < 0.5 or len(self.living) == 1:
            self.add()
        else:
            gone = self._one(self.living)
            self.living.remove(gone)
            for worker in gone[1]:
                worker.connection.disconnect()  # the server may not notice

    def keep_one(self) -> tuple[Janitor, list[Worker]]:
        """Stop all but one, which is returned."""
        first, *others = self.living
        for worker in (worker for _, gone in others for worker in gone):
            worker.connection.disconnect()  # its pop may still come
        return first

    def _pay(self, job: Job, running_job: RunningJob) -> Payment | None:
        if self.money and self.random.random() < 0.7:
            return Payment(self.money, job, running_job)
        return None

    def _workers(self) -> list[Worker]:
        return [worker for _, workers in self.living for worker in workers]

    def _any_worker(self) -> Worker:
        return self._one(self._one(self.living)[1])

    def _one(self, things: list[Thing]) -> Thing:
        return self.random.choice(things)
