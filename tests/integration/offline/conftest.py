"""One offline provider for all tests, and clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import openai
import pytest

from preppath_workers.clients.openai.client import OpenAI
from preppath_workers.config.model import ModelConfig, OpenAIConfig
from preppath_workers.jobs.evaluation import prompt
from tests.demo.interview import Question
from tests.support.offline import API_KEY, OfflineServer, is_installed

#: Evaluates an answer to a question; returns the scores from 0 to 10 and the texts.
Evaluate = Callable[[Question, str], dict[str, float]]


@pytest.fixture(scope="session")
def offline() -> Iterator[OfflineServer]:
    if not is_installed():
        pytest.skip("needs the extra [offline]: bin/setup-venv offline")
    with OfflineServer() as server:
        yield server


@pytest.fixture(scope="session")
def sdk(offline: OfflineServer) -> Iterator[openai.OpenAI]:
    """OpenAI's own SDK."""
    with openai.OpenAI(base_url=offline.base_url, api_key=API_KEY, max_retries=0, timeout=50) as client:
        yield client


@pytest.fixture(scope="session")
def client(offline: OfflineServer) -> Iterator[OpenAI]:
    """The workers' client, with their default models."""
    names = {"evaluation": "gpt-6-luna", "transcription": "gpt-transcribe", "speech": "gpt-realtime-2.1-mini"}
    models = {use: ModelConfig(name, API_KEY, offline.base_url, 50) for use, name in names.items()}
    with closing(OpenAI(OpenAIConfig(**models))) as made:
        yield made


@pytest.fixture(scope="session")
def evaluate(client: OpenAI) -> Evaluate:
    def evaluate(question: Question, answer: str) -> dict[str, float]:
        row = {
            "question": question.text,
            "category": "backend",
            "difficulty": "medium",
            "expectedAnswer": question.expected,
            "evaluationCriteria": None,
        }
        return client.evaluate(prompt.messages(prompt.described(row), answer), prompt.SCHEMA)

    return evaluate
