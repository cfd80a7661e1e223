"""What becomes of BullMQ's jobs, by their hashes."""

from __future__ import annotations

import json

import pytest

from preppath_workers.cli.import_bullmq.old_queue import OldJob
from preppath_workers.cli.import_bullmq.report import Report
from preppath_workers.cli.import_bullmq.translation import NotTaken, Translator, new_id
from preppath_workers.store.job_id import is_valid_id

TRANSLATOR = Translator(without_priority=50)
DUE = 1_795_435_200_123


def old(place: str = "wait", score: float = 0.0, is_parent: bool = False, **fields: str) -> OldJob:
    return OldJob("7", f"bull:tts:{place}", score, {"data": '{"n":1}', **fields}, is_parent)


@pytest.mark.parametrize(("theirs", "ours"), [("0", 50), ("1", 1), ("100", 100), ("2097152", 100), ("x", 50)])
def test_priority_stays_within_ours_and_none_is_the_one_given(theirs: str, ours: int) -> None:
    assert TRANSLATOR.new_job(old(priority=theirs), now=0).priority == ours


def test_delayed_job_keeps_its_time_and_one_that_is_due_waits() -> None:
    delayed = old("delayed", score=DUE * 4096 + 5)
    assert TRANSLATOR.new_job(delayed, now=DUE - 1_500).delay == 1.5
    assert TRANSLATOR.new_job(delayed, now=DUE + 1).delay == 0


@pytest.mark.parametrize(
    ("message", "trace", "reason", "error_class"),
    [
        ("boom", "TypeError: boom\n    at f", "retries", "TypeError"),
        ("no", "UnrecoverableError: no", "permanent", "UnrecoverableError"),
        ("job stalled more than allowable limit", "", "worker-died", "Error"),
    ],
)
def test_failed_job_keeps_its_error(message: str, trace: str, reason: str, error_class: str) -> None:
    traces = json.dumps(["Error: earlier", trace])
    dead = TRANSLATOR.dead_letter(
        old("failed", score=DUE, failedReason=message, stacktrace=traces, attemptsMade="3")
    )
    assert (dead.reason, json.loads(dead.error)) == (reason, {"class": error_class, "message": message})
    assert (dead.attempts, dead.failed_at) == (3, DUE)


@pytest.mark.parametrize(
    ("job", "kind"),
    [
        (OldJob("7", "bull:tts:wait", 0.0, {}), "no job of that id"),
        (old(opts='{"repeat":{"pattern":"* * * * *"}}'), "repeatable"),
        (old(rjk="nightly"), "repeatable"),
        (old(parentKey="bull:tts:8"), "flow"),
        (old(is_parent=True), "flow"),
        (old(data="[1]"), "data is not a JSON object"),
        (old(data="{"), "data is not a JSON object"),
        (old("delayed", score=DUE * 4096 * 9), "data or delay is not allowed here"),
        (old(data=json.dumps({"n": "x" * 1_000_001})), "data is larger than 1 MB"),
    ],
)
def test_job_that_cannot_be_taken_tells_its_kind(job: OldJob, kind: str) -> None:
    with pytest.raises(NotTaken, match=kind):
        TRANSLATOR.new_job(job, now=0)


def test_id_that_is_not_allowed_gets_one_that_follows_from_it() -> None:
    assert new_id("q1-v1") == "q1-v1"
    odd = [new_id(name) for name in ("a b", "a_b c", "é" * 200, ":x")]
    assert all(map(is_valid_id, odd))
    assert len({*odd}) == 4
    assert new_id("a b") == odd[0]


def test_report_of_many_jobs_stays_small() -> None:
    report = Report()
    for number in range(10_000):
        report.take("waiting", f"name {number}")
        report.leave("flow", str(number))
    lines = list(report.lines(dry_run=False))
    assert "flow (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, and 9,990 more)" in lines[-1]
    assert len(report.names) == 21
    assert sum(map(len, lines)) < 1_500
