"""The jobs of the demo, what is to come of each, and what goes wrong on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from preppath_workers.store.job import State, new_id

from .interview import Interview

#: What the OpenAI-compatible server is ordered to do wrong, once each: an error that heals, which costs a job
#: an attempt, and a limit of the rate, which holds the queue and costs nobody anything. Without the id that
#: OpenAI gives every request, the messages fit on one line.
FAULTS: Sequence[Mapping[str, Any]] = (
    {
        "path": "/v1/audio/transcriptions",
        "status": 500,
        "message": "ordered by the demo",
        "headers": {"x-request-id": ""},
    },
    {
        "path": "/v1/chat/completions",
        "status": 429,
        "message": "ordered by the demo",
        "headers": {"x-request-id": "", "retry-after": "3"},
    },
)


@dataclass(frozen=True)
class Planned:
    """A job to add, what it is about, and the state it must end in."""

    queue: str
    data: Mapping[str, Any]
    about: str
    expected: State = "completed"
    id: str = field(default_factory=new_id)

    @property
    def short_id(self) -> str:
        """The id's end: its beginning is the time, and the same for all of them."""
        return self.id[-6:]


def scenario(interview: Interview) -> list[Planned]:
    """The jobs. They stay within the rate limits of a minute (5 transcriptions, 10 texts to speech, 20
    evaluations) with those that start twice, so that nothing has to wait for the next one."""
    numbered = {question.id: number for number, question in enumerate(interview.questions, start=1)}
    transcriptions = [
        Planned(
            "transcription",
            {"recordingId": question.recording_id, "userId": interview.user_id},
            f"A{numbered[question.id]} {question.topic}",
        )
        for question in interview.spoken
    ]
    speeches = [
        Planned(
            "tts",
            {"questionId": question.id, "text": question.question},
            f"Q{numbered[question.id]} {question.topic}",
        )
        for question in interview.questions
    ]
    evaluations = [
        Planned(
            "evaluation",
            {**_keys(interview, question.id), "answer": question.answer},
            f"A{numbered[question.id]} {question.topic}",
        )
        for question in interview.questions
    ]
    nonsense = Planned("evaluation", _keys(interview, interview.questions[0].id), "none, a mistake", "failed")
    return [*transcriptions, *speeches, *evaluations, nonsense]


def _keys(interview: Interview, question_id: str) -> dict[str, str]:
    return {"questionId": question_id, "interviewId": interview.id, "userId": interview.user_id}
