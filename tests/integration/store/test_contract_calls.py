"""Calls of the contract's scripts with wrong keys and arguments: refused with a reason, without effect."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import ResponseError

from preppath_workers import Queue
from preppath_workers.queue.contract import SCRIPTS

JOB = ("j", "{}", "50", "0")


def call(queue: Queue, name: str, *arguments: str, base: str | None = None) -> Any:
    return queue.redis.eval(SCRIPTS[name].text, 1, queue.keys.base if base is None else base, *arguments)


@pytest.mark.parametrize("base", ["", "tts", "preppath:tts:", "preppath:{tts}"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_key_that_is_no_base_is_refused(queue: Queue, name: str, base: str) -> None:
    before = queue.redis.dbsize()

    with pytest.raises(ResponseError, match="INVALIDCALL the key must be the base of a queue"):
        call(queue, name, "", *JOB, base=base)
    assert queue.redis.dbsize() == before


@pytest.mark.parametrize("name", SCRIPTS)
def test_call_without_a_key_is_refused(queue: Queue, name: str) -> None:
    with pytest.raises(ResponseError, match="INVALIDCALL the key must be the base of a queue"):
        queue.redis.eval(SCRIPTS[name].text, 0, "", *JOB)


@pytest.mark.parametrize("name", SCRIPTS)
def test_call_without_the_empty_argument_is_refused(queue: Queue, name: str) -> None:
    for arguments in ((), JOB):
        with pytest.raises(ResponseError, match="INVALIDCALL the first argument must be empty"):
            call(queue, name, *arguments)
    with pytest.raises(ResponseError, match="INVALIDCALL expected further arguments"):
        call(queue, name, "")
    assert queue.counts().waiting == 0


@pytest.mark.parametrize("priority", ["5", " 5", "5.0", "05", "0x5", "5e0"])
def test_priority_is_stored_as_a_plain_number(queue: Queue, priority: str) -> None:
    assert call(queue, "enqueue", "", "j", "{}", priority, "0") == [1]
    assert queue.redis.hget(queue.keys.job("j"), "priority") in ("5", b"5")
    assert [job.id for job in queue.jobs("waiting")] == ["j"]


@pytest.mark.parametrize("keep", ["soon", "-5", "1.5", "1e3", "999999999999999"])
def test_cancel_with_a_wrong_time_changes_nothing(queue: Queue, keep: str) -> None:
    queue.enqueue({}, id="j")

    with pytest.raises(ResponseError, match="INVALIDCALL keep must be ms"):
        call(queue, "cancel", "", "j", keep)
    assert queue.ref("j").status().state == "waiting"
