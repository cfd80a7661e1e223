"""What a producer's queue may be made with: its name, its client and the prefix of its keys."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from preppath_workers import AsyncQueue, NewJob, Queue
from preppath_workers.queue.new_job import MAX_DATA_BYTES, DataTooLarge

WRONG = ["", "a b", "TTS", "preppath:{tts}", "tts:", "{tts}", "tts\n", "1st", "é", "t" * 65]


@pytest.mark.parametrize("name", WRONG)
def test_queue_with_a_name_that_no_worker_could_work_on_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected a name of lower-case letters"):
        Queue(name, Redis())
    with pytest.raises(ValueError, match="expected a name of lower-case letters"):
        AsyncQueue(name, AsyncRedis())


@pytest.mark.parametrize("name", ["tts", "own-job_2", "t" * 64])
def test_queue_with_a_name_of_a_job_is_accepted(name: str) -> None:
    assert Queue(name, Redis()).name == name
    assert AsyncQueue(name, AsyncRedis()).name == name


@pytest.mark.parametrize("prefix", ["", "a{b}", "a b", "p" * 65, None])
def test_queue_with_a_prefix_that_no_worker_could_have_is_refused(prefix: Any) -> None:
    with pytest.raises(ValueError, match="expected letters, digits"):
        Queue("tts", Redis(), prefix)
    with pytest.raises(ValueError, match="expected letters, digits"):
        AsyncQueue("tts", AsyncRedis(), prefix)


@pytest.mark.parametrize("client", [None, "redis://localhost", AsyncRedis(), Redis().pipeline()])
def test_queue_with_something_else_than_its_kind_of_client_is_refused(client: Any) -> None:
    with pytest.raises(TypeError, match=r"without asyncio, not \w+(\.\w+)+$"):
        Queue("tts", client)


@pytest.mark.parametrize("client", [None, "redis://localhost", Redis(), AsyncRedis().pipeline()])
def test_async_queue_with_something_else_than_its_kind_of_client_is_refused(client: Any) -> None:
    with pytest.raises(TypeError, match=r"client of redis.asyncio, not \w+(\.\w+)+$"):
        AsyncQueue("tts", client)


def test_queue_with_its_arguments_swapped_is_refused_without_the_clients_text() -> None:
    with pytest.raises(ValueError, match=r"not Redis$"):
        Queue(Redis(), "tts")  # type: ignore[arg-type]


def test_ids_and_jobs_of_another_type_are_refused() -> None:
    queue = Queue("tts", Redis(port=1))
    for change in (queue.replay, queue.purge):
        with pytest.raises(ValueError, match="ids must be a list of ids, not the text 'job-1'"):
            change("job-1")
    for jobs, message in (
        (NewJob({}), "must be a list of NewJob, not one of them"),
        ([{"data": {}}], "must be NewJob, not dict"),
    ):
        with pytest.raises(ValueError, match=message):
            queue.enqueue_many(jobs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        ({"data": {"a": b""}}, ValueError, "^job j: data is not JSON: .* bytes"),
        ({"data": {"a": "x" * MAX_DATA_BYTES}}, DataTooLarge, "^job j: data has 1,000,008 bytes"),
        ({"priority": True}, ValueError, "^job j: priority must be"),
    ],
)
def test_error_of_one_job_of_many_names_the_job(wrong: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        Queue("tts", Redis(port=1)).enqueue_many([NewJob(**{"data": {}, "id": "j", **wrong})])
