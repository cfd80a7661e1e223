"""The scripts that producers in other languages call, as the command prints them."""

from __future__ import annotations

import pytest
from redis import Redis

from preppath_workers.cli.main import main
from preppath_workers.queue import Queue


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["script", *arguments]) == 0
    return capsys.readouterr().out


def test_printed_scripts_add_await_and_cancel_a_job(
    redis: Redis, key_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    enqueue, wait, cancel = (printed(capsys, name) for name in ("enqueue", "wait", "cancel"))
    base, queue = f"{key_prefix}:{{tts}}:", Queue("tts", redis, key_prefix)

    for created in (1, 0):
        assert redis.eval(enqueue, 1, base, "", "q1", '{"n": 1}', 10, '{"expires": 60000}') == [created]
    job = queue.get("q1")
    assert job
    assert (job.data, job.priority, job.state) == ({"n": 1}, 10, "waiting")

    assert redis.eval(wait, 1, base, "", "q1")[0] in (b"waiting", "waiting")
    assert redis.eval(cancel, 1, base, "", "q1", 60_000)[0] in (b"cancelled", "cancelled")
    assert redis.brpoplpush(f"{base}ended:q1", f"{base}ended:q1", 5) in (b"cancelled", "cancelled")
    assert redis.eval(wait, 1, base, "", "q1")[0] in (b"ended", "ended")


def test_script_list_names_each_script(capsys: pytest.CaptureFixture[str]) -> None:
    listed = [line.split()[0] for line in printed(capsys, "--list").splitlines()]
    assert listed == ["enqueue", "wait", "cancel"]


def test_unknown_script_exits_with_1_and_names_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["script", "nosuch"]) == 1
    assert "there are enqueue, wait, cancel" in capsys.readouterr().err
