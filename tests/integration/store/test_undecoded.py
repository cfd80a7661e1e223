"""Clients that decode replies, and entries that aren't UTF-8."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from redis import Redis

from preppath_workers.errors import UnknownJob
from preppath_workers.queue import Queue
from preppath_workers.store.dead_letters import Selection, Walk, newest


@pytest.fixture(
    params=[{}, {"decode_responses": True}, {"decode_responses": True, "protocol": 3}],
    ids=["bytes", "text", "text and RESP3"],
)
def queue(redis_url: str, request: pytest.FixtureRequest, key_prefix: str) -> Iterator[Queue]:
    with Redis.from_url(redis_url, **request.param) as client:
        yield Queue("tts", client, key_prefix)


def test_entry_that_is_not_utf8_is_readable_by_any_client(queue: Queue) -> None:
    queue.redis.lpush(queue.keys.wait, b'{"text": "\xff"}', b"\xfe")
    queue.enqueue({"text": "é"}, id="next")
    queue.redis.lpush(queue.keys.wait, b"\xfd")
    expected = {"\udcfe", '{"text": "\udcff"}'}

    assert {job.raw_data for job in queue.dead_letters()} == expected
    assert {job.raw_data for page in Walk(queue, Selection()) for job in page.jobs} == expected
    assert {job.raw_data for job in newest(queue, Selection())} == expected
    assert {job.raw_data for job in queue.snapshot().failures} == expected
    assert [job.data for job in queue.jobs("waiting")] == [{"text": "é"}]
    assert (job := queue.get("next")) is not None
    assert job.data == {"text": "é"}


@pytest.mark.parametrize("code", [0xDCFF, 0xD800])
def test_id_that_is_not_utf8_is_not_found_by_any_client(queue: Queue, code: int) -> None:
    # As the shell passes on `preppath-workers cancel tts $'\xff'`.
    unsendable = chr(code)
    assert queue.get(unsendable) is queue.group(unsendable) is queue.close_group(unsendable) is None
    assert queue.replay([unsendable]) == queue.purge([unsendable]) == 0
    assert queue.locate(unsendable).ahead is None
    ref = queue.ref(unsendable)
    steps: list[Callable[[], object]] = [ref.status, ref.wait, ref.cancel]
    for step in (*steps, partial(queue.promote, unsendable), partial(queue.prioritize, unsendable, 1)):
        with pytest.raises(UnknownJob):
            step()
