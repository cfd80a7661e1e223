"""Read the question and the answer from the prompt of this project's evaluation (`jobs/evaluation`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: The end of the message: the true end of the answer, as the answer cannot guess its random tag.
_END = re.compile(r"</(answer-[0-9a-f]+)>\s*\Z")
_SECTION = re.compile(r"^(Question|Category|Difficulty|Expected answer|Criteria):\n", re.MULTILINE)


@dataclass(frozen=True)
class Exam:
    """What is graded. Texts that the prompt does not have are empty."""

    question: str
    expected: str
    criteria: str
    answer: str


def read_exam(by_user: str) -> Exam | None:
    """Return what the user's message asks to grade, or None if it isn't the prompt of an evaluation."""
    end = _END.search(by_user)
    if end is None:
        return None
    before, start, rest = by_user[: end.start()].partition(f"<{end[1]}>\n")
    if not start:
        return None
    sections = _sections(before)
    return Exam(
        question=sections.get("Question", ""),
        expected=sections.get("Expected answer", ""),
        criteria=sections.get("Criteria", ""),
        answer=rest.strip(),
    )


def _sections(text: str) -> Mapping[str, str]:
    found = _SECTION.split(text)
    return {name: body.strip() for name, body in zip(found[1::2], found[2::2], strict=True)}
