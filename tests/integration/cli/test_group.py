"""The command group, and what show tells about a job's group."""

from __future__ import annotations

import json

from preppath_workers import Queue

from .conftest import Run


def test_group_shows_how_far_it_is_and_closes_it(run: Run, tts: Queue) -> None:
    added = run("enqueue", "tts", "-", "--group", "g", stdin="{}\n{}\n")
    assert added.returncode == 0, added.stderr
    first, second = added.stdout.split()
    tts.cancel(first)

    shown = run("show", "tts", second)
    assert "groupState  1 of 2 jobs have ended: 1 cancelled; more may come until it is closed" in shown.stdout
    tts.cancel(second)
    closed = run("group", "tts", "g", "--close")

    assert closed.returncode == 0, closed.stderr
    assert "state       2 of 2 jobs have ended: 2 cancelled" in closed.stdout
    shown = json.loads(run("group", "tts", "g", "--json").stdout)
    assert (shown["ended"], shown["jobs"], shown["cancelled"]) == (True, 2, 2)


def test_group_of_a_known_size_ends_without_being_closed(run: Run, tts: Queue) -> None:
    tts.enqueue({}, id="j", group="g", group_size=2)
    assert run("group", "tts", "g").stdout.endswith("state       0 of 2 jobs have ended\n")


def test_group_that_is_unknown_exits_with_1(run: Run) -> None:
    unknown = run("group", "tts", "g")
    assert (unknown.returncode, unknown.stderr) == (1, "group: queue tts has no group 'g'\n")
