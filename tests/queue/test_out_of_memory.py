"""A server that is out of memory (`maxmemory` with `noeviction`) refuses whatever needs more: a transition
happens as a whole then, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from preppath_workers.dev.redis import RedisServer
from preppath_workers.dev.servers import running
from preppath_workers.queue.keys import Keys
from preppath_workers.queue.scripts import scripts

from .bench import NOW, Bench, State, merged
from .failing import failing
from .table import HOST, delayed, failed, started, waiting

#: Something of everything, with work for each transition.
STATE: State = {
    "instances": {**HOST["instances"], "gone": NOW - 1},
    "instance": {**HOST["instance"], "gone": {"slots": 1}},
    "wait": ["{}", "low", "next"],
    "lanes": {"low": 90, "next": 50},
    "active": {"host:0": ["a"], "host:1": ["in-hand"], "gone:0": ["lost", "{}"]},
    "delayed": {"due": NOW - 1, "later": NOW + 1_000},
    "dead": ["dead"],
    "jobs": {
        "low": waiting(90),
        "next": waiting(),
        "a": started(),
        "in-hand": waiting(90),
        "lost": started(owner="gone:0"),
        "due": delayed(),
        "later": delayed(),
        "dead": failed(),
    },
    "meta": {"notices": NOW + 60_000},
}

HELD = ("a", "host:0", 1)
TERMS = (15_000, 3, 1_000, 60_000)

CALLS: list[tuple[str | int, ...]] = [
    ("enqueue", "x", "{}", 10, 0, "y", "{}", 1, 5),
    ("heartbeat", "host", 15_000, 2, 1, 0, 0, 0, "pid", "7"),
    ("heartbeat", "new", 15_000, 2, 1, 0, 0, 0, "pid", "7"),
    ("claim", "host", 0, *TERMS),
    ("claim", "host", 1, *TERMS),
    ("claim", "new", 0, *TERMS),
    ("turn", "host:0", "a", 1, "{}", 60_000, 10, *TERMS),
    ("complete", *HELD, "{}", 60_000, 10),
    ("retry", *HELD, *failing("{}", "unknown", 3, 1_000, 0)),
    ("retry", *HELD, *failing("{}", "permanent", 3, 1_000, 0)),
    ("release", *HELD, 0, ""),
    ("resume",),
    ("release", *HELD, 1_000, "why"),
    ("progress", *HELD, 50),
    ("checkpoint", *HELD, "step", "{}"),
    ("spend", *HELD, 3, 1_000),
    ("confirm", *HELD),
    ("promote", 10),
    ("recover", "host:0", "1", 3),
    ("recover", "host:0", "1", 0),
    ("recover", "host:1", "0", 3),
    ("reap", 3, 10, "host", 9_000, 60_000, 15_000, 10**15),
    ("leave", "host"),
    ("try_write",),
    ("replay", "dead"),
    ("cancel", "next", 60_000),
    ("cancel", "later", 60_000),
    ("cancel", "in-hand", 60_000),
    ("purge", "dead"),
    ("prioritize", "next", 1),
    ("prioritize", "in-hand", 1),
    ("hasten", "later"),
    ("mend", "next", 1),
]


#: Where turns and claims go their shortest way: nothing is out of the ordinary.
ORDINARY: State = {
    **HOST,
    "active": {"host:0": ["a"], "host:1": ["in-hand"]},
    "jobs": {"a": started(), "in-hand": waiting(), "next": waiting()},
}
NEXT: State = {"wait": ["next"], "lanes": {"next": 50}}

ORDINARY_CALLS: list[tuple[State, tuple[str | int, ...]]] = [
    (state, call)
    for limit in (0, 3)
    for state, call in [
        ({**ORDINARY, **NEXT}, ("turn", "host:0", "a", 1, "{}", 60_000, 10, 15_000, limit, 1_000, 60_000)),
        (ORDINARY, ("turn", "host:0", "a", 1, "{}", 60_000, 10, 15_000, limit, 1_000, 60_000)),
        (ORDINARY, ("claim", "host", 1, 15_000, limit, 1_000, 60_000)),
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
def bench(small_server: Redis, key_prefix: str) -> Bench:
    small_server.flushall()
    return Bench(small_server, Keys(key_prefix, "tts"))


def test_every_transition_is_here() -> None:
    assert {name for name, *_ in CALLS} == set(scripts()) - {
        "counts",
        "held",
        "whereabouts",
    }  # which change nothing


def test_the_server_does_refuse(bench: Bench) -> None:
    bench.redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(OutOfMemoryError):
            bench.call("enqueue", "x", "{}", 50, 0)
        with pytest.raises(OutOfMemoryError):
            bench.take("host:0")
    finally:
        bench.redis.config_set("maxmemory", 0)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: "-".join(map(str, call[:4])))
def test_a_transition_happens_as_a_whole_or_not_at_all(bench: Bench, call: tuple[str | int, ...]) -> None:
    _happens_as_a_whole_or_not_at_all(bench, STATE, call)


@pytest.mark.parametrize(("state", "call"), ORDINARY_CALLS)
def test_so_does_one_for_which_nothing_is_out_of_the_ordinary(
    bench: Bench, state: State, call: tuple[str | int, ...]
) -> None:
    _happens_as_a_whole_or_not_at_all(bench, state, call)


#: What keeps the queue alive: else leases would run out, nothing would be recovered, and no memory be freed.
VITAL = ("heartbeat", "promote", "reap", "recover", "leave", "claim", "turn", "complete", "retry", "release",
         "checkpoint", "spend")  # fmt: skip


@pytest.mark.parametrize(
    "call", [call for call in CALLS if call[0] in VITAL], ids=lambda call: "-".join(map(str, call[:4]))
)
def test_a_server_without_memory_refuses_nothing_that_keeps_the_queue_alive(
    bench: Bench, call: tuple[str | int, ...]
) -> None:
    bench.write(STATE)
    bench.redis.config_set("maxmemory", 1)
    try:
        bench.call(*call)
    finally:
        bench.redis.config_set("maxmemory", 0)


def _happens_as_a_whole_or_not_at_all(bench: Bench, state: State, call: tuple[str | int, ...]) -> None:
    bench.write(state)
    expected = bench.call(*call)
    after = bench.read()
    bench.redis.flushall()
    bench.write(state)
    before = bench.read()
    bench.redis.config_set("maxmemory", 1)

    try:
        reply = bench.call(*call)
    except OutOfMemoryError:
        assert bench.read() == before
    else:
        assert (reply, bench.read()) == (expected, after)
        return
    finally:
        bench.redis.config_set("maxmemory", 0)

    # And it goes on when there is memory again.
    bench.call(*call)
    assert bench.read() == after


#: What a child may find when its job is done: what is completed first has written something already.
NEXT_JOBS: dict[str, State] = {
    "an ordinary job": {"jobs": {"b": waiting()}},
    "a job that was started before": {"jobs": {"b": waiting(fence=1, attempts=1)}},
    "an ordinary job, and notices are wanted": {
        "jobs": {"b": waiting()},
        "meta": {"notices": NOW + 60_000},
    },
}


#: How a child comes by it: what it has in hand, its call, and the reply.
WAYS: list[tuple[State, tuple[str | int, ...], Any]] = [
    (
        {"wait": ["b"], "active": {"host:0": ["a"]}, "jobs": {"a": started()}},
        ("turn", "host:0", "a", 1, "{}", 60_000, 10, *TERMS),
        ["completed", ["job", "b"]],
    ),
    ({"active": {"host:0": ["b"]}}, ("claim", "host", 0, *TERMS), ["job", "b"]),
]


@pytest.mark.parametrize("found", NEXT_JOBS.values(), ids=NEXT_JOBS)
@pytest.mark.parametrize(("hand", "call", "reply"), WAYS, ids=["turn", "claim"])
def test_a_child_goes_on_without_memory(
    bench: Bench, hand: State, call: tuple[str | int, ...], reply: Any, found: State
) -> None:
    """Or none would ever be free again."""
    bench.write(merged(merged(HOST, hand), found))
    bench.redis.config_set("maxmemory", 1)
    try:
        assert bench.call(*call) == reply
    finally:
        bench.redis.config_set("maxmemory", 0)
