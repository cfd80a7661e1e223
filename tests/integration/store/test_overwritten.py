"""A job that something has overwritten, so that its key has another type, harms no other and is not lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator

import pytest
from redis.asyncio import Redis as AsyncRedis

from preppath_workers import AsyncQueue, NewJob, Queue, UnknownJob
from preppath_workers.store.dead_letters import Selection, Walk
from preppath_workers.store.reading.filtering import JobFilter, find_jobs
from preppath_workers.store.reading.oldest import oldest_waiting_ms
from preppath_workers.store.repair import Problem, find_problems

from .failing import failing
from .redis_state import NOW, RedisState

GOOD = ["a", "b", "c", "d"]
LATER = NOW + 60_000


def overwrite(state: RedisState, job_id: str = "bad") -> None:
    state.redis.set(state.keys.job(job_id), "x")


def enqueue(state: RedisState, *ids: str, priority: int = 50, delay: int = 0) -> None:
    state.call("enqueue", *(word for job_id in ids for word in (job_id, '{"user":"u"}', priority, delay)))


def beat(state: RedisState, instance: str, slots: int = 1) -> None:
    state.call("heartbeat", instance, 15_000, slots, 0, 0, 0, 0, "workers", slots)


def hold(state: RedisState, instance: str, job_id: str) -> None:
    """Let a slot run the job."""
    beat(state, instance)
    state.redis.lrem(state.keys.wait, 1, job_id)
    state.redis.lpush(state.keys.active(f"{instance}:0"), job_id)
    state.redis.hset(state.keys.job(job_id), mapping={"state": "active", "workerId": f"{instance}:0"})


def in_later(state: RedisState) -> None:
    state.redis.hset(state.keys.base + "fair", "by", "user")
    enqueue(state, *(f"x{number}" for number in range(210)), "bad", *GOOD)


def completed(state: RedisState) -> None:
    enqueue(state, "bad", *GOOD)
    state.redis.lrem(state.keys.wait, 1, "bad")
    state.redis.rpush(state.keys.completed, *["bad"] * 60)


#: Where the job is when it is overwritten.
PLACES: dict[str, Callable[[RedisState], None]] = {
    "next": lambda state: enqueue(state, "bad", *GOOD),
    "last": lambda state: enqueue(state, *GOOD, "bad"),
    "in the middle": lambda state: enqueue(state, *GOOD[:2], "bad", *GOOD[2:]),
    "alone in its priority": lambda state: (enqueue(state, "bad", priority=10), enqueue(state, *GOOD))[0],
    "behind all priorities": lambda state: (enqueue(state, "bad", priority=90), enqueue(state, *GOOD))[0],
    "in later": in_later,
    "due": lambda state: enqueue(state, "bad", *GOOD, delay=1),
    "due after the others": lambda state: (enqueue(state, *GOOD), enqueue(state, "bad", delay=50_000))[0],
    "in a dead instance": lambda state: (enqueue(state, "bad", *GOOD), hold(state, "gone", "bad"))[0],
    "in this slot": lambda state: (enqueue(state, "bad", *GOOD), hold(state, "host", "bad"))[0],
    "completed": completed,
}


@pytest.fixture(params=["claim", "settle_and_fetch"])
def work(request: pytest.FixtureRequest, redis_state: RedisState) -> Callable[[], list[str]]:
    """Run all jobs in one slot, with a janitor's help. Returns their ids."""

    def settle(job_id: str | None, token: str | None) -> list[str]:
        if job_id and request.param == "claim":
            redis_state.call("complete", job_id, "host:0", str(token), "{}", 60_000, 5, now=LATER)
        elif job_id:
            words = ("host:0", 60_000, 5, 15_000, 0, 0, 60_000, job_id, str(token), "{}")
            return redis_state.call("settle_and_fetch", *words, now=LATER)
        return redis_state.call("claim", "host", 0, 15_000, 0, 0, 60_000, now=LATER)

    def rounds() -> Iterator[str]:
        for _ in range(3):
            redis_state.call("reap", 3, 10, "host", 1, 10**9, 15_000, 10**15, now=LATER)
            while redis_state.call("promote_due", 100, now=LATER)[1] == 0:
                pass
            answer = settle(None, None)
            while answer[0] == "job":
                yield answer[1]
                token = redis_state.redis.hget(redis_state.keys.job(answer[1]), "fencingToken")
                answer = settle(answer[1], token)

    return lambda: list(rounds())


