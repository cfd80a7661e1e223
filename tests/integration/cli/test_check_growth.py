"""The findings of check on lists that grow without a bound."""

from __future__ import annotations

from redis import Redis

from preppath_workers import Queue
from preppath_workers.cli.check.growth import check_growth


def test_check_growth_of_an_empty_queue_has_no_finding(tts: Queue) -> None:
    assert list(check_growth(tts)) == []


def test_check_growth_of_many_dead_letters_events_and_old_instances_warns(tts: Queue, redis: Redis) -> None:
    redis.rpush(tts.keys.dead, *range(1_001))
    redis.rpush(tts.keys.events, *range(1_001))
    redis.zadd(tts.keys.instances, {"gone-1-abcdef": tts.now() - 7_200_000, "here-1-abcdef": tts.now()})
    findings = list(check_growth(tts))
    assert [finding.status for finding in findings] == ["warning"] * 3
    assert findings[0].detail.startswith("1,001 jobs in the dead-letter list")
    assert findings[1].detail.startswith("1,001 events")
    assert findings[2].detail.startswith("1 instance not recovered, gone for up to 2 h")
