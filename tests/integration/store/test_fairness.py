"""Users take turns within one priority, if the queue knows which field identifies a user."""

from __future__ import annotations

import json
from random import Random

import pytest

from . import invariants
from .redis_state import NOW, RedisState

Adds = list[tuple[str, int]]


@pytest.fixture
def fair(redis_state: RedisState) -> RedisState:
    redis_state.write({"fair": {"by": "user"}})
    return redis_state


def enqueue(redis_state: RedisState, *ids: str, priority: int = 50) -> None:
    """Add jobs named after their user, such as `a1`."""
    words = [word for job_id in ids for word in (job_id, data(job_id), priority, 0)]
    assert redis_state.call("enqueue", *words) == [1] * len(ids)


def data(job_id: str) -> str:
    return json.dumps({"user": job_id[0]})


def in_order(redis_state: RedisState) -> str:
    state = redis_state.read()
    invariants.check(state)
    return " ".join(invariants.waiting(state)[::-1])


def start(redis_state: RedisState, number: int = 1) -> None:
    for _ in range(number):
        worker_id = f"host:{redis_state.redis.hincrby(redis_state.keys.stats, 'test', 1)}"
        entry = redis_state.take(worker_id)
        redis_state.redis.hset(
            redis_state.keys.job(str(entry)), mapping={"state": "active", "workerId": worker_id}
        )


def numbered(user: str, number: int) -> list[str]:
    return [f"{user}{index}" for index in range(1, number + 1)]


def test_users_who_wait_together_take_turns(fair: RedisState) -> None:
    enqueue(fair, *numbered("a", 4), *numbered("b", 2), "c1")

    assert in_order(fair) == "a1 b1 c1 a2 b2 a3 a4"


def test_first_job_of_another_user_starts_next(fair: RedisState) -> None:
    enqueue(fair, *numbered("a", 500))
    enqueue(fair, *(f"a{index}" for index in range(501, 1_001)))
    start(fair)

    enqueue(fair, "b1", "b2")

    assert in_order(fair).startswith("b1 a2 b2 a3 a4 ")


def test_ever_new_users_do_not_keep_a_second_job_from_starting(fair: RedisState) -> None:
    enqueue(fair, "a1", "a2", "a3")
    start(fair)

    enqueue(fair, "b1", "c1", "d1")

    assert in_order(fair) == "b1 a2 c1 d1 a3"


def test_urgent_job_overtakes_all_rounds(fair: RedisState) -> None:
    enqueue(fair, "a1", "a2", "b1")

    enqueue(fair, "c1", priority=1)
    enqueue(fair, "d1", "d2", priority=90)
    enqueue(fair, "a3")

    assert in_order(fair) == "c1 a1 b1 a2 a3 d1 d2"


def test_job_that_goes_back_is_in_front_of_all_rounds(fair: RedisState) -> None:
    enqueue(fair, "a1", "a2", "b1", "b2")
    claim = ("claim", "host", 0, 15_000, 0, 0, 30_000)
    assert fair.call(*claim) == ["job", "a1"]

    fair.call("release", "a1", "host:0", 1, 0, "")

    assert in_order(fair) == "a1 b1 a2 b2"
    enqueue(fair, "c1", "a3")
    assert in_order(fair) == "a1 b1 c1 a2 b2 a3"


def test_user_who_cancels_all_jobs_does_not_wait_for_their_rounds(fair: RedisState) -> None:
    enqueue(fair, *numbered("a", 6), *numbered("b", 3))
    for job_id in numbered("a", 6):
        fair.call("cancel", job_id, 60_000)

    enqueue(fair, "a7")

    assert in_order(fair) == "b1 a7 b2 b3"


def test_user_who_cancels_the_last_jobs_continues_behind_the_others(fair: RedisState) -> None:
    enqueue(fair, *numbered("a", 6), *numbered("b", 6))
    for job_id in ("a3", "a6", "a5"):
        fair.call("cancel", job_id, 60_000)

    enqueue(fair, "a7")

    assert in_order(fair) == "a1 b1 a2 b2 b3 a4 b4 b5 a7 b6"


def test_prioritize_gives_a_turn_of_the_new_priority(fair: RedisState) -> None:
    enqueue(fair, "a1", "a2", "b1")
    enqueue(fair, "b2", "b3", priority=10)

    fair.call("prioritize", "a2", 10)

    assert in_order(fair) == "b2 a2 b3 a1 b1"


def test_raw_pushes_take_turns_in_the_order_of_each_user(fair: RedisState) -> None:
    enqueue(fair, "b1")
    for index in range(1, 251):
        fair.push(f'{{"user": "a", "n": {index}}}')
    while fair.call("promote_due", 100)[1] == 0:
        pass
    enqueue(fair, "b2")

    state = fair.read()
    invariants.check(state)
    order = [state["jobs"][job_id]["data"] for job_id in invariants.waiting(state)[::-1]]
    assert [index for index, entry in enumerate(order) if "b" in entry] == [0, 3]
    assert [json.loads(entry)["n"] for entry in order if '"a"' in entry] == [*range(1, 251)]


