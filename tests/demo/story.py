"""The demo in three acts: the questions are spoken, all recordings are heard, the answers are scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import requests

from tests.support import id3
from tests.support.word_error_rate import word_error_rate

from .environment import Environment
from .faults import Kill, Outage
from .interview import INTERVIEW, USER, Utterance, answers, questions
from .screen import Screen
from .tasks import Task, Tasks


@dataclass(frozen=True)
class Event:
    """Something that happened, in seconds since the start of the demo."""

    seconds: float
    text: str
    style: str


class Story:
    """One run of the demo, and what came of it."""

    def __init__(self, environment: Environment, screen: Screen) -> None:
        self._environment = environment
        self._screen = screen
        self.questions, self.answers = questions(), answers()
        self.tasks = Tasks(environment, screen, [*self.questions, *self.answers])
        self.events: list[Event] = []
        #: MP3 files by the utterance's id.
        self.audio: dict[str, bytes] = {}
        self.kill = Kill(environment.workers.pid, self.tasks, self.tell)
        #: None if OpenAI itself is used.
        self.outage: Outage | None = None

    def tell(self, text: str, style: str = "") -> float:
        """Print an event and keep it for the report; return its time."""
        event = Event(self._screen.seconds, text, style)
        self.events.append(event)
        self._screen.event(text, style)
        return event.seconds

    def speak_questions(self) -> None:
        """Have the questions spoken, and fetch the audio from its signed URL."""
        self.tell(f"{len(self.questions)} questions are spoken (queue tts)")
        for each in self.questions:
            self.tasks.add("tts", each, {"questionId": each.question.id, "text": each.text})
        # Meanwhile the candidate speaks the answers.
        with ThreadPoolExecutor(1) as candidate:
            files = [candidate.submit(self._environment.provider.speak, each.text) for each in self.answers]
            self._watch()
        for each, file in zip(self.answers, files, strict=True):
            self.audio[each.id] = file.result()
        for task in self.tasks.of("tts"):
            if task.job.state == "completed":
                answer = requests.get(task.job.result["url"], timeout=10)
                answer.raise_for_status()
                self.audio[task.utterance.id] = answer.content

    def hear_everything(self) -> None:
        """Have the spoken questions and the candidates' answers transcribed, and kill a worker meanwhile."""
        spoken = [*(each for each in self.questions if each.id in self.audio), *self.answers]
        self.tell(
            f"{len(spoken)} recordings are heard: those questions, and the answers (queue transcription)"
        )
        for each in spoken:
            self._store_recording(each)
            self.tasks.add("transcription", each, {"recordingId": each.id, "userId": USER})

        def meanwhile() -> Sequence[str]:
            self.kill()
            return []

        self._watch(meanwhile)

    def score_answers(self, away: float) -> None:
        """Have the transcribed answers evaluated. OpenAI is away meanwhile for some seconds, unless it is
        OpenAI itself."""
        heard = self.transcripts()
        server = self._environment.provider.server
        if server:
            self.outage = Outage(server, away, self.tasks, self.tell)
        scored = [each for each in self.answers if each.id in heard]
        self.tell(f"{len(scored)} answers are to be scored (queue evaluation)")
        for each in scored:
            keys = {"questionId": each.question.id, "interviewId": INTERVIEW, "userId": USER}
            self.tasks.add("evaluation", each, {**keys, "answer": heard[each.id]})
        self._watch(self.outage or list)

    def transcripts(self) -> dict[str, str]:
        """Return the transcripts in the database, by the utterance's id."""
        with self._environment.services.database.transaction() as cursor:
            cursor.execute('SELECT "id", transcription FROM interview_recordings WHERE transcribed')
            return {row["id"]: row["transcription"] for row in cursor.fetchall()}

    def _watch(self, meanwhile: Callable[[], Sequence[str]] = list) -> None:
        self.tasks.watch(self._tell_result, meanwhile)

    def _tell_result(self, task: Task) -> None:
        if task.job.state != "completed":
            error = task.job.error or {}
            self.tell(f"{task.queue.name} {task.utterance.title}: {error.get('message')}", "bold red")
        elif task.queue.name == "transcription" and task.utterance.kind == "question":
            self._tell_error_rate(task.utterance)
        elif task.queue.name == "evaluation":
            self.tell(f"{task.utterance.title}: {task.job.result['score']:.1f} of 10")

    def _tell_error_rate(self, question: Utterance) -> None:
        if self._environment.provider.hears:
            rate = word_error_rate(question.text, self.transcripts()[question.id])
            self.tell(f"question {question.title} was heard, word error rate {rate:.2f}")

    def _store_recording(self, utterance: Utterance) -> None:
        file, key = self.audio[utterance.id], f"recordings/{utterance.id}.mp3"
        if not self._environment.provider.hears:
            file = id3.with_comment(file, utterance.text)
        self._environment.services.storage.upload(key, file, "audio/mpeg")
        with self._environment.services.database.transaction() as cursor:
            cursor.execute(
                'INSERT INTO interview_recordings ("id", "interviewId", "userId", filename, "fileSize", '
                '"mimeType") VALUES (%s, %s, %s, %s, %s, %s)',
                [utterance.id, INTERVIEW, USER, key, len(file), "audio/mpeg"],
            )
