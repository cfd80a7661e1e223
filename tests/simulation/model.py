"""One run: actors, a clock, and a seed that decides everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from random import Random
from unittest.mock import patch

from preppath_workers.store.keys import Keys
from tests.integration.store.invariants import waiting
from tests.integration.store.redis_state import State

from . import short_list
from .caller import Caller
from .clients import Clients
from .instances import Instances
from .invariants import Fields, Invariants
from .money import Money
from .proxy import Proxy
from .settings import MOODS, Settings
from .snapshot import Camera
from .weather import HEALTHY, OUTAGES, Weather

#: Moves before all faults end and the remaining jobs are run.
MOVES = {"calm": 50, "mixed": 50, "stormy": 120, "busy": 160}

#: Jobs at the start.
FIRST = {"calm": 0, "mixed": 0, "stormy": 6, "busy": 25}

#: Rounds within which all jobs must end.
_DRAIN = 300

_START = 1_000_000

#: Who adds the first jobs and the later ones of a fair run: the same users, or new ones all the time.
USERS = (("aaaabc", "aaaabc"), ("aaaab", "acdefghij"))

#: Later than any run ends (ms).
FOREVER = 10**12


class Broken(AssertionError):
    """Raised when an invariant is broken; the message has the seed and the trace.

    Any other error of a run, an AssertionError too, is a bug of the simulation or of a broken variant's text.
    """


class Model:
    """Plays one seed on a server, which it empties first."""

    def __init__(self, proxy: Proxy, seed: int) -> None:
        self.seed = seed
        self.trace: list[str] = []
        self._random = random = Random(seed)
        self._proxy = proxy
        proxy.restart(random, _START, random.choice([0, 4, 15]))
        limit = random.choice([None, None, (2, 500), (1, 200), (5, 1_000)])
        self._settings = Settings(
            "s",
            limit,
            random.choice([*MOODS, "stormy"]),
            users=USERS[seed > 100] if seed > 30 and seed % 5 == 3 else ("", ""),
            has_short_list=seed > 30 and (seed % 10 == 8 or seed % 20 == 17),
            has_groups=seed > 30 and seed % 5 == 4,
            is_paid=seed > 30 and seed % 5 == 0,
        )
        self._weather = Weather(random, self._settings.mood)
        self._keys = Keys(self._settings.prefix, "sim")
        self._camera = Camera(proxy, self._keys.base)
        if self._settings.is_fair:
            proxy.ask([("HSET", self._keys.fair, "by", "user")])
        if self._settings.has_groups:
            proxy.ask([("HSET", self._keys.gate, "eventsUntil", FOREVER)])
        with self._scripts():
            self._call = Caller(proxy, self._keys.base)
        prefix = self._settings.prefix
        self._money = Money(proxy, prefix, self._call, random, self._say) if self._settings.is_paid else None
        self._invariants = Invariants(self._settings, self._money)
        self._clients = Clients(proxy, self._keys, self._call, random, self._say, self._settings)
        self._instances = Instances(
            self._settings, proxy, self._call, random, self._weather, self._money, self._say
        )
        with self._scripts():
            for _ in range(2):
                self._instances.add()

    def run(self) -> list[str]:
        """Play it and return the trace. Raise Broken."""
        try:
            # A consumer reads its own clock to tell how old a claim is.
            clock = patch(
                "preppath_workers.store.consuming.consumer.monotonic", lambda: self._proxy.now / 1000
            )
            with clock, self._scripts():
                if first := FIRST[self._settings.mood]:
                    self._do("enqueue", lambda: self._clients.enqueue(first))
                for _ in range(MOVES[self._settings.mood]):
                    self._step()
                self._drain()
        except Broken:
            raise
        except Exception as error:
            error.add_note(self._described(error))
            raise
        return self.trace

    def _scripts(self) -> AbstractContextManager[None]:
        return short_list.in_place() if self._settings.has_short_list else nullcontext()

    @contextmanager
    def _holding(self) -> Iterator[None]:
        """An assertion that fails in this block is a broken invariant."""
        try:
            yield
        except AssertionError as error:
            raise Broken(self._described(error)) from error

    def _described(self, error: Exception) -> str:
        return "\n".join([f"seed {self.seed}: {type(error).__name__}: {error}", *self.trace])

    def _step(self) -> None:
        moves = self._moves()
        weights = [weights[MOODS.index(self._settings.mood)] for *weights, _, _ in moves]
        *_, name, move = self._random.choices(moves, weights)[0]
        self._do(name, move)

    def _moves(self) -> list[tuple[int, int, int, int, str, Callable[[], None]]]:
        """Return all moves, each with its weight in a calm, a mixed, a stormy and a busy run."""
        clients, instances = self._clients, self._instances
        is_stormy = self._settings.mood == "stormy"
        moves: list[tuple[int, int, int, int, str, Callable[[], None]]] = [
            (20, 20, 30, 60, "process", instances.process),
            (3, 3, 1, 1, "serve a pop", instances.serve),
            (6, 6, 1, 2, "enqueue", clients.enqueue),
            (5, 5, 3, 2, "janitor", instances.move_a_janitor),
            (0, 0, 10, 8, "promote_due", lambda: clients.ask("promote_due", 100)),
            (4, 4, 24, 14, "time", self._pass_time),
            (3, 3, 0, 0, "raw push", clients.push),
            (1, 1, 1, 0, "cancel", lambda: clients.operate("cancel", 60_000)),
            (1, 1, 2, 1, "promote_job", lambda: clients.operate("promote_job")),
            (1, 1, 1, 0, "prioritize", lambda: clients.operate("prioritize", self._random.randint(1, 5))),
            (2, 2, 2, 1, "replay", clients.replay),
            (0, 1, 1, 0, "gate", lambda: clients.pause_or_resume(0.1 if is_stormy else 0.4)),
            (0, 2, 4, 0, "weather", self._change_weather),
            (3, 3, 1, 1, "kill a worker", instances.kill),
            (1, 1, 1, 0, "stop a worker", instances.stop_a_worker),
            (1, 1, 1, 1, "a ghost settles", instances.settle_after_death),
            (1, 1, 0, 0, "abandon an instance", instances.abandon),
            (2, 2, 1, 0, "sleep through a lease", instances.oversleep),
        ]
        if self._settings.has_groups:
            moves += [
                (4, 4, 4, 4, "cancel", self._cancel_running),
                (2, 2, 2, 2, "interrupt", instances.interrupt),
                (2, 2, 2, 2, "close_group", clients.close_group),
            ]
        if self._money:
            moves += [
                (40, 40, 40, 60, "process", instances.process),
                (3, 3, 3, 3, "sweep", self._money.sweep),
                (2, 2, 2, 2, "resolve", self._money.resolve),
                (1, 1, 1, 1, "raise the cap", self._money.raise_cap),
                (3, 3, 3, 3, "a ghost settles", instances.settle_after_death),
            ]
        if self._settings.users == USERS[1]:
            moves.append((2, 2, 2, 2, "cancel", clients.cancel_all))
        return moves

    def _do(self, name: str, move: Callable[[], None]) -> None:
        self._say(name)
        move()
        self._look(name)

    def _look(self, move: str) -> State:
        state = self._camera.take()
        with self._holding():
            self._invariants.check(state, self._proxy.now, move)
        return state

    def _say(self, words: str) -> None:
        self.trace.append(f"{self._proxy.now - _START:>7} {words}")

    def _change_weather(self) -> None:
        self._weather.change()
        self._say(f"the weather is: {self._weather.now}")

    def _pass_time(self) -> None:
        self._proxy.now += self._random.choice(
            [1, 7, self._random.randint(1, 200), 400, *self._settings.pauses]
        )

    def _cancel_running(self) -> None:
        if running := self._instances.running():
            job_id = self._random.choice(running)
            self._say(f"cancel {job_id}: {self._clients.ask('cancel', job_id, 60_000, 1)}")

    def _drain(self) -> None:
        """Without further faults, work off all jobs: none may be stranded or lost."""
        self._proxy.faults = 0
        self._call("resume")
        janitor, workers = self._instances.keep_one()
        self._weather.now = self._random.choice([HEALTHY, HEALTHY, *OUTAGES])
        self._weather.is_settled = True
        self._say(f"the weather is: {self._weather.now}")
        before, is_closed = self._camera.take()["jobs"], False
        for _ in range(_DRAIN):
            self._say("drain")
            for _ in range(4 if is_closed else 1):  # probes are far between
                self._proxy.now += 400
                janitor.renew()
            janitor.reap(10)
            self._call("promote_due", 100)
            if self._random.random() < 0.2:
                self._proxy.serve_leftover()
            for worker in workers:
                worker.move()
                worker.move()
            if self._money:
                self._money.raise_cap()
                self._money.sweep()
            state = self._look("drain")
            is_closed = "outOfService" in state.get("gate", {})
            with self._holding():
                if self._is_done(state):
                    self._check_end(before, state["jobs"])
                    if self._money:
                        self._money.check_end(state)
                    return
        with self._holding():
            raise AssertionError(f"the run does not end: {state}")

    def _check_end(self, before: Mapping[str, Fields], jobs: Mapping[str, Fields]) -> None:
        """While its service works, each job must complete, whatever came before."""
        for job_id, job in jobs.items():
            # How the running ones would end was decided before.
            was = before.get(job_id, {}).get("state")
            if (
                self._weather.now == HEALTHY
                and was not in ("active", "failed")
                and not self._weather.is_poison(job_id)
            ):
                assert job["state"] != "failed" or job["reason"] in ("worker-died", "malformed"), (
                    f"{job_id} died: {job}"
                )

    def _is_done(self, state: State) -> bool:
        jobs = state["jobs"]
        known = jobs.keys() | self._invariants.fallen
        assert self._clients.accepted <= known, f"lost: {self._clients.accepted - known}"
        pushed = sum(job_id.startswith("raw-") for job_id in known)
        unnamed = sum(entry not in jobs for entry in waiting(state))
        assert pushed + unnamed >= self._clients.pushed - sum(map(len, state["active"].values())), (
            "a raw push is lost"
        )
        over = all(job["state"] in ("completed", "failed", "cancelled", "expired") for job in jobs.values())
        return over and not waiting(state) and not state["active"]
