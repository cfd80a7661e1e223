"""The commands dead list, show, replay and purge, and bin/preppath-dlq-replay."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.store.dead_letters import Selection, Walk, newest
from tests.support.dead_letters import add_dead_letters
from tests.support.process import ROOT

from .asked import answered
from .conftest import Run


@pytest.fixture
def dead_jobs(tts: Queue) -> Queue:
    """A queue with four dead jobs, the oldest first."""

    def add(job_id: str, reason: str, error: str, age: float, **fields: str | int) -> None:
        died_of = {"class": error, "message": f"no {job_id}"}
        data = json.dumps({"text": job_id})
        add_dead_letters(tts, job_id, reason=reason, error=died_of, age=age, data=data, **fields)

    add("old", "permanent", "PermanentError", 86_400)
    add("wrong", "invalid", "InvalidJob", 7_200)
    add("often", "permanent", "PermanentError", 3_600, replays=3)
    add("new", "retries", "TransientError", 10)
    return tts


@pytest.mark.parametrize(
    ("selection", "matching"),
    [
        (Selection(), ["old", "wrong", "often", "new"]),
        (Selection(ids=["wrong", "unknown"]), ["wrong"]),
        (Selection(reasons=["invalid", "retries"]), ["wrong", "new"]),
        (Selection(but_reasons=["invalid"]), ["old", "often", "new"]),
        (Selection(error_class="PermanentError"), ["old", "often"]),
        (Selection(min_age_ms=3_000_000), ["old", "wrong", "often"]),
        (Selection(max_age_ms=3_000_000), ["new"]),
        (Selection(max_replays=3), ["old", "wrong", "new"]),
        (Selection(reasons=["permanent"], max_replays=3), ["old"]),
    ],
)
def test_walk_with_a_selection_returns_the_matching_jobs(
    dead_jobs: Queue, selection: Selection, matching: list[str]
) -> None:
    assert [job.id for page in Walk(dead_jobs, selection) for job in page.jobs] == matching


@pytest.mark.parametrize("limit", [None, 0, 1, 70, 999])
def test_walk_while_jobs_leave_the_list_skips_none(tts: Queue, redis: Redis, limit: int | None) -> None:
    """Every second job matches; none is skipped, although jobs leave the list meanwhile."""
    for number in range(250):
        reason = "retries" if number % 2 else "invalid"
        add_dead_letters(tts, f"{number}", reason=reason)

    pages = list(Walk(tts, Selection(reasons=["retries"]), tts.replay, limit))

    expected = [f"{number}" for number in range(1, 250, 2)][:limit]
    assert [job.id for page in pages for job in page.jobs] == expected
    assert sum(page.taken for page in pages) == len(expected)
    assert redis.lrange(tts.keys.wait, 0, -1)[::-1] == expected


def test_dead_list_and_show_print_the_selected_jobs(run: Run, dead_jobs: Queue) -> None:
    listed = run("dead", "list", "tts", "--newer-than", "3h")
    assert [line.split()[1] for line in listed.stdout.splitlines()] == ["new", "often", "wrong"]
    assert listed.stdout.splitlines()[2].endswith("invalid, 2 h ago, 0 replays  InvalidJob: no wrong")
    shown = run("dead", "show", "--all", "--id", "new")
    assert json.loads(shown.stdout)["data"] == {"text": "new"}


def test_dead_list_with_a_limit_shows_the_newest(run: Run, dead_jobs: Queue) -> None:
    def listed(*words: str) -> list[str]:
        return [line.split()[1] for line in run("dead", "list", "tts", *words).stdout.splitlines()]

    assert listed("--limit", "1") == ["new"]
    assert listed("--limit", "2", "--reason", "permanent") == ["often", "old"]
    assert listed("--limit", "1", "--oldest") == ["old"]


def test_newest_while_jobs_arrive_returns_each_earlier_job_once(tts: Queue) -> None:
    add_dead_letters(tts, *map(str, range(25)))
    seen = []
    for job in newest(tts, Selection(), page=10):
        seen.append(job.id)
        add_dead_letters(tts, f"late-{job.id}")

    assert seen == [f"{number}" for number in reversed(range(25))]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["show", "tts", "--id", "nosuch"], 1, "dead show: no dead job 'nosuch' of queue tts matches"),
        (["list", "--all", "--id", "nosuch"], 1, "dead list: no dead job 'nosuch' of any queue matches"),
        (["replay", "tts", "--id", "nosuch"], 1, "dead replay: no dead job 'nosuch' of queue tts matches"),
        (
            ["purge", "tts", "--id", "nosuch", "--yes"],
            1,
            "dead purge: no dead job 'nosuch' of queue tts matches",
        ),
        (["list", "tts", "--class", "Nope"], 0, "dead list: no dead job of queue tts matches"),
        (
            ["replay", "tts", "--class", "Nope", "--dry-run"],
            0,
            "dead replay: no dead job of queue tts matches",
        ),
        (["purge", "tts", "--class", "Nope", "--yes"], 0, "dead purge: no dead job of queue tts matches"),
    ],
)
def test_dead_without_a_match_says_so(
    run: Run, dead_jobs: Queue, words: list[str], code: int, message: str
) -> None:
    done = run("dead", *words)
    assert (done.returncode, done.stderr) == (code, message + "\n")
    assert dead_jobs.counts().failed == 4


def test_dead_show_with_one_of_two_ids_shows_it_and_fails(run: Run, dead_jobs: Queue) -> None:
    shown = run("dead", "show", "--all", "--id", "new", "--id", "nosuch")
    assert shown.returncode == 1
    assert json.loads(shown.stdout)["id"] == "new"
    assert "'nosuch'" in shown.stderr


def test_dead_replay_by_default_skips_invalid_and_often_replayed_jobs(run: Run, dead_jobs: Queue) -> None:
    dry = run("dead", "replay", "tts", "--dry-run")
    assert [line.split()[1] for line in dry.stdout.splitlines()] == ["old", "new"]
    skipped = "dead replay: 2 jobs of tts skipped: invalid, malformed, or replayed 3 times or more"
    assert dry.stderr.startswith(skipped)
    assert dead_jobs.counts().failed == 4

    assert run("dead", "replay", "tts").stdout == "2 dead jobs replayed: tts 2\n"
    assert [job.id for job in dead_jobs.dead_letters()] == ["often", "wrong"]
    replayed = dead_jobs.get("old")
    assert replayed is not None
    assert (replayed.state, replayed.attempts, replayed.replays) == ("waiting", 0, 1)
    none = run("dead", "replay", "tts")
    assert (none.stdout, none.stderr.startswith(skipped)) == ("0 dead jobs replayed\n", True)
    assert run("dead", "replay", "tts", "--quiet").stderr == ""

    assert run("dead", "replay", "tts", "--reason", "invalid").stdout == "1 dead job replayed: tts 1\n"
    assert run("dead", "replay", "tts", "--id", "often").stdout == "1 dead job replayed: tts 1\n"


def test_dead_replay_that_ctrl_c_ends_says_how_many_jobs_it_replayed(
    run: Run, dead_jobs: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)  # its pause between two pages
    done = run("dead", "replay", "tts", "--pace", "1")
    assert (done.returncode, done.stdout) == (130, "1 dead job replayed: tts 1\n")
    assert dead_jobs.counts().failed == 3


def test_dead_replay_of_mixed_jobs_keeps_its_pace(
    run: Run, tts: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that has some skipped jobs has fewer than the pace to replay."""
    for number in range(8):
        add_dead_letters(tts, f"{number}", reason="retries" if number % 4 else "invalid")
    paused: list[float] = []
    monkeypatch.setattr(time, "sleep", paused.append)
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    assert run("dead", "replay", "tts", "--pace", "4").stdout == "6 dead jobs replayed: tts 6\n"
    assert paused == [0.75]


