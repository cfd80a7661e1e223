"""The fast path of enqueue does the same as the general one, and fast paths need few commands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from preppath_workers.store.keys import Keys
from preppath_workers.store.scripts import Caller
from tests.support.redis import RedisServer

from .redis_state import NOW, RedisState, State, merged
from .state_table import HOST, completed, started, waiting

#: The list `wait` at the time of an enqueue.
WAIT_LISTS: dict[str, State] = {
    "empty": {},
    "a stale index entry": {"priority_index": {"gone": 50}},
    "one with the same priority": {"wait": ["b"], "priority_index": {"b": 50}, "jobs": {"b": waiting()}},
    "more urgent ones": {"wait": ["b"], "priority_index": {"b": 10}, "jobs": {"b": waiting(10)}},
    "less urgent ones": {"wait": ["b"], "priority_index": {"b": 90}, "jobs": {"b": waiting(90)}},
    "all kinds": {
        "wait": ["d", "c", "b"],
        "priority_index": {"d": 90, "c": 50, "b": 10},
        "jobs": {"b": waiting(10), "c": waiting(), "d": waiting(90)},
    },
    "no priority index": {"wait": ["b"], "jobs": {"b": waiting()}},
    "a raw push": {"wait": ["{}", "b"], "priority_index": {"b": 50}, "jobs": {"b": waiting()}},
    "the id of an active job, pushed again": {
        "wait": ["x", "b"],
        "priority_index": {"x": 50, "b": 90},
        "active": {"host:0": ["x"]},
        "jobs": {"x": started(), "b": waiting(90)},
    },
    "an id without a hash": {
        "wait": ["x", "b"],
        "priority_index": {"x": 50, "b": 90},
        "jobs": {"b": waiting(90)},
    },
    "itself": {"wait": ["a"], "priority_index": {"a": 50}, "jobs": {"a": waiting()}},
    "itself, completed": {"jobs": {"a": completed()}},
}


@pytest.mark.parametrize(
    ("wait_list", "delay"),
    [
        *(pytest.param(state, 0, id=name) for name, state in WAIT_LISTS.items()),
        pytest.param(WAIT_LISTS["empty"], 700, id="empty, delayed"),
        pytest.param(WAIT_LISTS["itself"], 700, id="itself, delayed"),
    ],
)
def test_enqueue_of_one_job_equals_enqueue_of_several(
    redis_state: RedisState, wait_list: State, delay: int
) -> None:
    given = merged({"jobs": {"old": completed()}}, wait_list)
    redis_state.write(given)
    reply = redis_state.call("enqueue", "a", "{}", 50, delay, "old", "{}", 50, 0)
    expected = redis_state.read()
    redis_state.redis.delete(*redis_state.all_keys())
    redis_state.write(given)

    assert redis_state.call("enqueue", "a", "{}", 50, delay) == reply[:1]
    assert redis_state.read() == expected


def test_claim_of_the_last_waiting_job_removes_the_priority_index(redis_state: RedisState) -> None:
    """All of its entries are stale then, and the next enqueue doesn't have to remove them."""
    redis_state.write(
        {**HOST, "active": {"host:0": ["n"]}, "jobs": {"n": waiting()}, "priority_index": {"n": 50}}
    )

    redis_state.call("claim", "host", 0, 15_000, 0, 0, 60_000)

    assert redis_state.redis.exists(redis_state.keys.priority_index) == 0


EVENTS: State = {"gate": {"eventsUntil": NOW + 9_000}}

#: The number of commands of each call, without reading the clock.
COMMAND_COUNTS: list[tuple[str, State, tuple[str | int, ...], int]] = [
    ("enqueue of the first job", {}, ("enqueue", "a", "{}", 50, 0), 5),
    (
        "enqueue of a job after others have started",
        WAIT_LISTS["a stale index entry"],
        ("enqueue", "a", "{}", 50, 0),
        8,
    ),
    ("enqueue of one more job", WAIT_LISTS["one with the same priority"], ("enqueue", "a", "{}", 50, 0), 9),
    (
        "claim of a popped job",
        {**HOST, "active": {"host:0": ["n"]}, "jobs": {"n": waiting()}},
        ("claim", "host", 0, 15_000, 0, 0, 60_000),
        6,
    ),
    (
        "claim of a popped job, and events are requested",
        {**HOST, **EVENTS, "active": {"host:0": ["n"]}, "jobs": {"n": waiting()}},
        ("claim", "host", 0, 15_000, 0, 0, 60_000),
        7,
    ),
    ("claim of no job", HOST, ("claim", "host", 0, 15_000, 0, 0, 60_000), 3),
    (
        "claim of no job, and events are requested",
        {**HOST, **EVENTS},
        ("claim", "host", 0, 15_000, 0, 0, 60_000),
        4,
    ),
    (
        "settle_and_fetch of two jobs",
        {
            **HOST,
            "wait": ["b"],
            "priority_index": {"b": 50},
            "active": {"host:0": ["a"]},
            "jobs": {"a": started(), "b": waiting()},
        },
        ("settle_and_fetch", "host:0", 60_000, 30_000, 15_000, 0, 0, 60_000, "a", 1, "{}"),
        9,
    ),
    (
        "settle_and_fetch of two jobs, and events are requested",
        {
            **HOST,
            **EVENTS,
            "wait": ["b"],
            "priority_index": {"b": 50},
            "active": {"host:0": ["a"]},
            "jobs": {"a": started(), "b": waiting()},
        },
        ("settle_and_fetch", "host:0", 60_000, 30_000, 15_000, 0, 0, 60_000, "a", 1, "{}"),
        12,
    ),
]


@pytest.fixture(scope="module")
def counting_server() -> Iterator[Redis]:
    """A server that no other test uses, since it counts commands."""
    with RedisServer() as server, Redis.from_url(server.url, decode_responses=True) as client:
        yield client


@pytest.mark.parametrize(
    ("name", "state", "call", "commands"), COMMAND_COUNTS, ids=[row[0] for row in COMMAND_COUNTS]
)
def test_fast_path_needs_few_commands(
    counting_server: Redis, name: str, state: State, call: tuple[str | int, ...], commands: int
) -> None:
    """The general paths would give the same result, but slower."""
    counting_server.flushall()
    redis_state = RedisState(counting_server, Keys("counted", "tts"))
    redis_state.write(state)
    counting_server.config_resetstat()
    Caller(counting_server, redis_state.keys.base, now=str(NOW))(str(call[0]), *call[1:])

    called = counting_server.info("commandstats")
    ours = ("cmdstat_eval", "cmdstat_config", "cmdstat_info")
    assert sum(count["calls"] for name, count in called.items() if not name.startswith(ours)) == commands
