"""What columns can hold and the programs that fill them never meant: a clear end of the job that reads it."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from preppath_workers.clients.services import Services
from preppath_workers.errors import PermanentError, TransientError
from preppath_workers.jobs import transcription
from preppath_workers.jobs.evaluation import handle
from preppath_workers.jobs.evaluation.worst_case import worst_cases
from preppath_workers.testing import FakeContext
from tests.fake_openai.control import OpenAIServer

from .conftest import Tables


def nested(depth: int) -> str:
    return '{"rubric": ' * depth + "1" + "}" * depth


@pytest.mark.parametrize("criteria", [nested(10_000), "9" * 5_000], ids=["nested deeply", "a long number"])
def test_evaluation_with_criteria_that_cannot_be_read_fails_for_good(
    question: Callable[..., FakeContext], services: Services, vendor: OpenAIServer, criteria: str
) -> None:
    context = question(evaluationCriteria=criteria)

    with pytest.raises(PermanentError, match="cannot read JSON of PostgreSQL: "):
        handle(context, services)

    assert vendor.calls() == []
    assert [*worst_cases([context.data], services)] == [[]]


def test_evaluation_with_criteria_about_as_deep_as_python_can_read_ends_one_way_or_the_other(
    question: Callable[..., FakeContext], services: Services
) -> None:
    """Python can read deeper values than it can write."""
    context = question()
    for depth in range(sys.getrecursionlimit() - 150, sys.getrecursionlimit()):
        with services.database.transaction() as cursor:
            cursor.execute('UPDATE interview_questions SET "evaluationCriteria" = %s', [nested(depth)])
        try:
            [*worst_cases([context.data], services)]
        except RecursionError:
            pytest.fail(f"with {depth} levels")


@pytest.mark.parametrize(
    ("change", "undo"),
    [
        (
            "ALTER TABLE answer_feedback ADD CONSTRAINT short CHECK (length(feedback) < 3)",
            "ALTER TABLE answer_feedback DROP CONSTRAINT short",
        ),
        (
            "ALTER TABLE answer_feedback ALTER feedback TYPE varchar(2)",
            "ALTER TABLE answer_feedback ALTER feedback TYPE text",
        ),
        (
            'ALTER TABLE answer_feedback ALTER "totalScore" TYPE numeric(2, 2)',
            'ALTER TABLE answer_feedback ALTER "totalScore" TYPE double precision',
        ),
    ],
    ids=["a check", "a length", "a range"],
)
def test_evaluation_whose_scores_a_changed_column_refuses_waits_for_its_repair_and_is_paid_once(
    question: Callable[..., FakeContext],
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    change: str,
    undo: str,
) -> None:
    """Each job was dead at once, although a migration had refused them all."""
    context = question()
    tables.run(change)
    try:
        with pytest.raises(TransientError, match="PostgreSQL 2"):
            handle(context, services)
    finally:
        tables.run(undo)

    assert handle(context.again(), services)["score"]

    assert len(vendor.calls()) == 1


@pytest.mark.parametrize("duration", ["Infinity", "NaN"])
def test_transcription_with_a_duration_that_json_does_not_know_completes(
    services: Services, tables: Tables, duration: str
) -> None:
    """Browsers report Infinity for what they have just recorded. The job failed after it had been paid."""
    columns = {"id": "r1", "userId": "u1", "filename": "r1.wav"}
    tables.insert("interview_recordings", **columns, transcribed=True, transcription="Hello.")
    tables.run("UPDATE interview_recordings SET duration = %s::double precision", duration)

    result = transcription.handle(FakeContext({"recordingId": "r1", "userId": "u1"}), services)

    assert result == {"recordingId": "r1", "characters": 6, "duration": None, "cached": True}