@pytest.mark.parametrize("place", PLACES)
def test_overwritten_job_becomes_a_dead_letter_and_the_others_run(
    redis_state: RedisState, queue: Queue, work: Callable[[], list[str]], place: str
) -> None:
    PLACES[place](redis_state)
    beat(redis_state, "host")
    overwrite(redis_state)
    enqueue(redis_state, "e")
    enqueue(redis_state, "f", priority=1)
    enqueue(redis_state, "bad", "g")  # as if it existed

    ran = work()

    assert {*GOOD, "e", "f", "g"} <= {*ran}
    assert "bad" not in ran
    assert redis_state.redis.get(redis_state.keys.job("bad")) == "x"
    assert (queue.counts().waiting, queue.counts().active, queue.counts().delayed) == (0, 0, 0)
    dead = queue.dead_letters()
    assert [job.raw_data for job in dead] == ["bad"] * (place != "completed")
    key = redis_state.keys.job("bad")
    for job in dead:
        assert job.reason == "malformed"
        assert job.error == {
            "class": "OverwrittenJob",
            "message": f"something has overwritten this job: its key {key} holds no hash",
        }


@pytest.fixture
def broken(redis_state: RedisState) -> RedisState:
    """One overwritten job in each place, beside a sound one; `run` and `bad-run` run, `dead` is dead."""
    enqueue(redis_state, "wait", "bad-wait", "run", "bad-run", "dead", "bad-dead")
    enqueue(redis_state, "delayed", "bad-delayed", delay=60_000)
    hold(redis_state, "one", "run")
    hold(redis_state, "two", "bad-run")
    for job_id in ("dead", "bad-dead"):
        redis_state.redis.lrem(redis_state.keys.wait, 1, job_id)
        redis_state.redis.lpush(redis_state.keys.dead, job_id)
        job = {"state": "failed", "finishedAt": NOW, "error": "{}", "reason": "retries"}
        redis_state.redis.hset(redis_state.keys.job(job_id), mapping=job)
    for place in ("wait", "run", "delayed", "dead"):
        overwrite(redis_state, f"bad-{place}")
    return redis_state


def test_readers_leave_an_overwritten_job_out(broken: RedisState, queue: Queue) -> None:
    for state, job_id in (("waiting", "wait"), ("active", "run"), ("delayed", "delayed"), ("failed", "dead")):
        assert [job.id for job in queue.jobs(state)] == [job_id]  # type: ignore[arg-type] # of a loop
        assert [job.id for job in find_jobs(queue, state, JobFilter(where=(("user", "u"),))).jobs] == (  # type: ignore[arg-type]
            [job_id] if job_id != "dead" else ["dead"]
        )
    assert [job.id for job in queue.snapshot().failures] == ["dead"]
    assert queue.counts().failed == 2
    assert oldest_waiting_ms(queue) is not None
    assert queue.locate("wait").ahead is not None
    assert [job.id for page in Walk(queue, Selection()) for job in page.jobs] == ["dead"]
    assert queue.get("bad-wait") is None
    with pytest.raises(UnknownJob):
        queue.ref("bad-wait").status()


def test_async_queue_knows_no_overwritten_job(broken: RedisState, redis_url: str, key_prefix: str) -> None:
    async def get() -> object:
        async with AsyncQueue("tts", AsyncRedis.from_url(redis_url), key_prefix) as queue:
            return await queue.get("bad-wait")

    assert asyncio.run(get()) is None


@pytest.mark.parametrize(
    "ask",
    [
        lambda queue, job_id: queue.cancel(job_id),
        lambda queue, job_id: queue.prioritize(job_id, 1),
        lambda queue, job_id: queue.promote(job_id),
        lambda queue, job_id: queue.ref(job_id).wait(timeout=5),
    ],
    ids=["cancel", "prioritize", "promote", "wait"],
)
def test_overwritten_job_is_unknown_to_what_asks_for_it(
    broken: RedisState, queue: Queue, ask: Callable[[Queue, str], object]
) -> None:
    for place in ("wait", "run", "delayed", "dead"):
        with pytest.raises(UnknownJob):
            ask(queue, f"bad-{place}")
        assert broken.call("status", f"bad-{place}") == ["unknown"]
        assert broken.redis.get(broken.keys.job(f"bad-{place}")) == "x"


