"""The producer's interface for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.client import NEVER_DECODE
from redis.exceptions import RedisError, ResponseError

from ..config.durability import Durability, check_durability
from ..store.arguments import plain_text
from ..store.connections.async_connection import async_client, async_client_of_queue, close_idle
from ..store.group import Group
from ..store.job import DEFAULT_PRIORITY, Job, State
from ..store.job_id import new_id
from ..store.keys import Keys, checked_names
from ..store.layout import LayoutCheck
from ..store.operation import Operation, Pause, Reconnect, Step, Together
from ..store.reading.reader import Counts, count
from ..store.scripts import SERVER_TIME, call
from ..store.undecoded import decoded
from . import operations
from .environment import redis_config
from .new_job import NewJob, check_id, encode
from .timeouts import client_timeout
from .tracing import producer_span

Value = TypeVar("Value")


@dataclass(slots=True)
class AsyncJobRef:
    """A job that was added, or is looked up by its id; see `JobRef`."""

    id: str
    created: bool
    _queue: AsyncQueue = field(repr=False, compare=False)

    async def status(self) -> Job:
        """Return the job as it is now. Raises UnknownJob if it is no longer stored."""
        return await self._queue.run(operations.status(self._queue.keys, self.id))

    async def wait(self, timeout: float | None = None) -> Any:
        """Wait until the job has ended, at most `timeout` seconds; see `JobRef.wait`."""
        queue = self._queue
        return await queue.run(operations.wait(queue.keys, self.id, timeout, client_timeout(queue.redis)))

    async def cancel(self, running: bool = False) -> State:
        """Cancel the job; see `Queue.cancel`."""
        return await self._queue.cancel(self.id, running)


class AsyncQueue:
    """A queue for asyncio: what `Queue` offers to producers, with the same arguments, results and errors.

        async with AsyncQueue.from_env("tts") as queue:   # closes its connections at the end
            ref = await queue.enqueue({"questionId": "q1", "text": "What is a hash table?"})
            await ref.wait(timeout=60)

    Its connections belong to the event loop in which they were opened: make one queue for each.
    """

    def __init__(
        self,
        name: str,
        redis: Redis | RedisCluster,
        prefix: str = "preppath",
        *,
        durable: Durability | None = None,
    ) -> None:
        name, prefix = checked_names(name, prefix)
        check_durability(durable)
        self.name = name
        self.keys = Keys(prefix, name)
        self.redis = async_client_of_queue(redis, self.keys.base)
        self._durable = durable
        self._layout = LayoutCheck(self.keys)

    @classmethod
    def from_env(cls, name: str, env_file: str | Path | None = None) -> Self:
        """Return a queue on the Redis that the variables name; see `Queue.from_env`.

        Raises ConfigError.
        """
        config = redis_config(env_file)
        base = Keys(config.prefix, name).base
        return cls(name, async_client(config.url, base=base), config.prefix, durable=config.enqueue)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the client's connections. A later call opens new ones."""
        await self.redis.aclose()

    async def run(self, operation: Operation[Value]) -> Value:
        """Run an operation with this queue's client. Raises what the operation raises."""
        if self._layout.is_due:
            await self._run(self._layout.look())
        return await self._run(operation)

    async def enqueue(
        self,
        data: Mapping[str, Any],
        *,
        id: str | None = None,  # noqa: A002 — the name that the job's other interfaces use
        priority: int = DEFAULT_PRIORITY,
        delay: float = 0.0,
        at: datetime | None = None,
        expires: float | None = None,
        group: str | None = None,
        group_size: int | None = None,
        traceparent: str | None = None,
    ) -> AsyncJobRef:
        """Add one job; see `Queue.enqueue`."""
        job_id = new_id() if id is None else check_id(id)
        with producer_span(self.name, job_id, traceparent) as trace:
            job = encode(data, job_id, priority, delay, at, expires, group, group_size, trace)
            return AsyncJobRef(job_id, await self.run(operations.add(self.keys, job, self._durable)), self)

    async def enqueue_many(self, jobs: Iterable[NewJob]) -> list[AsyncJobRef]:
        """Add jobs in order; see `Queue.enqueue_many`."""
        added = await self.run(operations.add_many(self.keys, jobs, self._durable))
        return [AsyncJobRef(job_id, created, self) for job_id, created in added]

    def ref(self, job_id: str) -> AsyncJobRef:
        """Return a reference to a job that exists, to wait for it or to cancel it."""
        return AsyncJobRef(plain_text("id", job_id), False, self)

    async def get(self, job_id: str) -> Job | None:
        """Return the job as it is now; None if there is none with that id."""
        return await self.run(operations.get(self.keys, job_id))

    async def counts(self) -> Counts:
        """Return how many jobs are in each state, and how many workers there are."""
        return await self.run(count(self.keys.base))

    async def cancel(self, job_id: str, running: bool = False) -> State:
        """Cancel a job; see `Queue.cancel`."""
        return await self.run(operations.cancel(self.keys, job_id, running))

    async def promote(self, job_id: str) -> State:
        """Make a delayed job due now; see `Queue.promote`."""
        return await self.run(operations.change(self.keys, "promote_job", job_id))

    async def prioritize(self, job_id: str, priority: int) -> State:
        """Change the priority of a waiting or delayed job; see `Queue.prioritize`."""
        return await self.run(operations.prioritize(self.keys, job_id, priority))

    async def group(self, name: str) -> Group | None:
        """Return how many jobs of a group have ended; None if there is no such group."""
        return await self.run(operations.group(self.keys, name))

    async def close_group(self, name: str) -> Group | None:
        """Let a group end when its jobs have ended; see `Queue.close_group`."""
        return await self.run(operations.close_group(self.keys, name))

    async def pause(self) -> None:
        """Stop starting jobs of this queue, on all machines. Active jobs continue."""
        await self.run(operations.pause(self.keys))

    async def resume(self) -> None:
        """End a pause, and a hold after a rate limit. A queue that is out of service probes at once."""
        await self.run(call(self.keys.base, SERVER_TIME, "resume"))

    async def _run(self, operation: Operation[Value]) -> Value:
        try:
            step = next(operation)
            while True:
                try:
                    answer = await self._take(step)
                except RedisError as error:
                    step = operation.throw(error)
                else:
                    step = operation.send(answer)
        except StopIteration as end:
            result: Value = end.value
            return result

    async def _take(self, step: Step) -> Any:
        """Take a step, as `Undecoded.take` does."""
        if isinstance(step, Together):
            return await self._together(step.commands)
        if isinstance(step, Pause):
            return await asyncio.sleep(step.seconds)
        if isinstance(step, Reconnect):
            return await close_idle(self.redis.connection_pool)
        return decoded(await self.redis.execute_command(*step, **{NEVER_DECODE: True}))

    async def _together(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        async def send() -> list[Any]:
            async with self.redis.pipeline(transaction=False) as pipeline:
                for words in commands:
                    pipeline.execute_command(*words, **{NEVER_DECODE: True})
                answers = await pipeline.execute(raise_on_error=False)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
            return [decoded(answer) for answer in answers]

        retry = self.redis.get_retry()
        if not retry:
            return await send()
        # The pipeline itself has tried again after a lost connection.
        return await retry.call_with_retry(send, _ignore, lambda error: isinstance(error, ResponseError))


async def _ignore(error: Exception) -> None:
    pass
