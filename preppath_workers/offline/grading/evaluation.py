"""What a grader says of an answer, by names that a request's schema may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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


def reply_schema() -> Mapping[str, Any]:
    """Return the schema of an evaluation, for requests of a JSON object that state none."""
    # Not above: it brings OpenAI's SDK, whose import takes a second, and most requests state a schema.
    from ...jobs.evaluation.prompt import SCHEMA

    return SCHEMA