def test_changes_of_other_jobs_ignore_an_overwritten_one(broken: RedisState, queue: Queue) -> None:
    assert queue.prioritize("wait", 1) == "waiting"
    assert queue.replay(["bad-dead", "dead"]) == 1
    assert queue.purge(["bad-dead", "gone"]) == 0
    assert broken.redis.get(broken.keys.job("bad-dead")) == "x"
    assert queue.promote("delayed") == "waiting"
    assert [queue.cancel(job_id) for job_id in ("wait", "dead", "delayed")] == ["cancelled"] * 3
    assert broken.redis.lrange(broken.keys.dead, 0, -1) == ["bad-dead"]
    assert broken.call("leave", "two") == [1]
    assert broken.redis.lrange(broken.keys.wait, 0, -1) == ["bad-run"]
    assert broken.redis.zscore(broken.keys.delayed, "bad-wait") == 0  # where the janitor finds it


def test_enqueue_of_many_beside_an_overwritten_id_adds_the_others(broken: RedisState, queue: Queue) -> None:
    added = queue.enqueue_many(NewJob({}, id=job_id) for job_id in ("x", "bad-wait", "y"))
    assert [ref.created for ref in added] == [True, False, True]
    assert {"x", "y"} <= {job.id for job in queue.jobs("waiting")}


def test_check_names_overwritten_jobs_and_its_repair_sets_them_aside(
    broken: RedisState, queue: Queue
) -> None:
    named = [Problem("overwritten", f"bad-{place}") for place in ("dead", "delayed", "run", "wait")]

    for repair in (False, True, False):
        found = find_problems(queue, repair=repair)
        assert sorted((problem for problem in found), key=lambda problem: problem.name) == named
    assert queue.call("promote_due", 100)[0] == 5  # with "delayed", of 1970
    dead = {job.raw_data for job in queue.dead_letters() if job.reason == "malformed"}
    assert dead == {problem.name for problem in named}
    # The keys are left to the operator.
    assert sorted(find_problems(queue), key=lambda problem: problem.name) == named


def test_settlement_of_a_job_that_was_overwritten_is_refused(redis_state: RedisState) -> None:
    enqueue(redis_state, "bad", "a")
    beat(redis_state, "host")
    assert redis_state.call("claim", "host", 0, 15_000, 0, 0, 60_000) == ["job", "bad"]
    overwrite(redis_state)

    assert redis_state.call("progress", "bad", "host:0", 1, 5, "") == ["lost"]
    assert redis_state.call("complete", "bad", "host:0", 1, "{}", 60_000, 10) == ["lost"]
    assert redis_state.call("retry", "bad", "host:0", 1, "{}", "unknown", 3, 1, 0, 0, 0, "", "") == ["lost"]
    words = ("host:0", 60_000, 10, 15_000, 0, 0, 60_000, "bad", 1, "{}")
    assert redis_state.call("settle_and_fetch", *words) == ["none", "lost"]
    assert redis_state.call("claim", "host", 0, 15_000, 0, 0, 60_000) == ["job", "a"]


def test_outage_with_an_overwritten_job_in_its_streak_closes_the_queue(redis_state: RedisState) -> None:
    redis_state.write({"gate": {"streak": json.dumps({"jobs": {"bad": 1, "other": 1}})}})
    enqueue(redis_state, "a", "bad", "b")
    beat(redis_state, "host", 1)
    assert redis_state.call("claim", "host", 0, 15_000, 0, 0, 60_000) == ["job", "a"]
    overwrite(redis_state)

    failure = failing('{"class":"E"}', "service", 3, 1_000, 0)
    assert redis_state.call("retry", "a", "host:0", 1, *failure) == ["delayed", 1_000, "excused", "closed"]
    answers = [redis_state.call("claim", "host", 0, 15_000, 0, 0, 60_000, now=LATER) for _ in range(2)]
    assert ["job", "b"] in answers
