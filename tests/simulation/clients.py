"""What producers and operators do."""

from __future__ import annotations

import json
from random import Random

from redis.exceptions import RedisError

from preppath_workers.store.keys import Keys

from .caller import Caller, Say
from .groups import group_of
from .proxy import Proxy
from .settings import Settings

#: Jobs that the first users of a fair run add.
_FIRST = 12


class Clients:
    """The clients of the queue that are not processes of ours."""

    def __init__(
        self,
        proxy: Proxy,
        keys: Keys,
        call: Caller,
        random: Random,
        say: Say,
        settings: Settings,
    ) -> None:
        self._proxy, self._keys, self._call = proxy, keys, call
        self._random, self._say, self._settings = random, say, settings
        self._added = 0
        self._users: dict[str, str] = {}
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
        if self._settings.has_groups:
            group, size = group_of(int(job_id[1:]))
            terms: dict[str, int] = self._random.choice([{}, {}, {"delay": 400}, {"expires": 900}])
            options = json.dumps({"group": group, **terms, **({"groupSize": size} if size else {})})
            return f'{{"of":"{job_id}"}}', self._random.randint(1, 5), options
        if not self._settings.is_fair:
            return f'{{"of":"{job_id}"}}', self._random.randint(1, 5), self._random.choice([0, 0, 0, 400])
        user = self._random.choice(self._settings.users[int(job_id[1:]) >= _FIRST])
        self._users[job_id] = user
        options: int | str = self._random.choice([0, 0, 0, 0, 400, '{"expires":900}'])
        return f'{{"of":"{job_id}","user":"{user}"}}', self._random.randint(1, 2), options

    def cancel_all(self) -> None:
        """Cancel all jobs of one user, the newest first: one that stays behind keeps its round."""
        user = self._random.choice(self._settings.users[0])
        self._say(f"cancel all jobs of {user}")
        for number in reversed(range(self._added)):
            is_theirs = self._users.get(f"j{number}") == user
            if is_theirs and isinstance(self.ask("cancel", f"j{number}", 60_000), RedisError):
                return

    def push(self) -> None:
        self.pushed += 1
        group = ',"$group":"raw"' if self._settings.has_groups else ""
        entry = self._random.choice([f'{{"raw":{self.pushed}{group}}}', "rubbish"])
        self._proxy.ask([("LPUSH", self._keys.wait, entry)])

    def close_group(self) -> None:
        """Close one of the groups, in whatever state it is."""
        group = self._random.choice(["raw", group_of(self._random.randrange(self._added + 1))[0]])
        self._say(f"close {group}: {self.ask('close_group', group)}")

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
