"""A server out of memory (`maxmemory` with `noeviction`): a transition happens completely or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from preppath_workers.store.keys import Keys
from preppath_workers.store.refusals import code_of
from preppath_workers.store.scripts import scripts
from tests.support.redis import RedisServer
from tests.support.servers import running

from .failing import failing
from .redis_state import NOW, RedisState, State, merged
from .state_table import CLOSED_CALL, HELD, HOST, LISTED_CALL, OPEN_CALL, delayed, failed, started, waiting

OF_GROUP: dict[str, Any] = {"group": "g", "progress": 0}

#: A job in each state, with work for each transition.
STATE: State = {
    "instances": {**HOST["instances"], "gone": NOW - 1},
    "instance": {**HOST["instance"], "gone": {"slots": 1}},
    "wait": ["{}", "low", "next"],
    "priority_index": {"low": 90, "next": 50},
    "active": {"host:0": ["a"], "host:1": ["in-flight"], "gone:0": ["lost", "{}"]},
    "delayed": {"due": NOW - 1, "later": NOW + 1_000},
    "dead": ["dead"],
    "jobs": {
        "low": waiting(90),
        "next": waiting(**OF_GROUP),
        "a": started(**OF_GROUP),
        "in-flight": waiting(90),
        "lost": started(workerId="gone:0"),
        "due": delayed(),
        "later": delayed(**OF_GROUP),
        "dead": failed(**OF_GROUP),
    },
    "groups": {"g": {"jobs": 4, "failed": 1}},
    "gate": {"eventsUntil": NOW + 60_000},
}

CLAIM_ARGUMENTS = (15_000, 3, 1_000, 60_000)

CALLS: list[tuple[str | int, ...]] = [
    ("enqueue", "x", "{}", 10, 0, "y", "{}", 1, 5),
    ("enqueue_checked", "x", "{}", 10, 0),
    ("heartbeat", "host", 15_000, 2, 1, 0, 0, 0, "pid", "7"),
    ("heartbeat", "new", 15_000, 2, 1, 0, 0, 0, "pid", "7"),
    ("renew", "host", 15_000, 0, 0),
    ("note_minute", 60),
    ("renew", "host", 15_000, 9, 1_000),
    ("claim", "host", 0, *CLAIM_ARGUMENTS),
    ("claim", "host", 1, *CLAIM_ARGUMENTS),
    ("claim", "new", 0, *CLAIM_ARGUMENTS),
    ("settle_and_fetch", "host:0", 60_000, 10, *CLAIM_ARGUMENTS, "a", 1, "{}"),
    ("complete", *HELD, "{}", 60_000, 10),
    ("retry", *HELD, *failing("{}", "unknown", 3, 1_000, 0)),
    ("retry", *HELD, *failing("{}", "permanent", 3, 1_000, 0)),
    ("release", *HELD, 0, ""),
    ("resume",),
    ("release", *HELD, 1_000, "why"),
    ("progress", *HELD, 50),
    ("checkpoint", *HELD, "step", "{}"),
    ("checkpoint", *HELD, "step", "{}", CLOSED_CALL),
    ("open_call", *HELD, "c1", OPEN_CALL, ""),
    ("close_calls", "a", CLOSED_CALL),
    ("resolve_call", "c1", 5, "1970-01-01"),
    ("close_calls", "a", LISTED_CALL),
    ("remove_cost_rows", LISTED_CALL),
    ("capped_jobs", 0, 10),
    ("acquire_model_tokens", 5, 10, 1_000),
    ("settle_model_tokens", 5, 10, 3),
    ("promote_capped", "a"),
    ("reserve", "c1", 5, "tts", "a", 1, "all", 9, "", "", ""),
    ("settle_reservations", "c1", "5"),
    ("lift_hold", "5"),
    ("acquire_token", *HELD, 3, 1_000),
    ("note_vendor_limits", 10, 900, 0, 0, "requests", 600, 20, 58_000, "tokens", 9_000, 90, 59_400),
    ("check_lease", *HELD),
    ("end_cancelled", *HELD),
    ("find_cancelled", "host"),
    ("promote_due", 10),
    ("recover", "host:0", "1", 3),
    ("recover", "host:0", "1", 0),
    ("recover", "host:1", "0", 3),
    ("reap", 3, 10, "host", 9_000, 60_000, 15_000, 10**15),
    ("leave", "host"),
    ("try_write",),
    ("job_heads", 9, "next"),
    ("replay", "dead"),
    ("add_dead_letters", "dl", "{}", 50, "retries", "{}", 1, 900_000, 900_001),
    ("wait", "next"),
    ("cancel", "next", 60_000),
    ("cancel", "later", 60_000),
    ("cancel", "in-flight", 60_000),
    ("purge", "dead"),
    ("prioritize", "next", 1),
    ("prioritize", "in-flight", 1),
    ("promote_job", "later"),
    ("close_group", "g"),
    ("repair", "next", 1),
]


#: States in which settle_and_fetch, claim and enqueue take their fast paths.
FAST_PATH: State = {
    **HOST,
    "active": {"host:0": ["a"], "host:1": ["in-flight"]},
    "jobs": {"a": started(), "in-flight": waiting(), "next": waiting()},
}
NEXT: State = {"wait": ["next"], "priority_index": {"next": 50}}

FAST_PATH_CALLS: list[tuple[State, tuple[str | int, ...]]] = [
    (state, call)
    for limit in (0, 3)
    for state, call in [
        (
            {**FAST_PATH, **NEXT},
            ("settle_and_fetch", "host:0", 60_000, 10, 15_000, limit, 1_000, 60_000, "a", 1, "{}"),
        ),
        (FAST_PATH, ("settle_and_fetch", "host:0", 60_000, 10, 15_000, limit, 1_000, 60_000, "a", 1, "{}")),
        (FAST_PATH, ("claim", "host", 1, 15_000, limit, 1_000, 60_000)),
    ]
] + [
    ({}, ("enqueue", "x", "{}", 50, 0)),
    ({**NEXT, "jobs": {"next": waiting()}}, ("enqueue", "x", "{}", 50, 0)),
]


@pytest.fixture(scope="module")
def small_server() -> Iterator[Redis]:
    server = RedisServer()
    with running(server), Redis.from_url(server.url, decode_responses=True) as client:
        yield client


@pytest.fixture
def redis_state(small_server: Redis, key_prefix: str) -> RedisState:
    small_server.flushall()
    return RedisState(small_server, Keys(key_prefix, "tts"))


def test_calls_include_every_transition() -> None:
    assert {name for name, *_ in CALLS} == set(scripts()) - {
        "call_status",
        "counts",
        "held_slots",
        "locate",
        "open_reservations",
        "status",
    }  # which change nothing


def test_server_out_of_memory_refuses_writes(redis_state: RedisState) -> None:
    redis_state.redis.config_set("maxmemory", 1)
    try:
        for write in (
            lambda: redis_state.call("enqueue", "x", "{}", 50, 0),
            lambda: redis_state.take("host:0"),
        ):
            with pytest.raises(ResponseError) as raised:
                write()
            assert code_of(raised.value) == "OOM"
    finally:
        redis_state.redis.config_set("maxmemory", 0)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: "-".join(map(str, call[:4])))
def test_transition_out_of_memory_is_atomic(redis_state: RedisState, call: tuple[str | int, ...]) -> None:
    check_atomic(redis_state, STATE, call)


@pytest.mark.parametrize(("state", "call"), FAST_PATH_CALLS)
def test_fast_path_out_of_memory_is_atomic(
    redis_state: RedisState, state: State, call: tuple[str | int, ...]
) -> None:
    check_atomic(redis_state, state, call)


#: Never refused: otherwise leases would expire, nothing would be recovered and no memory freed.
VITAL = ("heartbeat", "renew", "promote_due", "reap", "recover", "leave", "claim", "settle_and_fetch", "complete", "retry", "release",  # noqa: E501
         "checkpoint", "acquire_token")  # fmt: skip


def check_atomic(redis_state: RedisState, state: State, call: tuple[str | int, ...]) -> None:
    redis_state.write(state)
    expected = redis_state.call(*call)
    after = redis_state.read()
    redis_state.redis.flushall()
    redis_state.write(state)
    before = redis_state.read()
    redis_state.redis.config_set("maxmemory", 1)

    code = ""
    try:
        reply = redis_state.call(*call)
    except ResponseError as error:
        code = code_of(error)
    finally:
        redis_state.redis.config_set("maxmemory", 0)

    if not code:
        assert (reply, redis_state.read()) == (expected, after)
        return
    assert code == "OOM"
    assert call[0] not in VITAL
    assert redis_state.read() == before
    # It succeeds once memory is available.
    redis_state.call(*call)
    assert redis_state.read() == after


#: The next job of a worker whose completed job was written just before.
NEXT_JOBS: dict[str, State] = {
    "a new job": {"jobs": {"b": waiting()}},
    "a job that was started before": {"jobs": {"b": waiting(fencingToken=1, attempts=1)}},
    "a new job, with events requested": {
        "jobs": {"b": waiting()},
        "gate": {"eventsUntil": NOW + 60_000},
    },
}


#: The slot, the call and the reply.
FETCHES: list[tuple[State, tuple[str | int, ...], Any]] = [
    (
        {"wait": ["b"], "active": {"host:0": ["a"]}, "jobs": {"a": started()}},
        ("settle_and_fetch", "host:0", 60_000, 10, *CLAIM_ARGUMENTS, "a", 1, "{}"),
        ["job", "b", "completed"],
    ),
    ({"active": {"host:0": ["b"]}}, ("claim", "host", 0, *CLAIM_ARGUMENTS), ["job", "b"]),
]


@pytest.mark.parametrize("found", NEXT_JOBS.values(), ids=NEXT_JOBS)
@pytest.mark.parametrize(("slot", "call", "reply"), FETCHES, ids=["settle_and_fetch", "claim"])
def test_fetch_out_of_memory_still_starts_the_next_job(
    redis_state: RedisState, slot: State, call: tuple[str | int, ...], reply: Any, found: State
) -> None:
    """Otherwise no memory would ever be freed."""
    redis_state.write(merged(merged(HOST, slot), found))
    redis_state.redis.config_set("maxmemory", 1)
    try:
        assert redis_state.call(*call) == reply
    finally:
        redis_state.redis.config_set("maxmemory", 0)
