"""The words of an evaluation: what was covered, what is missing, and that no language model has judged."""

from __future__ import annotations

from .evaluation import Evaluation
from .scores import Scores

#: Cover of a point from which it is said to be covered, and up to which it is said to be missing.
_COVERED, _MISSING = 0.6, 0.25
#: The most points named, and the characters of each.
_MOST, _LENGTH = 5, 120

_NOTE = (
    "This is the offline stand-in for a language model: it compares the meaning of sentences with the "
    "expected answer and cannot tell whether they are true."
)


def evaluation(scores: Scores) -> Evaluation:
    """Return the evaluation with these scores."""
    covered = [point for point, cover in scores.points if cover >= _COVERED]
    missing = [point for point, cover in scores.points if cover <= _MISSING]
    partly = [point for point, cover in scores.points if _MISSING < cover < _COVERED]
    return Evaluation(
        scores.correctness,
        scores.completeness,
        scores.clarity,
        f"{_summary(scores, len(covered), len(missing))} {_NOTE}",
        [] if scores.is_guess else [f"Covers: {_short(point)}" for point in covered[:_MOST]],
        [
            *(f"Missing: {_short(point)}" for point in missing[:_MOST]),
            *(f"Say more about: {_short(point)}" for point in partly[: _MOST - len(missing[:_MOST])]),
        ],
    )


def _summary(scores: Scores, covered: int, missing: int) -> str:
    if scores.is_guess:
        about = "about" if scores.completeness > 0.2 else "not about"
        return f"Your answer is {about} the question; without an expected answer no score is above 5."
    count = len(scores.points)
    if not covered:
        return f"Your answer covers none of the {_points(count)} that are expected."
    if covered == count:
        return f"Your answer covers all of the {_points(count)} that are expected."
    left_out = f" and leaves out {missing}" if missing else ""
    return f"Your answer covers {covered} of the {_points(count)} that are expected{left_out}."


def _points(count: int) -> str:
    return f"{count} point{'' if count == 1 else 's'}"


def _short(point: str) -> str:
    return point if len(point) <= _LENGTH else f"{point[: _LENGTH - 2].rstrip()} …"
