"""One data model: keys.py, the keys that scripts name, and the keys that transitions create. And the scripts
are documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from preppath_workers import store as package
from preppath_workers.queue.new_job import LARGEST_GROUP, MAX_DATA_BYTES
from preppath_workers.store.arguments import LONGEST_SECONDS
from preppath_workers.store.job import DEFAULT_PRIORITY
from preppath_workers.store.job_id import ID
from preppath_workers.store.keys import FIRST_LAYOUT, LAYOUT, Keys
from preppath_workers.store.scripts import scripts

from .failing import failing
from .redis_state import FIGURES, NOW, RedisState
from .state_table import CLOSED_CALL, LISTED_CALL, OPEN_CALL

LUA = Path(package.__path__[0]) / "lua"
KEYS = Keys("preppath", "tts")
ALL = "\n".join(path.read_text(encoding="utf-8") for path in LUA.rglob("*.lua"))

NAMED = {
    *("wait", "later", "priority_index", "fair", "turns", "delayed", "dead", "completed", "events"),
    *("tokens", "reservations", "instances", "gate", "meta", "limit", "vendor", "stats", "spent"),
    *("capped", "model_tokens", "cost_rows", *FIGURES),
}


def source(name: str) -> str:
    return (LUA / f"{name}.lua").read_text(encoding="utf-8")


def header(name: str) -> str:
    return source(name).partition("\n\n")[0]


def body(name: str) -> str:
    return source(name).partition("\n\n")[2]


def test_keys_of_a_queue_start_with_its_hash_tag() -> None:
    assert KEYS.base == "preppath:{tts}:"
    keys = [*(getattr(KEYS, name) for name in NAMED), KEYS.active("h:0"), KEYS.instance("h"), KEYS.job("a")]
    assert all(key.startswith("preppath:{tts}:") for key in keys)
    assert len({*keys}) == len(keys)


def test_scripts_use_the_names_of_keys() -> None:
    assert {word: getattr(KEYS, word) for word in re.findall(r"base \.\. '(\w+)'", ALL)} == {
        name: f"preppath:{{tts}}:{name}" for name in NAMED
    }
    patterns = re.findall(r"return base \.\. '(\w+:)' \.\. (\w+)", ALL)
    assert {prefix: getattr(KEYS, prefix[:-1])("x") for prefix, _ in patterns} == {
        prefix: f"preppath:{{tts}}:{prefix}x"
        for prefix in ("budget:", "job:", "active:", "cancels:", "ended:", "group:", "instance:")
    }


def test_layout_of_the_scripts_is_the_one_that_python_knows() -> None:
    assert f"FIRST_LAYOUT, LAYOUT = base .. 'meta', '{FIRST_LAYOUT}', '{LAYOUT}'\n" in source("lib/layout")


def test_limits_of_the_scripts_are_those_that_python_knows() -> None:
    checking = source("lib/checking")
    assert f"local MAX_DATA_BYTES = {MAX_DATA_BYTES}\n" in checking
    assert f"local LARGEST_GROUP = {LARGEST_GROUP}\n" in checking
    letters = ID.removesuffix("{0,127}")
    assert f"local VALID_ID = '^{letters}*$'\n" in checking
    assert "#id <= 128 and" in checking
    assert f"local LONGEST_DELAY = {LONGEST_SECONDS * 1000}\n" in source("lib/start_times")
    assert f"local DEFAULT_PRIORITY = {DEFAULT_PRIORITY}\n" in source("lib/jobs")


def test_transitions_create_only_keys_of_the_model(redis_state: RedisState) -> None:
    """Every transition is called; reading the state raises for a key that Keys does not define."""
    calls = [
        ("enqueue", "a", "{}", 10, 0, "b", "{}", 1, 5, "c", "{}", 9, 0),
        ("heartbeat", "host", 15_000, 1, 1, 0, 0, 0, "fairBy", "userId"),
        ("renew", "host", 15_000, 0, 0),
        ("enqueue_checked", "d", "{}", 99, '{"group": "g"}'),
        ("claim", "host", 0, 15_000, 1, 1_000, 60_000, 1_000),
        ("claim", "host", 1, 15_000, 1, 1_000, 60_000, 1_000),
        ("progress", "c", "host:0", 1, 50),
        ("open_call", "c", "host:0", 1, "c1", OPEN_CALL, ""),
        ("checkpoint", "c", "host:0", 1, "step", "{}", CLOSED_CALL),
        ("close_calls", "gone", CLOSED_CALL),
        ("resolve_call", "c1", 5, "1970-01-01"),
        ("close_calls", "gone", LISTED_CALL, "gone", LISTED_CALL.replace("c1", "c2")),
        ("remove_cost_rows", LISTED_CALL),
        ("capped_jobs", 0, 10),
        ("acquire_model_tokens", 5, 10, 1_000),
        ("settle_model_tokens", 5, 10, 3),
        ("promote_capped", "c"),
        ("call_status", "c", 1, "c1"),
        ("reserve", "c1", 5, "tts", "c", 1, "all", 9, "", "", ""),
        ("open_reservations", 0, 10),
        ("settle_reservations", "c1", "unknown"),
        ("lift_hold", "5"),
        ("check_lease", "c", "host:0", 1),
        ("end_cancelled", "c", "host:0", 1),
        ("cancel", "c", 60_000, 1),
        ("find_cancelled", "host"),
        ("acquire_token", "c", "host:0", 1, 1, 1_000),
        ("release", "c", "host:0", 1, 10, "why"),
        ("resume",),
        ("job_heads", 9, "c"),
        ("try_write",),
        ("promote_due", 10),
        ("claim", "host", 0, 15_000, 0, 0, 60_000, 1_000),
        ("claim", "host", 1, 15_000, 0, 0, 60_000, 1_000),
        ("retry", "b", "host:0", 1, *failing("{}", "invalid", 3, 1_000, 0)),
        ("replay", "b"),
        ("prioritize", "b", 3),
        ("promote_job", "b"),
        ("held_slots",),
        ("locate", "b", 1, 1_000),
        ("repair", "b", 1),
        ("wait", "b"),
        ("status", "b"),
        ("close_group", "g"),
        ("add_dead_letters", "dl", "{}", 50, "retries", "{}", 1, 900_000, 900_001),
        ("cancel", "b", 60_000),
        ("purge", "b"),
        ("complete", "a", "host:1", 1, "{}", 60_000, 10),
        ("settle_and_fetch", "host:1", 60_000, 10, 15_000, 0, 0, 60_000, "a", 1, "{}"),
        ("recover", "host:0", "1", 3),
        ("note_vendor_limits", 10, 900, 0, 0, "requests", 600, 20, 58_000),
        ("counts",),
        ("note_minute", 60),
        ("try_write",),
        ("enqueue", *(word for number in range(502) for word in (f"m{number}", "{}", 100, 0))),
        ("reap", 3, 10, "", 9_000, 60_000, 15_000, 10**15),
        ("leave", "host"),
    ]
    assert {name for name, *_ in calls} == set(scripts())
    seen: set[str] = set()
    for step, (name, *arguments) in enumerate(calls):
        if name == "claim":
            redis_state.take("{}:{}".format(*arguments))
        redis_state.push("{}")
        redis_state.call(str(name), *arguments, now=NOW + 10 * step)
        seen |= redis_state.read().keys()
        assert all(key.startswith(redis_state.keys.base) for key in redis_state.all_keys())
    families = {"active", "cancels", "ended", "groups", "instance", "jobs", "spending", "budget"}
    # `capped` needs a running job that waits for budget: see tests/integration/worker/test_budget.py.
    assert seen == NAMED - {*FIGURES, "capped"} | families


@pytest.mark.parametrize("name", scripts())
def test_script_header_names_every_argument(name: str) -> None:
    assert re.search(r"^-- KEYS\[1\] +base$", header(name), re.MULTILINE)
    assert re.search(r"^-- ARGV\[1\] +now$", header(name), re.MULTILINE)
    documented = re.findall(r"^-- ARGV\[(\d+)(…?)\] +\S", header(name), re.MULTILINE)
    numbers = [int(number) for number, _ in documented]
    assert numbers == list(range(1, len(numbers) + 1))
    taken = {int(number) for number in re.findall(r"ARGV\[(\d+)\]", body(name))}
    assert taken <= {*numbers}
    if documented[-1][1] != "…":
        assert taken == {*numbers} - {1}


@pytest.mark.parametrize("name", scripts())
def test_script_header_names_every_returned_status(name: str) -> None:
    assert "-- Returns " in header(name)
    statuses = re.findall(r"return \{'(\w+)'", body(name))
    assert [status for status in statuses if f'"{status}"' not in header(name)] == []


@pytest.mark.parametrize("name", scripts())
def test_script_uses_keys_only_by_their_names(name: str) -> None:
    assert "base" not in re.sub(r"^ *-- needs: .*$", "", body(name), flags=re.MULTILINE)
    assert re.findall(r"redis\.call\('\w+', *'", body(name)) == []
