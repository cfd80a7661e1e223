"""Checkpoints: an answer that was paid for is stored before anything else happens."""

from __future__ import annotations

import pytest
from redis import Redis

from preppath_workers import Queue
from tests.support.waiting import eventually

from .conftest import Start
from .harness import state_of

pytestmark = pytest.mark.processes


def test_step_after_the_death_of_its_worker_is_not_paid_again(launch: Start, alpha: Queue) -> None:
    app = launch().start()
    alpha.enqueue({"do": "pay_then_die"}, id="j")
    eventually(lambda: state_of(alpha, "j") == "completed")
    assert app.runs("j") == 2
    assert len(app.records("paid")) == 1


def test_check_lease_of_a_lost_job_stops_the_handler_before_it_writes(
    launch: Start, alpha: Queue, redis: Redis
) -> None:
    app = launch(ALPHA_CONCURRENCY="1").start()
    alpha.enqueue({"do": "check_lease_later"}, id="j")
    app.pid_of("j")
    # As after a recovery: another worker has started it since.
    redis.hset(alpha.keys.job("j"), mapping={"workerId": "other:0", "fencingToken": 2})
    eventually(lambda: app.logged("Job lost to another worker"))
    assert not app.records("written")


def test_acquire_token_of_a_running_job_waits_for_the_rate_limit(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_RATE_LIMIT="2/1").start()
    alpha.enqueue({"do": "acquire_tokens", "requests": 5}, id="j")
    eventually(lambda: state_of(alpha, "j") == "completed")
    job = alpha.get("j")
    assert job is not None
    assert job.started_at is not None
    waits = [float(words[2]) - job.started_at / 1000 for words in app.records("request")]
    # The start acquired the token of the first request, and each second has two.
    assert [int(wait + 0.05) >= number // 2 for number, wait in enumerate(waits)] == [True] * 5


def test_checkpoint_that_no_replica_confirms_is_logged_and_the_job_goes_on(
    launch: Start, alpha: Queue
) -> None:
    app = launch(CHECKPOINT_WAIT_REPLICAS="1", WAIT_SECONDS="0.05").start()
    alpha.enqueue({"do": "pay_then_die"}, id="j")
    eventually(lambda: state_of(alpha, "j") == "completed")
    (warning,) = app.logged("Checkpoint is not replicated")
    assert (warning["jobId"], warning["wanted"], warning["confirmed"]) == ("j", 1, 0)
