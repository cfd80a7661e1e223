"""A result may have a million bytes of JSON."""

from __future__ import annotations

import json
from contextlib import nullcontext
from unittest.mock import Mock

import pytest

from preppath_workers.store.consuming.outcome import Completed, Failed, Outcome
from preppath_workers.store.job import Job
from preppath_workers.worker.attempt.execution import WorkerContext, run


def outcome_of(text: str) -> Outcome:
    job = Job("tts", "j", {"data": "{}", "state": "active", "fencingToken": "1"})
    worker_context = WorkerContext(
        lambda context, services: {"text": text}, Mock(), Mock(), hold=1.0, secrets=()
    )
    return run(job, worker_context, nullcontext())


@pytest.mark.parametrize("text", ["x" * (1_000_000 - 11), "é" * 100_000])
def test_result_of_a_million_bytes_is_stored(text: str) -> None:
    assert outcome_of(text) == Completed(json.dumps({"text": text}, separators=(",", ":")))


@pytest.mark.parametrize("text", ["x" * (1_000_000 - 10), "é" * 200_000])
def test_result_over_a_million_bytes_is_a_permanent_error_with_both_sizes(text: str) -> None:
    outcome = outcome_of(text)
    assert isinstance(outcome, Failed)
    assert outcome.kind == "permanent"
    error = json.loads(outcome.error)
    assert error["class"] == "PermanentError"
    assert "1,000,000" in error["message"]
    assert f"{len(json.dumps({'text': text}, separators=(',', ':'))):,}" in error["message"]
