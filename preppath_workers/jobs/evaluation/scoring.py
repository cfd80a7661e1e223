"""Turns the model's judgement of an answer into scores. The total is ours, never the model's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from ...errors import TransientError
from ..validation import storable

#: What each score weighs when the question does not say.
DEFAULT_WEIGHTS = {"correctness": 40.0, "completeness": 30.0, "clarity": 30.0}
#: The best score; the worst is 0.
MAX_SCORE = 10.0
#: The largest number that counts as one: three of them can still be added up.
_LARGEST = 1e100


@dataclass(frozen=True)
class Assessment:
    """What is told of an answer: scores from 0 to 10, two decimals in the total."""

    correctness: float
    completeness: float
    clarity: float
    total: float
    feedback: str
    strengths: list[str]
    improvements: list[str]


def parse_scores(reply: Mapping[str, Any]) -> dict[str, Any]:
    """What counts of the model's reply: the three scores, the feedback, and the two lists of points. Whatever
    else a model was talked into, such as weights or a total, is left out.

    Raises TransientError for a reply that does not follow the schema: not every server that speaks OpenAI's
    API enforces it.
    """
    return {
        **{name: _score(reply, name) for name in DEFAULT_WEIGHTS},
        "feedback": _text(reply.get("feedback"), "feedback"),
        "strengths": _texts(reply, "strengths"),
        "improvements": _texts(reply, "improvements"),
    }


def assess(judged: Mapping[str, Any], criteria: Any) -> Assessment:
    """Weighs the scores of a `judgement` by the question's criteria."""
    total = sum(judged[name] * share for name, share in weights(criteria).items())
    return Assessment(**judged, total=round(total, 2))


def weights(criteria: Any) -> dict[str, float]:
    """The share of each score in the total; together they are 1.

    `evaluationCriteria` gives them in any unit, by name, on its top level or under `weights`: a name that it
    leaves out weighs nothing. When it names none, or something that is no weight, the defaults hold.
    """
    given = criteria.get("weights", criteria) if isinstance(criteria, dict) else None
    chosen = _weights(given) or DEFAULT_WEIGHTS
    whole = sum(chosen.values())
    return {name: weight / whole for name, weight in chosen.items()}


def further_criteria(criteria: Any) -> Any:
    """What the criteria say besides the weights: that is for the model, and the weights are not, or it would
    weigh the scores before we do."""
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
        raise TransientError(f"the model's {name} is no number from 0 to {MAX_SCORE:g}")
    return float(score)


def _texts(reply: Mapping[str, Any], name: str) -> list[str]:
    items = reply.get(name)
    if not isinstance(items, list):
        raise TransientError(f"the model's {name} is no list")
    return [_text(item, name) for item in items]


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TransientError(f"the model's {name} is no text")
    return storable(value)


def _is_number(value: Any) -> TypeGuard[float]:
    # Compared as it came: no float can hold every integer that JSON can spell. NaN is within no bounds.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
