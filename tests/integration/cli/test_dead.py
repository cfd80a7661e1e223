"""dead list, show, replay, purge, and bin/preppath-dlq-replay."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.store.consumer import Consumer
from preppath_workers.store.dead_letters import Selection, newest, walk
from preppath_workers.store.outcome import Failed, Finished

from .conftest import ROOT, Run
from .slots import take


def bury(
    queue: Queue, consumer: Consumer, job_id: str, reason: str = "permanent", error: str = "PermanentError"
) -> None:
    queue.enqueue({"text": job_id}, id=job_id)
    failure = Failed(json.dumps({"class": error, "message": f"no {job_id}"}), "permanent")
    consumer.settle(Finished(take(consumer), failure, duration_ms=1))
    queue.redis.hset(queue.keys.job(job_id), "reason", reason)


def died(redis: Redis, queue: Queue, job_id: str, seconds_ago: int) -> None:
    redis.hset(queue.keys.job(job_id), "finishedAt", queue.now() - seconds_ago * 1000)


@pytest.fixture
def graves(tts: Queue, consumer: Consumer, redis: Redis) -> Queue:
    """Four dead jobs, the oldest first."""
    bury(tts, consumer, "old")
    bury(tts, consumer, "wrong", "invalid", "InvalidJob")
    bury(tts, consumer, "often")
    bury(tts, consumer, "new", "retries", "TransientError")
    for job_id, seconds in (("old", 86_400), ("wrong", 7_200), ("often", 3_600), ("new", 10)):
        died(redis, tts, job_id, seconds)
    redis.hset(tts.keys.job("often"), "replays", 3)
    return tts


@pytest.mark.parametrize(
    ("selection", "meant"),
    [
        (Selection(), ["old", "wrong", "often", "new"]),
        (Selection(ids=["wrong", "nobody"]), ["wrong"]),
        (Selection(reasons=["invalid", "retries"]), ["wrong", "new"]),
        (Selection(but_reasons=["invalid"]), ["old", "often", "new"]),
        (Selection(error_class="PermanentError"), ["old", "often"]),
        (Selection(min_age_ms=3_000_000), ["old", "wrong", "often"]),
        (Selection(max_age_ms=3_000_000), ["new"]),
        (Selection(max_replays=3), ["old", "wrong", "new"]),
        (Selection(reasons=["permanent"], max_replays=3), ["old"]),
    ],
)
def test_each_filter_means_some(graves: Queue, selection: Selection, meant: list[str]) -> None:
    assert [job.id for page in walk(graves, selection) for job in page.jobs] == meant


@pytest.mark.parametrize("limit", [None, 0, 1, 70, 999])
def test_a_long_list_is_walked_in_pages_while_jobs_leave_it(
    tts: Queue, redis: Redis, limit: int | None
) -> None:
    """Every second one is meant; nobody is forgotten, whatever is taken out on the way."""
    for number in range(250):
        reason = "retries" if number % 2 else "invalid"
        redis.hset(tts.keys.job(f"{number}"), mapping={"state": "failed", "data": "{}", "reason": reason})
        redis.lpush(tts.keys.dead, f"{number}")

    pages = list(walk(tts, Selection(reasons=["retries"]), tts.replay, limit))

    expected = [f"{number}" for number in range(1, 250, 2)][:limit]
    assert [job.id for page in pages for job in page.jobs] == expected
    assert sum(page.taken for page in pages) == len(expected)
    assert redis.lrange(tts.keys.wait, 0, -1)[::-1] == expected


def test_list_and_show(run: Run, graves: Queue) -> None:
    listed = run("dead", "list", "tts", "--newer-than", "3h")
    assert [line.split()[1] for line in listed.stdout.splitlines()] == ["new", "often", "wrong"]
    assert listed.stdout.splitlines()[2].endswith("invalid, 2 h ago, 0 replays  InvalidJob: no wrong")
    shown = run("dead", "show", "--all", "--id", "new")
    assert json.loads(shown.stdout)["data"] == {"text": "new"}


def test_dead_list_with_a_limit_shows_the_newest(run: Run, graves: Queue) -> None:
    def listed(*words: str) -> list[str]:
        return [line.split()[1] for line in run("dead", "list", "tts", *words).stdout.splitlines()]

    assert listed("--limit", "1") == ["new"]
    assert listed("--limit", "2", "--reason", "permanent") == ["often", "old"]
    assert listed("--limit", "1", "--oldest") == ["old"]


def test_newest_walks_a_long_list_while_jobs_die(tts: Queue, redis: Redis) -> None:
    def bury_one(job_id: str) -> None:
        redis.hset(tts.keys.job(job_id), mapping={"state": "failed", "data": "{}", "reason": "retries"})
        redis.lpush(tts.keys.dead, job_id)

    for number in range(25):
        bury_one(f"{number}")
    seen = []
    for job in newest(tts, Selection(), page=10):
        seen.append(job.id)
        bury_one(f"late-{job.id}")

    assert seen == [f"{number}" for number in reversed(range(25))]


@pytest.mark.parametrize(
    ("words", "code", "told"),
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
    run: Run, graves: Queue, words: list[str], code: int, told: str
) -> None:
    done = run("dead", *words)
    assert (done.returncode, done.stderr) == (code, told + "\n")
    assert graves.counts().failed == 4


def test_dead_show_with_one_of_two_ids_shows_it_and_fails(run: Run, graves: Queue) -> None:
    shown = run("dead", "show", "--all", "--id", "new", "--id", "nosuch")
    assert shown.returncode == 1
    assert json.loads(shown.stdout)["id"] == "new"
    assert "'nosuch'" in shown.stderr


def test_replay_leaves_out_what_it_can_not_help(run: Run, graves: Queue) -> None:
    dry = run("dead", "replay", "tts", "--dry-run")
    assert [line.split()[1] for line in dry.stdout.splitlines()] == ["old", "new"]
    assert graves.counts().failed == 4

    assert run("dead", "replay", "tts").stdout == "2 dead jobs replayed: tts 2\n"
    assert [job.id for job in graves.dead_letters()] == ["often", "wrong"]
    replayed = graves.get("old")
    assert replayed is not None
    assert (replayed.state, replayed.attempts, replayed.replays) == ("waiting", 0, 1)
    assert run("dead", "replay", "tts").stdout == "0 dead jobs replayed\n"

    assert run("dead", "replay", "tts", "--reason", "invalid").stdout == "1 dead job replayed: tts 1\n"
    assert run("dead", "replay", "tts", "--id", "often").stdout == "1 dead job replayed: tts 1\n"


def test_replay_for_cron_is_quiet_and_two_at_once_share_the_jobs(
    run: Run, tts: Queue, consumer: Consumer, redis: Redis
) -> None:
    nothing = run(program="preppath-dlq-replay")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "")
    for number in range(60):
        bury(tts, consumer, f"{number:02}")

    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda _: run("--pace", "1000", program="preppath-dlq-replay"), range(3)))

    assert [done.returncode for done in runs] == [0, 0, 0]
    counted = [int(done.stdout.split()[0]) for done in runs if done.stdout]
    assert sum(counted) == 60
    assert redis.llen(tts.keys.wait) == 60
    assert [job.replays for job in tts.get_many(f"{number:02}" for number in range(60))] == [1] * 60


def test_trouble_has_its_exit_code(run: Run) -> None:
    trouble = run(program="preppath-dlq-replay", REDIS_URL="redis://127.0.0.1:9")
    assert (trouble.returncode, trouble.stdout) == (69, "")
    assert "Redis does not answer" in trouble.stderr


def test_purge_wants_a_yes(run: Run, graves: Queue) -> None:
    refused = run("dead", "purge", "tts", "--older-than", "1d")
    assert (refused.returncode, graves.counts().failed) == (1, 4)
    assert "--yes" in refused.stderr
    purged = run("dead", "purge", "tts", "--older-than", "1d", "--yes")
    assert (purged.returncode, purged.stdout) == (0, "tts: 1 dead job deleted\n")
    assert graves.get("old") is None


@pytest.mark.parametrize(("answer", "left"), [("n", 4), ("y", 0)])
def test_purge_asks_on_a_terminal(
    redis_url: str, key_prefix: str, graves: Queue, answer: str, left: int
) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(ROOT / "bin/preppath-workers"), "dead", "purge", "tts"],
        env={**os.environ, "REDIS_URL": redis_url, "KEY_PREFIX": key_prefix},
        stdin=theirs,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.write(ours, f"{answer}\n".encode())
    told, _ = process.communicate(timeout=30)
    assert "Delete 4 dead jobs of tts for good? [y/N]" in told
    assert graves.counts().failed == left


@pytest.mark.parametrize("age", ["", "7", "d", "7w", "-1d", "１d"])
def test_an_age_is_a_number_with_its_unit(run: Run, age: str) -> None:
    wrong = run("dead", "list", "tts", f"--older-than={age}")
    assert wrong.returncode == 2
    assert "90s, 30m, 2h or 7d" in wrong.stderr


def test_the_script_for_cron_works_from_anywhere(redis_url: str, key_prefix: str, tmp_path: Path) -> None:
    link = tmp_path / "replay"
    link.symlink_to(ROOT / "bin/preppath-dlq-replay")
    environment = {**os.environ, "REDIS_URL": redis_url, "KEY_PREFIX": key_prefix}
    assert subprocess.run([str(link)], cwd="/", env=environment, check=False, timeout=30).returncode == 0
