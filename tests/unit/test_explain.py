"""What a job waits for, or how it ended, in a sentence."""

from __future__ import annotations

import re

import pytest

from preppath_workers.queue.explain import explain
from preppath_workers.store.job import Job
from preppath_workers.store.reading.location import JobLocation
from preppath_workers.store.reading.reader import Gate
from preppath_workers.store.reading.troubles import MachineTrouble

NOW = 1_000_000_000_000
SECOND = 1_000


def sentence(
    fields: dict[str, object], location: dict[str, object] | None = None, gate: Gate | None = None
) -> str:
    job = Job("tts", "j", {name: str(value) for name, value in fields.items()})
    known = {"at": NOW, "workers": 1, **(location or {})}
    explained = explain(job, JobLocation(**known), gate or Gate())  # type: ignore[arg-type] # as its fields want them
    return re.sub(r"\d+-\d\d-\d\d \d\d:\d\d:\d\d \((.*?)\)", r"\1", explained)  # moments differ by time zone


@pytest.mark.parametrize(
    ("location", "gate", "expected"),
    [
        ({}, Gate(), "missing from the waiting list; run `check --fix`"),
        ({"ahead": 0}, Gate(), "next in line, starts as soon as a worker is free"),
        ({"ahead": 1}, Gate(paused=True), "2nd in line, but the queue is paused"),
        ({"ahead": 10, "workers": 0}, Gate(), "11th in line, but no worker of this queue is running"),
        (
            {"ahead": 1_020},
            Gate(held_ms=5 * SECOND, reason="slow down"),
            "1,021st in line, but nothing starts for 5 s: slow down",
        ),
        (
            {"ahead": 2},
            Gate(service="s3", reason="503", probe_ms=60 * SECOND),
            "3rd in line, but the queue is out of service (s3: 503); next probe in 1 min",
        ),
        (
            {"ahead": 0, "token_ms": 9 * SECOND},
            Gate(),
            "next in line, expected to start in about 9 s, when the rate limit allows",
        ),
        (
            {"ahead": 0, "worker_id": "host:1"},
            Gate(),
            "next in line, reserved by worker host:1, starts within a second",
        ),
    ],
)
def test_explain_of_a_waiting_job_names_its_place_and_what_holds_it(
    location: dict[str, object], gate: Gate, expected: str
) -> None:
    assert sentence({"state": "waiting"}, location, gate) == expected


@pytest.mark.parametrize(("more", "others"), [(0, ""), (2, ", and on 2 other instances")])
def test_explain_of_a_waiting_job_names_what_machines_lack(more: int, others: str) -> None:
    """Workers that pause for their machine look as if they were free."""
    troubles = [MachineTrouble("host-1", "disk is full", NOW)] * (1 + more)
    job = Job("tts", "j", {"state": "waiting"})
    assert explain(job, JobLocation(at=NOW, workers=1, ahead=0), Gate(), troubles) == (
        "next in line, starts as soon as a worker is free; "
        f"workers met a shortage lately on host-1: disk is full{others}"
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "scheduled for in 30 s"),
        (
            {"failures": 2, "error": '{"class": "TransientError"}'},
            "failed 2 times, last with TransientError; next attempt in 30 s",
        ),
        (
            {"excused": 1, "error": '{"class": "ServiceError", "service": "s3"}'},
            "waits for s3, 1 failure not counted; next attempt in 30 s",
        ),
        ({"releases": 1}, "released 1 time, uncounted; next attempt in 30 s"),
        ({"expiresAt": NOW + 120 * SECOND}, "scheduled for in 30 s; expires in 2 min"),
        ({"expiresAt": NOW}, "scheduled for in 30 s; it has expired and will not start"),
    ],
)
def test_explain_of_a_delayed_job_names_why_it_waits(fields: dict[str, object], expected: str) -> None:
    assert sentence({"state": "delayed", **fields}, {"due": NOW + 30 * SECOND}) == expected


def test_explain_of_a_job_whose_user_has_no_budget_left_names_the_budget() -> None:
    location = {"due": NOW + 30 * SECOND, "budget": "user u1"}
    assert sentence({"state": "delayed", "releases": 1}, location) == (
        "the budget of user u1 has no room; next attempt in 30 s"
    )


@pytest.mark.parametrize(
    ("fields", "location", "expected"),
    [
        (
            {"workerId": "h:0"},
            {},
            "marked active in worker h:0, which does not hold it; run `check --fix`",
        ),
        (
            {},
            {"worker_id": "h:0", "lease_ms": 0},
            "its worker h:0 is gone; another instance recovers the job",
        ),
        (
            {"attempts": 2, "startedAt": NOW - 60 * SECOND},
            {"worker_id": "h:0", "lease_ms": 9},
            "runs in h:0 since 1 min ago, attempt 2",
        ),
        (
            {"attempts": 1, "cancelRequestedAt": NOW},
            {"worker_id": "h:0", "lease_ms": 9},
            "runs in h:0, attempt 1, is being cancelled",
        ),
    ],
)
def test_explain_of_an_active_job_names_its_worker_if_it_holds_the_job(
    fields: dict[str, object], location: dict[str, object], expected: str
) -> None:
    assert sentence({"state": "active", **fields}, location) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"state": "delayed"}, "missing from the delayed list; run `check --fix`"),
        ({"state": "completed", "attempts": 3}, "completed by attempt 3"),
        ({"state": "failed", "reason": "invalid"}, "in the dead-letter list: invalid"),
        (
            {"state": "failed", "reason": "retries", "attempts": 4},
            "in the dead-letter list after 4 attempts: retries",
        ),
        ({"state": "cancelled"}, "cancelled before it started"),
        ({"state": "cancelled", "cancelRequestedAt": NOW}, "cancelled while it ran"),
        ({"state": "expired"}, "not started before it expired; it will never start"),
        ({"state": "edited"}, "unknown state, its hash was edited; run `check --fix`"),
    ],
)
def test_explain_of_a_job_that_waits_for_nothing_tells_how_it_ended(
    fields: dict[str, object], expected: str
) -> None:
    assert sentence(fields) == expected
