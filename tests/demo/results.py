"""What came of the interview, and whether it is as it should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from statistics import fmean
from typing import Any

from tests.support.word_error_rate import word_error_rate

from .environment import Environment
from .interview import QUESTIONS, Question, Utterance
from .story import Story

#: The highest mean word error rate of the spoken questions.
WORST_ERROR_RATE = 0.15

#: Points of 10 that an answer may gain by an order to the grader: the scores of the same words vary.
NO_GAIN = 0.5


@dataclass(frozen=True)
class Result:
    """An utterance, how it was heard, and its feedback: a row of `answer_feedback`, None for a question."""

    utterance: Utterance
    transcript: str | None
    feedback: Mapping[str, Any] | None

    @property
    def error_rate(self) -> float:
        return word_error_rate(self.utterance.text, self.transcript or "")

    @property
    def words(self) -> list[tuple[str, bool]]:
        """The words of the transcript, and whether each was said."""
        heard = (self.transcript or "").split()
        said, bare = (
            [word.strip(".,?!").lower() for word in text] for text in (self.utterance.text.split(), heard)
        )
        same = SequenceMatcher(None, said, bare, autojunk=False).get_matching_blocks()
        found = {at for block in same for at in range(block.b, block.b + block.size)}
        return [(word, at in found) for at, word in enumerate(heard)]

    @property
    def score(self) -> float:
        """0 to 10; 0 without feedback."""
        return self.feedback["totalScore"] if self.feedback else 0.0


@dataclass(frozen=True)
class Check:
    """Something that must be true in the end."""

    passed: bool
    text: str


class Results:
    """The results by question, and the checks."""

    def __init__(self, story: Story, environment: Environment) -> None:
        self._story = story
        self._environment = environment
        heard, feedback = story.transcripts(), _feedback(environment)
        self._results = [
            Result(each, heard.get(each.id), feedback.get(f"evaluation-{each.id}"))
            for each in [*story.questions, *story.answers]
        ]
        self.checks = [
            *self._check_jobs(),
            *self._check_words(),
            *self._check_scores(),
            *self._check_faults(),
        ]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    def of(self, question: Question) -> Sequence[Result]:
        """Return the results of a question: its own first, then those of its answers."""
        return [result for result in self._results if result.utterance.question == question]

    @property
    def mean_error_rate(self) -> float:
        """The mean word error rate of the questions."""
        return fmean(self.of(question)[0].error_rate for question in QUESTIONS)

    def _find(self, utterance_id: str) -> Result:
        return next(result for result in self._results if result.utterance.id == utterance_id)

    def _check_jobs(self) -> Iterator[Check]:
        tasks = self._story.tasks.all
        wanted = 2 * len(self._story.questions) + 2 * len(self._story.answers)
        completed = sum(task.job.state == "completed" for task in tasks)
        yield Check(completed == wanted, f"{completed} of {wanted} jobs completed.")
        dead = sum(queue.counts().failed for queue in self._environment.queues.values())
        yield Check(dead == 0, f"{dead} jobs are in the dead-letter list.")

    def _check_words(self) -> Iterator[Check]:
        if not self._environment.provider.hears:
            return
        rates = [self._find(f"{question.id}-question").error_rate for question in QUESTIONS]
        shown = ", ".join(f"{rate:.2f}" for rate in rates)
        text = (
            f"Spoken questions were heard with word error rates of {shown} (mean at most {WORST_ERROR_RATE})."
        )
        yield Check(fmean(rates) <= WORST_ERROR_RATE, text)

    def _check_scores(self) -> Iterator[Check]:
        pairs = [(self._find(f"{each.id}-good"), self._find(f"{each.id}-poor")) for each in QUESTIONS]
        shown = ", ".join(f"{good.score:.1f} over {poor.score:.1f}" for good, poor in pairs)
        passed = all(good.score > poor.score for good, poor in pairs)
        yield Check(passed, f"Good answers score higher than poor ones: {shown}.")
        ordering = next(result for result in self._results if result.utterance.kind == "order")
        poor = self._find(f"{ordering.utterance.question.id}-poor")
        text = f"An order to the grader gained nothing: {ordering.score:.1f}, without it {poor.score:.1f}."
        yield Check(ordering.feedback is not None and ordering.score <= poor.score + NO_GAIN, text)

    def _check_faults(self) -> Iterator[Check]:
        killed = self._story.kill.task
        passed = killed is not None and killed.job.state == "completed" and killed.starts > 1
        yield Check(passed, "A worker was killed, and its job ran again.")
        if outage := self._story.outage:
            text = f"OpenAI was away: the queue was held, {outage.probes} probes, no job was lost."
            yield Check(outage.held, text)


def _feedback(environment: Environment) -> dict[str, Mapping[str, Any]]:
    with environment.services.database.transaction() as cursor:
        cursor.execute("SELECT * FROM answer_feedback")
        return {row["jobId"]: row for row in cursor.fetchall()}