@pytest.mark.parametrize(
    "odd",
    ["{}", '{"user": null}', '{"user": {"id": 1}}', "[]", '{"user": "\\ud83d"}', '{"other": "\\ud83d"}'],
)
def test_job_without_a_usable_user_shares_a_turn(fair: RedisState, odd: str) -> None:
    enqueue(fair, "a1", "a2")

    assert fair.call("enqueue", "x1", odd, 50, 0, "x2", odd, 50, 0) == [1, 1]

    assert in_order(fair) == "a1 x1 a2 x2"


def test_rounds_are_forgotten_when_no_job_waits(fair: RedisState) -> None:
    enqueue(fair, "a1", "a2", "b1")
    start(fair, 3)

    fair.call("promote_due", 100)

    assert not {"turns", "priority_index"} & fair.read().keys()


def test_turns_keep_only_users_with_waiting_jobs(fair: RedisState) -> None:
    enqueue(fair, "z1", "z2", "z3", "z4")
    for number, user in enumerate("abcdefgh"):
        start(fair, 1 + number % 2)
        enqueue(fair, f"{user}1", f"z{number + 5}")

    waiting = {job_id[0] for job_id in in_order(fair).split()}
    users = {member.partition(" ")[2] for member in fair.read()["turns"]} - {""}
    assert users - waiting <= {"g", "h"}


def test_jobs_of_a_queue_that_was_fair_keep_their_order(fair: RedisState) -> None:
    enqueue(fair, "a1", "a2", "b1")
    fair.redis.delete(fair.keys.fair)

    enqueue(fair, "c1", "c2")
    fair.push('{"raw": 1}')
    enqueue(fair, "d1")

    order = in_order(fair).split()
    assert [*order[:5], order[6]] == ["a1", "b1", "a2", "c1", "c2", "d1"]
    fair.call("cancel", "d1", 60_000)
    in_order(fair)


def test_queue_becomes_fair_behind_the_jobs_that_wait(redis_state: RedisState) -> None:
    enqueue(redis_state, "a1", "a2")
    redis_state.write({"fair": {"by": "user"}})

    enqueue(redis_state, "a3", "a4", "b1")

    assert in_order(redis_state) == "a1 a2 a3 b1 a4"


def beat(redis_state: RedisState, instance: str, field: str, age: int, now: int = NOW) -> dict[str, str]:
    """Send a heartbeat of an instance whose configuration is `age` ms old; return what jobs are placed by."""
    redis_state.call("heartbeat", instance, 15_000, 1, 0, 0, 0, age, "fairBy", field, now=now)
    found: dict[str, str] = redis_state.redis.hgetall(redis_state.keys.fair)
    return found


def test_heartbeat_of_the_newest_configuration_decides_about_fairness(redis_state: RedisState) -> None:
    assert beat(redis_state, "old", "userId", 60_000) == {"by": "userId"}
    assert beat(redis_state, "new", "", 1_000) == {}
    assert beat(redis_state, "old", "userId", 61_000, NOW + 1_000) == {}
    assert beat(redis_state, "newer", "team", 500, NOW + 2_000) == {"by": "team"}
    assert beat(redis_state, "new", "", 4_000, NOW + 3_000) == {"by": "team"}


def test_newest_configuration_decides_about_fairness_after_the_clock_was_set_back(
    redis_state: RedisState,
) -> None:
    beat(redis_state, "old", "userId", 60_000, NOW + 3_600_000)
    assert beat(redis_state, "new", "team", 1_000) == {"by": "team"}
    assert beat(redis_state, "old", "userId", 61_000) == {"by": "team"}


@pytest.mark.parametrize(
    ("seed", "changes"),
    [(0, 50), (1, 50), *(pytest.param(seed, 150, marks=pytest.mark.trial) for seed in range(2))],
)
def test_order_after_many_changes_is_that_of_the_rounds(fair: RedisState, seed: int, changes: int) -> None:
    random = Random(seed)
    added = 0
    for _ in range(changes):
        match random.randrange(6):
            case 0 | 1 | 2:
                ids = [f"{random.choice('aaab')}{added + index}" for index in range(random.choice([1, 1, 9]))]
                added += len(ids)
                enqueue(fair, *ids, priority=random.choice([1, 50, 50, 50]))
            case 3:
                fair.call("cancel", f"{random.choice('ab')}{random.randrange(added + 1)}", 60_000)
            case 4:
                fair.push(data("r"))
            case 5 if fair.redis.llen(fair.keys.wait) > 3:
                fair.call("claim", "host", random.randrange(3), 15_000, 0, 0, 30_000)
                fair.call("recover", f"host:{random.randrange(3)}", "0", 3)
        invariants.check(fair.read())
