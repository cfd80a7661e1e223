"""Scores of an answer, from 0 to 1, by the similarity of its statements to the points that are expected.

A point is covered as far as one statement of the answer means the same. Only similarity above that of the
question itself counts, so neither repeating the question nor an appeal to the grader that quotes it scores.

- completeness: the mean cover of the points
- correctness: the part of the answer, by words, that agrees with some point, averaged with completeness
- clarity: short sentences and few filler words; 0 for an answer that is off the point

Similarity isn't truth: "an index makes inserts faster" is similar to "… slower".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .prompt import Exam
from .texts import points, points_of_criteria, sentences, statements

#: Rows of the similarities of each of the first texts to each of the second, from -1 to 1.
Similarity = Callable[[Sequence[str], Sequence[str]], list[list[float]]]

#: Similarities at which a point begins to count as covered, and at which it is covered. With the demo's
#: questions, statements on other subjects stay below 0.45 and good ones are above 0.65.
_NOTHING, _COVERED = 0.45, 0.70
#: How far a statement must be above the similarity of the question itself.
_ABOVE_QUESTION, _LEAST_RISE = 0.08, 0.15
#: The best score without an expected answer: similarity to the question says only that it is on the subject.
_ON_SUBJECT = 0.5
#: Words of an easy sentence.
_EASY = 24
#: Words and phrases that say nothing.
_FILLERS = re.compile(
    r"\b(?:u[hm]+|er+m?|you know|kind of|sort of|i guess|i think|i am not sure|i'm not sure|maybe|basically|"
    r"actually|whatever)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Scores:
    """Scores from 0 to 1, and the cover of each point. `is_guess`: there was nothing to compare with but the
    question."""

    correctness: float
    completeness: float
    clarity: float
    points: Sequence[tuple[str, float]]
    is_guess: bool = False


def score(exam: Exam, similarity: Similarity) -> Scores:
    """Return the scores of an answer."""
    wanted = points(exam.expected) or points_of_criteria(exam.criteria)
    is_guess = not wanted
    wanted = wanted or points(exam.question) or [exam.question or "?"]
    said = statements(exam.answer)
    if not said:
        return Scores(0.0, 0.0, 0.0, [(point, 0.0) for point in wanted], is_guess)
    asked = [] if is_guess else [exam.question, *statements(exam.question)]
    table = _covers(wanted, said, asked, similarity)
    covers = [max(row) for row in table]
    completeness = sum(covers) / len(covers)
    relevant = _relevance(said, table)
    correctness = (relevant + completeness) / 2
    most = _ON_SUBJECT if is_guess else 1.0
    return Scores(
        correctness * most,
        completeness * most,
        _clarity(exam.answer, relevant) * min(1.0, 2 * correctness) * most,
        list(zip(wanted, covers, strict=True)),
        is_guess,
    )


def _covers(
    wanted: Sequence[str], said: Sequence[str], asked: Sequence[str], similarity: Similarity
) -> list[list[float]]:
    """Return how far each statement covers each point: a row for each point."""
    rows = similarity(wanted, [*said, *asked])
    covers = []
    for row in rows:
        of_question = max(row[len(said) :], default=-1.0)
        low = max(_NOTHING, of_question + _ABOVE_QUESTION)
        high = max(_COVERED, low + _LEAST_RISE)
        covers.append([min(1.0, max(0.0, (each - low) / (high - low))) for each in row[: len(said)]])
    return covers


def _relevance(said: Sequence[str], covers: Sequence[Sequence[float]]) -> float:
    """Return the part of the answer that agrees with a point, weighted by words. A statement that covers half
    of a point agrees."""
    sizes = [len(statement.split()) for statement in said]
    agreeing = [min(1.0, 2 * max(row[at] for row in covers)) for at in range(len(said))]
    return sum(size * part for size, part in zip(sizes, agreeing, strict=True)) / sum(sizes)


def _clarity(answer: str, relevant: float) -> float:
    words = len(answer.split())
    ease = min(1.0, _EASY * len(sentences(answer)) / words)
    # Compared with the words that say something: others must not make up for fillers.
    fillers = min(1.0, 4 * len(_FILLERS.findall(answer)) / max(1.0, words * relevant))
    return (0.6 + 0.4 * ease) * (1 - fillers)
