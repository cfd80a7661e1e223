from __future__ import annotations

from typing import Any

import pytest

from preppath_workers.errors import TransientError
from preppath_workers.jobs.evaluation.scoring import assess, further_criteria, parse_scores, weights

REPLY = {
    "correctness": 10,
    "completeness": 5,
    "clarity": 0,
    "feedback": "Fine.",
    "strengths": ["Short"],
    "improvements": [],
}
DEFAULT = {"correctness": 0.4, "completeness": 0.3, "clarity": 0.3}
HALF = {"correctness": 0.5, "completeness": 0.25, "clarity": 0.25}


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (None, DEFAULT),
        ({}, DEFAULT),
        ("be kind", DEFAULT),
        (["correctness"], DEFAULT),
        ({"rubric": "Names three."}, DEFAULT),
        ({"correctness": "Names three."}, DEFAULT),
        ({"correctness": True}, DEFAULT),
        ({"correctness": -1, "clarity": 2}, DEFAULT),
        ({"correctness": 0}, DEFAULT),
        ({"correctness": float("inf")}, DEFAULT),
        ({"weights": None}, DEFAULT),
        ({"correctness": 50, "completeness": 25, "clarity": 25}, HALF),
        ({"correctness": 50, "completeness": 25, "clarity": 25, "depth": "Names costs."}, HALF),
        ({"weights": {"correctness": 2, "completeness": 1, "clarity": 1}}, HALF),
        ({"correctness": 0.8, "clarity": 0.2}, {"correctness": 0.8, "completeness": 0, "clarity": 0.2}),
    ],
    ids=str,
)
def test_weights_come_from_numeric_criteria_or_the_defaults(
    criteria: Any, expected: dict[str, float]
) -> None:
    assert weights(criteria) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scores", "criteria", "total"),
    [
        ((10, 10, 10), None, 10.0),
        ((0, 0, 0), None, 0.0),
        ((10, 5, 0), None, 5.5),
        ((7.7, 6.3, 9.1), None, 7.7),
        ((1, 2, 3), {"correctness": 1, "completeness": 1, "clarity": 1}, 2.0),
        ((1, 1, 2), {"correctness": 1, "completeness": 1, "clarity": 1}, 1.33),
    ],
)
def test_assess_total_is_the_weighted_mean(scores: tuple[float, ...], criteria: Any, total: float) -> None:
    names = ("correctness", "completeness", "clarity")

    assert assess({**REPLY, **dict(zip(names, scores, strict=True))}, criteria).total == total


@pytest.mark.parametrize(
    "change",
    [
        {"correctness": 11},
        {"clarity": -1},
        {"clarity": "7"},
        {"clarity": None},
        {"clarity": True},
        {"clarity": float("nan")},
        {"feedback": None},
        {"strengths": "Short"},
        {"improvements": [7]},
    ],
    ids=str,
)
def test_parse_scores_of_an_invalid_reply_is_a_transient_error(change: dict[str, Any]) -> None:
    with pytest.raises(TransientError, match=next(iter(change))):
        parse_scores({**REPLY, **change})


def test_parse_scores_removes_what_postgresql_cannot_store() -> None:
    judged = parse_scores({**REPLY, "feedback": "Go\0od \ud800", "strengths": ["a\0"]})

    assert (judged["feedback"], judged["strengths"]) == ("Good ?", ["a"])


def test_parse_scores_ignores_extra_fields() -> None:
    assert parse_scores({**REPLY, "total": 10, "weights": {"correctness": 1}}) == REPLY


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (None, None),
        ("be kind", "be kind"),
        (["Names three."], ["Names three."]),
        ({"correctness": 50, "completeness": 30, "clarity": 20}, {}),
        ({"correctness": 50, "depth": "Names costs.", "tools": 2}, {"depth": "Names costs.", "tools": 2}),
        ({"weights": {"clarity": 1}, "rubric": "Names three."}, {"rubric": "Names three."}),
        ({"correctness": "Names three."}, {"correctness": "Names three."}),
    ],
    ids=str,
)
def test_further_criteria_leave_out_the_weights(criteria: Any, expected: Any) -> None:
    assert further_criteria(criteria) == expected
