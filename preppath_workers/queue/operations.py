"""What a producer may ask of a queue, as generators that know no client.

An operation yields commands, and is sent their decoded answers. `Queue` and `AsyncQueue` run the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, isnan
from time import monotonic
from typing import Any, cast

from redis.exceptions import RedisError, ResponseError

from ..config.durability import Durability
from ..errors import JobFailed, NotReplicated, UnknownJob
from ..store.arguments import check_flag, check_seconds, plain_text
from ..store.group import Group
from ..store.job import Job, State
from ..store.keys import Keys
from ..store.operation import Operation, Pause, Reconnect
from ..store.refusals import is_out_of_memory, is_passing
from ..store.scripts import SERVER_TIME, call, call_and_confirm
from ..store.undecoded import unless_overwritten
from ..store.values import sendable
from .new_job import Encoded, NewJob, check_priority, chunks

#: Longest time that one command waits for the end of a job, seconds. Bounds the delay if a failover loses the
#: announcement.
_LONGEST_BLOCK = 30.0

#: Longest time that a wait continues without an answer from Redis, and the pause between two tries; seconds.
_OUTAGE, _PAUSE = 30.0, 0.2

#: The longest timeout, seconds: 30 years.
_FOREVER = 1e9

#: The part of a client's timeout that a command may block.
_BLOCK_SHARE = 0.7


def add(keys: Keys, job: Encoded, durable: Durability | None = None) -> Operation[bool]:
    """Add one job. Returns whether it was created. Raises ValueError and NotReplicated."""
    try:
        if durable is None:
            (created,) = yield from call(keys.base, SERVER_TIME, "enqueue", *job)
        else:
            (created,) = yield from _add_durably(keys, [job], durable)
    except ResponseError as error:
        raise _invalid_time(error, job[0]) from None
    return bool(created)


def add_many(
    keys: Keys, jobs: Iterable[NewJob], durable: Durability | None = None
) -> Operation[list[tuple[str, bool]]]:
    """Add jobs in chunks. Returns each job's id and whether it was created. Raises ValueError and
    NotReplicated."""
    added: list[tuple[str, bool]] = []
    for chunk in chunks(jobs):
        try:
            if durable is None:
                words = (word for encoded in chunk for word in encoded)
                created = yield from call(keys.base, SERVER_TIME, "enqueue", *words)
            else:
                created = yield from _add_durably(keys, chunk, durable)
        except ResponseError as error:
            raise _invalid_time(error) from None
        added += [(job[0], bool(new)) for job, new in zip(chunk, created, strict=True)]
    return added


def _invalid_time(error: ResponseError, job_id: str | None = None) -> Exception:
    """Return the ValueError for a time that is wrong by Redis's clock, without the id if it is this one; for
    any other refusal, the error itself."""
    code, _, problem = str(error).partition(" ")
    if code != "INVALIDJOB":
        return error
    return ValueError(problem.removeprefix(f"job {job_id}: "))


def _add_durably(keys: Keys, jobs: Sequence[Encoded], durable: Durability) -> Operation[list[Any]]:
    words = (word for job in jobs for word in job)
    created, shortfall = yield from call_and_confirm(keys.base, durable, "enqueue", *words)
    if shortfall:
        # The server may be a primary that was replaced and doesn't know: the next try asks where to go.
        yield Reconnect()
        ids = [job[0] for job in jobs]
        raise NotReplicated(keys.queue, ids, shortfall.wanted, shortfall.confirmed, shortfall.on_disk)
    return cast("list[Any]", created)


def get(keys: Keys, job_id: str) -> Operation[Job | None]:
    """Return the job, or None if there is none with this id, or something has overwritten it."""
    job_id = plain_text("id", job_id)
    try:
        fields = yield ("HGETALL", sendable(keys.job(job_id)))
    except ResponseError as error:
        fields = unless_overwritten(error)
    return Job(keys.queue, job_id, fields) if fields else None


def status(keys: Keys, job_id: str) -> Operation[Job]:
    """Return the job. Raises UnknownJob."""
    job = yield from get(keys, job_id)
    if job is None:
        raise UnknownJob(keys.queue, job_id)
    return job


def group(keys: Keys, name: str) -> Operation[Group | None]:
    """Return the group, or None if there is none of this name."""
    name = plain_text("group", name)
    fields = yield ("HGETALL", sendable(keys.group(name)))
    return Group(keys.queue, name, fields) if fields else None


def close_group(keys: Keys, name: str) -> Operation[Group | None]:
    """Let a group end when its jobs have. Returns it, or None if there is none of this name."""
    name = plain_text("group", name)
    _, *words = yield from call(keys.base, SERVER_TIME, "close_group", name)
    return Group.from_reply(keys.queue, name, words[0]) if words else None


def cancel(keys: Keys, job_id: str, running: bool) -> Operation[State]:
    """Cancel a waiting or delayed job, or with `running` an active one too. Returns its state. Raises
    UnknownJob."""
    check_flag("running", running)
    return (yield from _change_reserved(keys, "cancel", job_id, "", int(running)))


def prioritize(keys: Keys, job_id: str, priority: int) -> Operation[State]:
    """Change the priority of a waiting or delayed job. Returns its state. Raises UnknownJob."""
    return (yield from _change_reserved(keys, "prioritize", job_id, check_priority(priority)))


def _change_reserved(keys: Keys, transition: str, job_id: str, *arguments: str | int) -> Operation[State]:
    """Call a transition that changes a job which a slot may have reserved. Returns its state. Raises
    UnknownJob."""
    from ..store.reading.portions import NOT_LOOKED, find_slot

    arguments = (plain_text("id", job_id), *arguments)
    (state,) = yield from call(keys.base, SERVER_TIME, transition, *arguments, NOT_LOOKED)
    if state == "reserved":
        slot = yield from find_slot(keys.base, job_id)
        (state,) = yield from call(keys.base, SERVER_TIME, transition, *arguments, slot)
    return _known(keys, job_id, state)


def change(keys: Keys, transition: str, job_id: str, *arguments: str | int) -> Operation[State]:
    """Call a transition that changes a job. Returns its state. Raises UnknownJob."""
    job_id = plain_text("id", job_id)
    (state,) = yield from call(keys.base, SERVER_TIME, transition, job_id, *arguments)
    return _known(keys, job_id, state)


def _known(keys: Keys, job_id: str, state: str) -> State:
    if state == "unknown":
        raise UnknownJob(keys.queue, job_id)
    return cast("State", state)


def pause(keys: Keys) -> Operation[None]:
    """Let no job start."""
    yield ("HSET", keys.gate, "paused", "1")


def wait(keys: Keys, job_id: str, timeout: float | None, client_timeout: float | None) -> Operation[Any]:
    """Wait until the job has ended. Returns its result.

    Args:
        timeout: seconds; None for no limit.
        client_timeout: seconds after which the client gives up a command; None if it never does.

    Raises JobFailed if the job failed, was cancelled or expired; TimeoutError; UnknownJob; ValueError if the
    timeout isn't a number; redis.RedisError if Redis is away for half a minute, or at the end of the timeout.
    """
    give_up_at = inf if timeout is None else monotonic() + _finite(timeout)
    block = _LONGEST_BLOCK if client_timeout is None else min(_LONGEST_BLOCK, client_timeout * _BLOCK_SHARE)
    answered_at = monotonic()
    while True:
        try:
            answer, *detail = yield from call(keys.base, SERVER_TIME, "wait", job_id)
            answered_at = monotonic()
            if answer == "unknown":
                raise UnknownJob(keys.queue, job_id)
            if answer == "ended":
                return _result(Job.from_reply(keys.queue, detail[0]))
            left = give_up_at - monotonic()
            if left <= 0:
                raise TimeoutError(
                    f"job {job_id} of queue {keys.queue} did not end within {timeout:g} s: it is {detail[0]}"
                )
            ended = keys.ended(job_id)
            # To Redis, 0 would mean no limit.
            yield ("BRPOPLPUSH", ended, ended, f"{max(0.01, min(left, block)):.3f}")
        except RedisError as error:
            if is_out_of_memory(error):  # the job may end all the same
                answered_at = monotonic()
            elif not is_passing(error):
                raise
            if monotonic() > min(give_up_at, answered_at + block + _OUTAGE):
                raise
            yield Pause(_PAUSE)


def _finite(timeout: float) -> float:
    """Return a timeout that can be added to a time. Raises ValueError unless it is a number."""
    check_seconds("timeout", timeout)
    if isinstance(timeout, float) and isnan(timeout):
        raise ValueError("timeout must be a number of seconds, not nan")
    return min(timeout, _FOREVER)


def _result(job: Job) -> Any:
    if job.state == "completed":
        return job.result
    reason = job.reason if job.state == "failed" and job.reason else job.state
    raise JobFailed(job.queue, job.id, reason, job.error or {})
