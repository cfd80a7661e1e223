"""Parse the model's scores and compute the total, which is never the model's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from ...clients.postgres.text import storable
from ...errors import TransientError

#: Weights of the scores for questions without their own.
DEFAULT_WEIGHTS = {"correctness": 40.0, "completeness": 30.0, "clarity": 30.0}
#: The best score; the worst is 0.
MAX_SCORE = 10.0
#: Largest number accepted, so that a sum of three is finite.
_LARGEST = 1e100


@dataclass(frozen=True)
class Assessment:
    """The evaluation of an answer. Scores are from 0 to 10, the total has two decimals."""

    correctness: float
    completeness: float
    clarity: float
    total: float
    feedback: str
    strengths: list[str]
    improvements: list[str]


def parse_scores(reply: Mapping[str, Any]) -> dict[str, Any]:
    """Return the three scores, the feedback and the two lists of points from the model's reply.

    Other fields, such as a total that an answer talked the model into, are dropped. Raises TransientError if
    the reply does not follow the schema, which not every server with OpenAI's API enforces.
    """
    return {
        **{name: _score(reply, name) for name in DEFAULT_WEIGHTS},
        "feedback": _text(reply.get("feedback"), "feedback"),
        "strengths": _texts(reply, "strengths"),
        "improvements": _texts(reply, "improvements"),
    }


def assess(scores: Mapping[str, Any], criteria: Any) -> Assessment:
    """Return the assessment from parsed scores, weighted by the question's criteria."""
    total = sum(scores[name] * share for name, share in weights(criteria).items())
    return Assessment(**scores, total=round(total, 2))


def weights(criteria: Any) -> dict[str, float]:
    """Return the share of each score in the total; the sum is 1.

    `evaluationCriteria` has weights in any unit, by name, at its top level or under `weights`; a missing name
    has weight 0. Without valid weights, the defaults apply.
    """
    given = criteria.get("weights", criteria) if isinstance(criteria, dict) else None
    chosen = _weights(given) or DEFAULT_WEIGHTS
    whole = sum(chosen.values())
    return {name: weight / whole for name, weight in chosen.items()}


def further_criteria(criteria: Any) -> Any:
    """Return the criteria without weights. Given the weights, the model would apply them to its scores, and
    they would count twice."""
    if not isinstance(criteria, dict):
        return criteria
    return {name: value for name, value in criteria.items() if not _is_weight(name, value)}


def _is_weight(name: str, value: Any) -> bool:
    return (name == "weights" and isinstance(value, dict)) or (name in DEFAULT_WEIGHTS and _is_number(value))


def _weights(given: Any) -> dict[str, float] | None:
    if not isinstance(given, dict):
        return None
    chosen = {name: given.get(name, 0) for name in DEFAULT_WEIGHTS}
    valid = all(_is_number(weight) and weight >= 0 for weight in chosen.values())
    return chosen if valid and sum(chosen.values()) > 0 else None


def _score(reply: Mapping[str, Any], name: str) -> float:
    score = reply.get(name)
    if not _is_number(score) or not 0 <= score <= MAX_SCORE:
        raise TransientError(f"the model's {name} is not a number from 0 to {MAX_SCORE:g}")
    return float(score)


def _texts(reply: Mapping[str, Any], name: str) -> list[str]:
    items = reply.get(name)
    if not isinstance(items, list):
        raise TransientError(f"the model's {name} is not a list")
    return [_text(item, name) for item in items]


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TransientError(f"the model's {name} is not text")
    return storable(value)


def _is_number(value: Any) -> TypeGuard[float]:
    # Compared before conversion: a JSON integer may be too large for a float. NaN compares as False.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
