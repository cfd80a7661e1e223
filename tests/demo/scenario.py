"""The jobs of the demo, how each must end, and the ordered faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from preppath_workers.store.job import State, new_id

from .interview import Interview

#: Faults of the OpenAI-compatible server, once each: an error, which costs a job an attempt, and a rate
#: limit, which holds the queue and costs no attempt. Without a request id the messages fit on one line.
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
    """A job, its subject, and the state it must end in."""

    queue: str
    data: Mapping[str, Any]
    about: str
    expected: State = "completed"
    id: str = field(default_factory=new_id)

    @property
    def short_id(self) -> str:
        """The end of the id; ids of the same time begin alike."""
        return self.id[-6:]


def scenario(interview: Interview) -> list[Planned]:
    """Return the jobs. With retries they stay within one minute's rate limits (5 transcriptions, 10 speeches,
    20 evaluations), so that none has to wait."""
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
