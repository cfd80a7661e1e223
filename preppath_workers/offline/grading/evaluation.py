"""What a grader says of an answer, by names that a request's schema may ask for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Evaluation:
    """An evaluation with scores from 0 to 1."""

    correctness: float
    completeness: float
    clarity: float
    feedback: str
    strengths: list[str]
    improvements: list[str]

    def suggest(self, name: str) -> str | float | list[str] | None:
        """Return the value for a property of this name, such as `correctness` or `correctnessScore`."""
        lower = name.lower()
        return next((value for each, value in vars(self).items() if lower.startswith(each)), None)
