"""The live part of a page: sent again whenever it changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from redis import Redis

from preppath_workers import Queue
from tests.support.redis import RedisServer

from .conftest import Serve, Site

pytestmark = pytest.mark.long


def events(response: requests.Response) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each event."""
    name, text = "", ""
    for line in response.iter_lines(decode_unicode=True):
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            text += value
        elif not line and name:
            yield name, text
            name, text = "", ""


def test_live_part_is_sent_when_it_has_changed(site: Site, tts: Queue) -> None:
    with site.request("GET", "/?live", stream=True) as response:
        seen = events(response)
        name, text = next(seen)
        assert (name, "paused" in text, "<html" in text) == ("update", False, False)
        tts.pause()
        name, text = next(seen)
        assert (name, "paused" in text) == ("update", True)


def test_live_part_of_a_job_that_is_no_longer_stored_ends_with_gone(site: Site, tts: Queue) -> None:
    tts.enqueue({}, id="j")
    with site.request("GET", "/queues/tts/jobs/j?live", stream=True) as response:
        seen = events(response)
        assert next(seen)[0] == "update"
        tts.redis.delete(tts.keys.job("j"))
        assert [name for name, _ in seen] == ["gone"]


def test_live_part_during_an_outage_of_redis_says_so_and_goes_on(serve: Serve, key_prefix: str) -> None:
    with RedisServer() as server:
        site = serve(REDIS_URL=server.url)
        with site.request("GET", "/queues/tts?live", stream=True) as response:
            seen = events(response)
            assert next(seen)[0] == "update"
            server.stop()
            assert next(seen)[0] == "trouble"
            server.start()
            with Redis.from_url(server.url) as client:
                Queue("tts", client, key_prefix).enqueue({}, id="new")
            name, text = next(seen)
            while "new" not in text:
                name, text = next(seen)
    assert name == "update"