def test_dead_replay_reads_a_short_list_once_besides_replaying_it(
    run: Run, dead_jobs: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, calls = Redis.execute_command, list[Any]()

    def note(client: Redis, *words: Any, **options: Any) -> Any:
        calls.append(words[:2])
        return execute(client, *words, **options)

    monkeypatch.setattr(Redis, "execute_command", note)
    read = ("LRANGE", dead_jobs.keys.dead)
    assert run("dead", "replay", "tts", "--class", "TransientError").returncode == 0
    assert calls.count(read) == 2
    calls.clear()
    assert run("dead", "replay", "tts", "--quiet").returncode == 0
    assert calls.count(read) == 1


def test_replay_script_run_three_times_at_once_replays_each_job_once(
    run: Run, tts: Queue, redis: Redis
) -> None:
    nothing = run(program="preppath-dlq-replay")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "")
    ids = [f"{number:02}" for number in range(60)]
    add_dead_letters(tts, *ids)

    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda _: run("--pace", "1000", program="preppath-dlq-replay"), range(3)))

    assert [done.returncode for done in runs] == [0, 0, 0]
    counted = [int(done.stdout.split()[0]) for done in runs if done.stdout]
    assert sum(counted) == 60
    assert redis.llen(tts.keys.wait) == 60
    assert [job.replays for job in tts.get_many(ids)] == [1] * 60


