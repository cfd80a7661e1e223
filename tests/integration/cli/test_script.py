"""The scripts that producers in other languages call, as the command prints them."""

from __future__ import annotations

import pytest
from redis import Redis

from preppath_workers.cli.main import main
from preppath_workers.queue import Queue
from preppath_workers.queue.contract import CONTRACT


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["script", *arguments]) == 0
    return capsys.readouterr().out


def test_script_prints_a_script_that_the_server_runs(
    redis: Redis, key_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, "enqueue")
    assert text.startswith(f"-- preppath-workers script enqueue, contract {CONTRACT}\n")
    assert redis.eval(text, 1, f"{key_prefix}:{{tts}}:", "", "q1", '{"n": 1}', 10, 0) == [1]
    job = Queue("tts", redis, key_prefix).get("q1")
    assert job
    assert (job.data, job.priority, job.state) == ({"n": 1}, 10, "waiting")


def test_script_list_names_each_script_and_its_contract(capsys: pytest.CaptureFixture[str]) -> None:
    listed = [line.split(":")[0].split() for line in printed(capsys, "--list").splitlines()]
    names = ("enqueue", "status", "wait", "cancel", "close_group")
    assert listed == [[name, "contract", str(CONTRACT)] for name in names]
