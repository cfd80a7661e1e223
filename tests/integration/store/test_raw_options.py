"""What a raw push may ask for beside its data."""

from __future__ import annotations

import json

import pytest

from preppath_workers.queue import Queue

from . import invariants
from .redis_state import NOW, RedisState


def ingested(redis_state: RedisState, *entries: str) -> dict[str, dict[str, str | int]]:
    redis_state.push(*entries)
    redis_state.call("promote_due", 100)
    state = redis_state.read()
    invariants.check(state)
    jobs: dict[str, dict[str, str | int]] = state["jobs"]
    return jobs


def test_raw_push_with_an_id_twice_is_one_job(redis_state: RedisState, queue: Queue) -> None:
    entry = '{"$id": "q1", "text": "Why?"}'

    jobs = ingested(redis_state, entry, entry)

    assert [*jobs] == ["q1"]
    assert redis_state.read()["stats"] == {"enqueued": 1, "duplicates": 1}
    job = queue.get("q1")
    assert job
    assert job.data == {"text": "Why?"}
    assert redis_state.call("claim", "host", 0, 15_000, 0, 0, 30_000) == ["job", "q1"]


def test_raw_pushes_are_placed_by_their_priority(redis_state: RedisState) -> None:
    ingested(redis_state, '{"$id": "a"}', '{"$id": "b", "$priority": 90}', '{"$id": "c", "$priority": 1}')

    assert redis_state.read()["wait"] == ["b", "a", "c"]


def test_raw_push_with_a_delay_and_an_expiry_has_both(redis_state: RedisState) -> None:
    jobs = ingested(redis_state, '{"$id": "a", "$delay": 1.5, "$expires": 60}')

    assert redis_state.read()["delayed"] == {"a": NOW + 1_500}
    assert (jobs["a"]["state"], jobs["a"]["expiresAt"]) == ("delayed", NOW + 60_000)


def test_claim_of_a_less_urgent_raw_push_places_it_first(redis_state: RedisState) -> None:
    redis_state.call("enqueue", "low", "{}", 80, 0)
    redis_state.redis.rpush(redis_state.keys.wait, '{"$id": "lower", "$priority": 90}')

    answers = [redis_state.call("claim", "host", slot, 15_000, 0, 0, 30_000) for slot in (0, 0, 1)]

    assert answers == [["none"], ["job", "low"], ["job", "lower"]]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('{"$id": "a b"}', "$id must be 1 to 128 letters"),
        ('{"$id": 5}', "$id must be"),
        ('{"$priority": 0}', "$priority must be a whole number from 1 to 100"),
        ('{"$priority": "1"}', "$priority must be"),
        ('{"$delay": -1}', "$delay must be 0 or more"),
        ('{"$delay": 5, "$expires": 5}', "$expires must be later than delay"),
        ('{"$priorty": 1}', "unknown option $priorty"),
    ],
)
def test_raw_push_with_a_wrong_option_is_a_dead_letter_that_names_it(
    redis_state: RedisState, entry: str, message: str
) -> None:
    ((job_id, job),) = ingested(redis_state, entry).items()

    assert job_id.startswith("raw-")
    assert (job["state"], job["reason"], job["data"]) == ("failed", "invalid", entry)
    assert json.loads(str(job["error"]))["message"].startswith(message)


def test_dollar_in_nested_data_is_data(redis_state: RedisState) -> None:
    (job,) = ingested(redis_state, '{"text": {"$ref": 1}, "other": "$id"}').values()

    assert job["state"] == "waiting"