def test_replay_script_without_redis_exits_with_69(run: Run) -> None:
    trouble = run(program="preppath-dlq-replay", REDIS_URL="redis://127.0.0.1:9")
    assert (trouble.returncode, trouble.stdout) == (69, "")
    assert "Redis does not answer" in trouble.stderr


def test_dead_purge_without_yes_is_refused(run: Run, dead_jobs: Queue) -> None:
    refused = run("dead", "purge", "tts", "--older-than", "1d")
    assert (refused.returncode, dead_jobs.counts().failed) == (1, 4)
    assert "--yes" in refused.stderr
    purged = run("dead", "purge", "tts", "--older-than", "1d", "--yes")
    assert (purged.returncode, purged.stdout) == (0, "tts: 1 dead job deleted\n")
    assert dead_jobs.get("old") is None


@pytest.mark.parametrize(("answer", "left"), [(b"n\n", 4), (b"y\n", 0), (b"\xff\n", 4), (b"\x04", 4)])
def test_dead_purge_on_a_terminal_asks_first(
    redis_url: str, key_prefix: str, dead_jobs: Queue, answer: bytes, left: int
) -> None:
    environment = {"REDIS_URL": redis_url, "KEY_PREFIX": key_prefix}
    done = answered(answer, environment, "dead", "purge", "tts")
    question = "Delete 4 dead jobs of tts permanently? [y/N]\n"
    refusal = "dead purge: not confirmed, nothing was deleted (--yes skips the confirmation)\n"
    assert done.stderr == question + refusal * (left > 0)
    assert done.stdout == "tts: 4 dead jobs deleted\n" * (left == 0)
    assert dead_jobs.counts().failed == left


def test_dead_purge_that_ctrl_c_ends_says_how_many_jobs_it_deleted(
    run: Run, tts: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dead_letters(tts, *(f"j{number}" for number in range(150)))
    purge = Queue.purge

    def purge_one_page(queue: Queue, ids: Sequence[str]) -> int:
        if queue.counts().failed < 150:
            raise KeyboardInterrupt
        return purge(queue, ids)

    monkeypatch.setattr(Queue, "purge", purge_one_page)
    done = run("dead", "purge", "tts", "--yes")
    assert (done.returncode, done.stdout) == (130, "tts: 100 dead jobs deleted\n")


@pytest.mark.parametrize("age", ["", "7", "d", "7w", "-1d", "１d"])
def test_dead_list_with_a_malformed_age_is_refused(run: Run, age: str) -> None:
    wrong = run("dead", "list", "tts", f"--older-than={age}")
    assert wrong.returncode == 2
    assert "90s, 30m, 2h or 7d" in wrong.stderr


def test_replay_script_by_symlink_from_another_folder_works(
    redis_url: str, key_prefix: str, tmp_path: Path
) -> None:
    link = tmp_path / "replay"
    link.symlink_to(ROOT / "bin/preppath-dlq-replay")
    environment = {**os.environ, "REDIS_URL": redis_url, "KEY_PREFIX": key_prefix}
    assert subprocess.run([str(link)], cwd="/", env=environment, check=False, timeout=30).returncode == 0
