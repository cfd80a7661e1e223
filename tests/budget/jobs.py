"""The jobs of the trial: each makes one paid request in a step: scores, transcribes or speaks an answer."""

from __future__ import annotations

import io
import json
from contextlib import closing
from typing import Any

from preppath_workers.clients.openai.client import SpeechOptions
from preppath_workers.jobs.evaluation.prompt import SCHEMA
from preppath_workers.registry import JobContext, job
from tests.support.wav import Wav

#: Samples a second of a recording.
_RATE = 8_000


def work(context: JobContext, data: dict[str, Any], services: Any) -> Any:
    """Do what `{do, answer}` says. Each request names the job: the vendor's calls can be told apart."""
    return context.step(data["do"], lambda: _DO[data["do"]](context, data["answer"], services.openai))


def _score(context: JobContext, answer: str, openai: Any) -> Any:
    messages = [{"role": "system", "content": f"job {context.id}"}, {"role": "user", "content": answer}]
    return openai.evaluate(messages, SCHEMA, context)["correctness"]


def _hear(context: JobContext, answer: str, openai: Any) -> str:
    # As long as the answer, so that costs differ, and no whole number of seconds.
    sound = Wav(bytes(2 * (_RATE * 4 // 3) * (1 + len(answer) // 25)), _RATE)
    recording = io.BytesIO(sound.wav_bytes(answer))
    name = f"{context.id}.wav"
    text: str = openai.transcribe(recording, name, "audio/wav", seconds=sound.seconds, meter=context).text
    return text


def _speak(context: JobContext, answer: str, openai: Any) -> float:
    with closing(openai.reader(SpeechOptions("alloy"))) as reader:
        seconds: float = reader.read(f"job {context.id} {answer}", context).seconds
        return seconds


_DO = {"score": _score, "hear": _hear, "speak": _speak}

#: What the vendor calls these requests, and where each names its job.
SCORE, HEAR, SPEAK = "/v1/chat/completions", "/v1/audio/transcriptions", "/v1/realtime/response.create"


def job_of(call: dict[str, Any]) -> str:
    """Return the job that a call of the vendor's names."""
    body = call["body"]
    if call["path"] == SCORE:
        named: str = body["messages"][0]["content"]
    elif call["path"] == HEAR:
        named = "job " + body["file"]["filename"].removesuffix(".wav")
    else:
        named = "job " + json.dumps(body).partition("job ")[2]
    return named.split()[1]


QUEUES = ("left", "right")
JOB_TYPES = tuple(
    job(
        name,
        concurrency=10,
        retries=20,
        backoff=0.2,
        backoff_max=1.0,
        recoveries=20,
        fair_by="userId",
        services=("openai",),
    )(work)
    for name in QUEUES
)
