"""What producers and operators do."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from redis.exceptions import RedisError

from preppath_workers.store.keys import Keys

from .actors import Caller
from .proxy import Proxy


class Clients:
    """The clients of the queue that are not processes of ours."""

    def __init__(
        self,
        proxy: Proxy,
        keys: Keys,
        call: Caller,
        random: Random,
        say: Callable[[str], None],
        is_fair: bool,
    ) -> None:
        self._proxy, self._keys, self._call = proxy, keys, call
        self._random, self._say, self._is_fair = random, say, is_fair
        self._added = 0
        #: Raw pushes so far.
        self.pushed = 0
        #: Ids of the jobs whose enqueueing was answered.
        self.accepted: set[str] = set()

    def ask(self, name: str, *arguments: str | int) -> object:
        """Call a script and return its answer or its error."""
        try:
            return self._call(name, *arguments)
        except RedisError as error:
            return error

    def enqueue(self, number: int | None = None) -> None:
        number = number or self._random.choice([1, 1, 1, 4])
        ids = [f"j{self._added + index}" for index in range(number)]
        self._added += len(ids)
        words = [word for job_id in ids for word in (job_id, *self._new_job(job_id))]
        for _ in range(self._random.choice([1, 1, 2])):  # once more, as after a lost answer
            if not isinstance(self.ask("enqueue", *words), RedisError):
                self.accepted |= {*ids}

    def _new_job(self, job_id: str) -> tuple[str, int, int | str]:
        """Return the data, priority and options of a new job."""
        if not self._is_fair:
            return f'{{"of":"{job_id}"}}', self._random.randint(1, 5), self._random.choice([0, 0, 0, 400])
        user = self._random.choice("aaaabc")
        options: int | str = self._random.choice([0, 0, 0, 0, 400, '{"expires":900}'])
        return f'{{"of":"{job_id}","user":"{user}"}}', self._random.randint(1, 2), options

    def push(self) -> None:
        self.pushed += 1
        entry = self._random.choice([f'{{"raw":{self.pushed}}}', "rubbish"])
        self._proxy.ask([("LPUSH", self._keys.wait, entry)])

    def replay(self) -> None:
        """Replay the newest dead letter."""
        (dead,) = self._proxy.ask([("LRANGE", self._keys.dead, 0, 0)])
        if dead:
            self._say(f"replay {dead[0]}: {self.ask('replay', dead[0])}")

    def operate(self, name: str, *arguments: int) -> None:
        """Call a script for any of the jobs, whatever its state."""
        if not self._added:
            return
        job_id = f"j{self._random.randrange(self._added)}"
        self._say(f"{name} {job_id}: {self.ask(name, job_id, *arguments)}")

    def pause_or_resume(self, pause: float) -> None:
        """Pause the queue with this probability, resume it otherwise."""
        if self._random.random() < pause:
            self._proxy.ask([("HSET", self._keys.gate, "paused", "1")])
        else:
            self.ask("resume")
