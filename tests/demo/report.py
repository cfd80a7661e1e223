"""The results of the jobs, and the problems with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import requests

from .environment import BUCKET, Environment
from .interview import Interview
from .screen import Screen, Style
from .watch import Watched


class Report:
    """Each method prints one section; `problems` collects what is wrong, a sentence each."""

    def __init__(self, environment: Environment, interview: Interview, screen: Screen) -> None:
        self._environment = environment
        self._interview = interview
        self._screen = screen
        self.problems: list[str] = []

    def show(self, watched: Sequence[Watched]) -> None:
        """Print all sections."""
        self._outcomes(watched)
        self._transcripts()
        self._feedback()
        self._objects()
        self._dead_letters()
        self._calls(watched)

    def _outcomes(self, watched: Sequence[Watched]) -> None:
        for planned, job in watched:
            if job.state != planned.expected:
                what = f"{planned.queue} {planned.short_id} ({planned.about}) is {job.state}"
                error = f": {job.error.get('message')}" if job.error else ""
                self.problems.append(f"{what}, not {planned.expected}{error}")

    def _transcripts(self) -> None:
        self._head("Transcripts", "interview_recordings.transcription")
        rows = self._rows('SELECT "id", transcription FROM interview_recordings WHERE transcribed')
        heard = {row["id"]: row["transcription"] for row in rows}
        for number, question in enumerate(self._interview.questions, start=1):
            if not question.is_spoken:
                continue
            transcript = heard.get(question.recording_id)
            is_same = transcript == question.answer
            if transcript is None or (self._environment.openai and not is_same):
                self.problems.append(f"answer {number} was not transcribed as it was spoken")
            comparison: tuple[str, Style] = ("same words", "green") if is_same else ("other words", "yellow")
            self._screen.say(f"  {number}  ", comparison, f"  {len(question.answer.split())} were spoken")
            self._screen.say(("     said   ", "dim"), question.answer)
            self._screen.say(("     heard  ", "dim"), transcript or "nothing")

    def _feedback(self) -> None:
        self._head("Feedback", "answer_feedback, scores 0 to 10")
        rows = self._rows(
            'SELECT q."order" AS number, f."totalScore" AS total, f."correctnessScore" AS correctness, '
            'f."completenessScore" AS completeness, f."clarityScore" AS clarity, f.feedback '
            'FROM answer_feedback f JOIN interview_questions q ON q."id" = f."questionId" ORDER BY 1'
        )
        self._screen.say(("     total  correctness  completeness  clarity", "dim"))
        for row in rows:
            topic = self._interview.questions[row["number"] - 1].topic
            self._screen.say(
                f"  {row['number']}  ",
                (f"{row['total']:5.1f}", "bold"),
                f"{row['correctness']:13.1f}{row['completeness']:14.1f}{row['clarity']:9.1f}  {topic}",
            )
            self._screen.say(("     ", "dim"), (row["feedback"], "dim"))
        if len(rows) != len(self._interview.questions):
            self.problems.append(f"{len(rows)} answers have feedback, not {len(self._interview.questions)}")

    def _objects(self) -> None:
        self._head("Audio", f"s3://{BUCKET}")
        listed = self._environment.bucket.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        for entry in listed:
            self._screen.say(f"  {entry['Size']:>9,} bytes  {entry['Key']}")
        rows = self._rows('SELECT "order" AS number, "audioUrl" AS url FROM interview_questions ORDER BY 1')
        urls = [row["url"] for row in rows if row["url"]]
        self._screen.say(f"  {len(urls)} of {len(rows)} questions have a signed URL (audioUrl); number 1's:")
        if len(urls) != len(rows):
            self.problems.append(f"{len(urls)} of {len(rows)} questions have audio")
        for url in urls[:1]:
            self._fetch(url)

    def _fetch(self, url: str) -> None:
        answer = requests.get(url, timeout=10)
        kind = answer.headers.get("content-type", "")
        self._screen.say(("  GET ", "dim"), url.partition("?")[0], ("?…", "dim"))
        self._screen.say(f"  {answer.status_code} {answer.reason}, {kind}, {len(answer.content):,} bytes")
        if not answer.ok or kind != "audio/mpeg" or not answer.content:
            self.problems.append("the signed URL does not lead to an MP3")

    def _dead_letters(self) -> None:
        self._head("Dead-letter list", "kept until somebody replays or purges it")
        for queue in self._environment.queues.values():
            for job in queue.dead_letters():
                message = job.error.get("message") if job.error else ""
                self._screen.say(f"  {job.queue}  {job.id}  ", (f"{job.reason}", "red"), f": {message}")

    def _calls(self, watched: Sequence[Watched]) -> None:
        """Each 200 response of the OpenAI-compatible server is a call that OpenAI would charge for."""
        if not self._environment.openai:
            return
        self._head("Paid calls", "as the OpenAI-compatible server counted them")
        # The handshake of a Realtime session (101) is free; its responses are calls of their own.
        calls = [call for call in self._environment.openai.calls() if call["status"] != 101]
        by_path = Counter((call["path"], call["status"]) for call in calls)
        for (path, status), count in sorted(by_path.items()):
            note = "" if status == 200 else "  ordered fault"
            self._screen.say(f"  {count:>3} × {status}  {path}", (note, "yellow"))
        paid = sum(call["status"] == 200 for call in calls)
        completed = sum(job.state == "completed" for _, job in watched)
        self._screen.say(f"  {paid} paid calls for {completed} completed jobs")
        if paid != completed:
            self.problems.append(f"{paid} calls were paid for, for {completed} completed jobs")
        if len(calls) - paid != 2:
            self.problems.append(f"{len(calls) - paid} calls went wrong, not the 2 that were ordered to")

    def _head(self, title: str, where: str) -> None:
        self._screen.say()
        self._screen.say((title, "bold"), (f"  {where}", "dim"))

    def _rows(self, query: str) -> Sequence[Mapping[str, Any]]:
        with self._environment.services.database.transaction() as cursor:
            cursor.execute(query)
            return cursor.fetchall()
