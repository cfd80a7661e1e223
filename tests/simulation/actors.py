"""Workers and janitors. Each does one thing a move and adds it to the trace."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random

from redis.exceptions import RedisError

from preppath_workers.errors import JobCancelled, JobLost
from preppath_workers.store.consuming.consumer import LONGEST_POP_MS, Consumer, Wait
from preppath_workers.store.consuming.outcome import Cancelled, Finished, Outcome, Released
from preppath_workers.store.consuming.running_job import RunningJob
from preppath_workers.store.job import Job
from preppath_workers.worker.maintenance.connection_uptime import ConnectionUptime
from preppath_workers.worker.processes.connection_record import ConnectionRecord

from .caller import Caller, Say
from .payment import Payment
from .proxy import ConsumerConnection, Proxy
from .settings import LEASE_MS, RECOVERIES, Settings
from .weather import Weather

#: Return the paid request that an attempt will make, if it makes one.
Pay = Callable[[Job, RunningJob], Payment | None]


class Worker:
    """One worker: its slot, its job, and the paid request that it makes."""

    def __init__(
        self,
        settings: Settings,
        instance: str,
        number: int,
        proxy: Proxy,
        random: Random,
        weather: Weather,
        say: Say,
        pay: Pay,
    ) -> None:
        self.name = f"{instance}:{number}"
        self._make: Callable[[ConsumerConnection], Consumer] = lambda connection: settings.slot(
            instance, number, connection
        )
        self.connection = ConsumerConnection(proxy)
        self._proxy, self._random, self._weather, self._say = proxy, random, weather, say
        self._pay = pay
        self.start()

    def start(self) -> None:
        """Replace it by its successor."""
        self.connection.disconnect()
        self.connection = ConsumerConnection(self._proxy)
        self._consumer = self._make(self.connection)
        self._has_recovered = self._is_in_turn = False
        self.job: Job | None = None
        self._payment: Payment | None = None
        self._finished: Finished | None = None
        self._waits_until = 0

    def move(self) -> None:
        if self._proxy.now < self._waits_until:
            return
        try:
            if not self._has_recovered:
                self._consumer.recover()
                self._has_recovered = True
            elif self._payment and not self._payment.is_over:
                if (outcome := self._payment.move()) and self.job:
                    self._finished, self.job = Finished(self.job, outcome, 1), None
            elif self.job:
                self._work(self.job)
            else:
                self._turn()
        except RedisError as error:
            self._say(f"{self.name}: {error}")
        except JobCancelled:
            self.interrupt()
        except JobLost:
            self._say(f"{self.name}: lost {self.job.id if self.job else '?'}")
            self.job = None

    def interrupt(self) -> None:
        """End the attempt: its job is cancelled. The next turn settles it."""
        assert self.job
        self._say(f"{self.name}: {self.job.id} is cancelled")
        self._finished, self.job = Finished(self.job, Cancelled(), 1), None

    def finish(self) -> None:
        """Settle its last job and start a successor, as a worker that is asked to stop."""
        if self._payment:
            self._payment.go_on(1.0)
        if self.job:
            self._finished, self.job = Finished(self.job, self._weather.outcome(self.job), 1), None
        try:
            self._consumer.settle(self._finished)
        except RedisError as error:
            self._say(f"{self.name}: {error}")
        self.start()

    def ghost(self) -> Callable[[], None] | None:
        """Return a function that settles its job later: the worker was thought dead and is not."""
        consumer, job, payment = self._consumer, self.job, self._payment
        if not job:
            return None
        outcome = self._weather.outcome(job)
        return lambda: _settle_late(consumer, job, outcome, payment)

    def _turn(self) -> None:
        if self._is_in_turn and self._random.random() < 0.3:
            self._is_in_turn = False
            self._say(f"{self.name}: hears nothing and connects again")
            self._consumer.disconnect()
        if not self._is_in_turn:
            settlement = self._consumer.settle_and_fetch(self._finished)
            self._finished = None
            if settlement:
                self._say(f"{self.name}: {settlement.finished.job.id} {settlement.verdict}")
            if self.connection.is_blocked and self._random.random() < 0.5:
                self._is_in_turn = True
                return
        self._is_in_turn = False
        answer = self._consumer.next_job()
        if isinstance(answer, Wait):
            self._waits_until = self._proxy.now + round(answer.seconds * 1000)
        elif answer:
            self.job = answer
            running_job = self._consumer.running_job
            running_job.begin(answer)
            self._payment = self._pay(answer, running_job)
            self._say(f"{self.name}: starts {answer.id}#{answer.fencing_token}")

    def _work(self, job: Job) -> None:
        running_job = self._consumer.running_job
        match 9 if self._weather.is_settled else self._random.randrange(10):
            case 0:
                running_job.progress(job, self._random.randrange(101))
            case 1:
                running_job.checkpoint(job, "step", '{"value":1}')
            case 2:
                running_job.check_lease(job)
            case 3:
                if running_job.acquire_token(job):  # a worker does not sleep through a long wait: see Snooze
                    self._finished, self.job = Finished(job, Released(), 1), None
            case _:
                # The next turn settles it.
                self._finished, self.job = Finished(job, self._weather.outcome(job), 1), None


def _settle_late(consumer: Consumer, job: Job, outcome: Outcome, payment: Payment | None) -> None:
    if payment:
        payment.go_on()
        if not payment.is_over:
            return  # it never wakes up
    with suppress(RedisError):
        consumer.settle(Finished(job, outcome, 1))


class Janitor:
    """Keeps the lease of one instance, and the queue in order."""

    def __init__(
        self, settings: Settings, instance: str, slots: int, call: Caller, random: Random, say: Say
    ) -> None:
        #: The longest time for which a heartbeat asks for events (ms).
        self._events = 0 if settings.mood == "calm" or settings.has_groups else 1
        self.instance, self._slots = instance, slots
        self._call, self._random, self._say = call, random, say
        self._connection_uptime = ConnectionUptime(
            LEASE_MS / 1000, ConnectionRecord(), lambda: call.proxy.now / 1000
        )

    def move(self) -> None:
        try:
            match self._random.randrange(4):
                case 0:
                    self._call("promote_due", self._random.randint(1, 5))
                case 1:
                    self.reap(2)
                case _:
                    self.renew(self._random.randint(0, self._events))
        except RedisError as error:
            self._say(f"{self.instance}: {error}")

    def find_cancelled(self) -> set[tuple[str, str]]:
        """Return the running jobs of the instance that are cancelled, each with its fencing token."""
        try:
            return {(job_id, token) for job_id, token in self._call("find_cancelled", self.instance)}
        except RedisError as error:
            self._say(f"{self.instance}: {error}")
            return set()

    def renew(self, events: int = 0) -> None:
        reply = self._call("heartbeat", self.instance, LEASE_MS, self._slots, events, 0, 0, 0, "pid", "1")
        self._connection_uptime.renew(int(reply[0]))

    def reap(self, most: int) -> None:
        touch = (self._connection_uptime.uptime_ms, LEASE_MS, self._connection_uptime.latest_ms)
        reaped, _ = self._call("reap", RECOVERIES, most, self.instance, LONGEST_POP_MS, *touch)
        self._say(f"{self.instance}: reaps {reaped}")
