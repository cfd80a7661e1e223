"""Groups as producers see them: wrong options are refused, and a queue counts and closes them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from preppath_workers.queue import NewJob, Queue

from .redis_state import RedisState


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"group": "a b"}, "group must be 1 to 128 letters"),
        ({"group": 5}, "group must be"),
        ({"groupSize": 2}, "groupSize must be a whole number from 1 to 1000000, beside group"),
        ({"group": "g", "groupSize": 1.5}, "groupSize must be"),
        ({"group": "g", "groupSize": 0}, "groupSize must be"),
    ],
    ids=str,
)
def test_group_options_that_are_wrong_are_named(
    redis_state: RedisState, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(Exception, match=f"job a: {message}"):
        redis_state.call("enqueue_checked", "a", "{}", 50, json.dumps(options))


@pytest.mark.parametrize("arguments", [{"group": "a b"}, {"group_size": 2}, {"group": "g", "group_size": 0}])
def test_new_job_with_a_wrong_group_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="group"):
        NewJob({}, **arguments).encode()


def test_queue_tells_how_far_a_group_is_and_closes_it(queue: Queue) -> None:
    refs = queue.enqueue_many(NewJob({}, group="g") for _ in range(3))
    refs[0].cancel()
    found = queue.group("g")
    assert found
    assert (found.jobs, found.unfinished, found.is_closed, found.has_ended) == (3, 2, False, False)

    for ref in refs[1:]:
        ref.cancel()
    closed = queue.close_group("g")

    assert closed
    assert closed.has_ended
    assert closed.outcomes == {"completed": 0, "failed": 0, "cancelled": 3, "expired": 0}
    assert refs[0].status().group == "g"
    assert queue.group("other") is queue.close_group("other") is None
