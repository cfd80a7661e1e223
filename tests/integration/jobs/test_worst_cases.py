"""What jobs can cost at most, as estimated before they run: never less than what a budget reserves for
them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from preppath_workers.clients.services import Services
from preppath_workers.clients.usage import Usage
from preppath_workers.config.load import load
from preppath_workers.config.model import Config
from preppath_workers.config.prices import load_prices
from preppath_workers.jobs import JOB_TYPES, evaluation, transcription, tts
from preppath_workers.jobs.forecast import most_cost
from preppath_workers.registry import JobType, job
from preppath_workers.testing import FakeContext
from tests.fake_openai.control import OpenAIServer
from tests.support.minimal_env import MINIMAL_ENV

from .conftest import EVALUATION, Tables
from .recording import AUDIO

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PRICES = load_prices()


@pytest.fixture
def rows(tables: Tables, s3: S3Client, bucket: str) -> None:
    """An interview with a question, and a recording."""
    tables.insert("interviews", id="i1", userId="u1")
    tables.insert(
        "interview_questions", id="q1", interviewId="i1", question="Why queues?", updatedAt="2020-01-01"
    )
    tables.insert("interview_recordings", id="r1", userId="u1", filename="r1.wav")
    s3.put_object(Bucket=bucket, Key="r1.wav", Body=AUDIO)


def nano(requests: Sequence[Usage]) -> int:
    costs = [
        PRICES.cost(each.model, each.tier, each.tokens, each.seconds, each.characters) for each in requests
    ]
    assert None not in costs
    return sum(cost or 0 for cost in costs)


def worst_case(name: str, data: Any, services: Services) -> list[Usage]:
    """Return the worst cases that the job type tells of one job."""
    [job_type] = [each for each in JOB_TYPES if each.name == name]
    worst_cases = job_type.load_worst_cases()
    assert worst_cases
    [requests] = worst_cases([data], services)
    return [*requests]


def reserved(handle: Callable[..., Any], data: Any, services: Services) -> list[Usage]:
    """Run the job and return the worst cases of its requests."""
    context = FakeContext(data)
    handle(context, services)
    return context.worst_cases


def test_worst_case_of_an_evaluation_is_what_its_request_reserves(
    rows: None, services: Services, vendor: OpenAIServer
) -> None:
    expected = worst_case("evaluation", EVALUATION, services)
    assert nano(expected) == nano(reserved(evaluation.handle, EVALUATION, services)) > 0


def test_worst_case_of_a_transcription_is_no_less_than_what_it_reserves(
    rows: None, services: Services, vendor: OpenAIServer
) -> None:
    data = {"recordingId": "r1", "userId": "u1"}
    expected = nano(worst_case("transcription", data, services))
    assert expected >= nano(reserved(transcription.handle, data, services)) > 0
    assert worst_case("transcription", data, services) == [], "it is transcribed now"


@pytest.mark.parametrize("api", ["realtime", "speech"])
def test_worst_case_of_a_speech_has_every_passage_and_every_reading(
    rows: None, make_services: Callable[..., Services], vendor: OpenAIServer, api: str
) -> None:
    model = "gpt-realtime-2.1-mini" if api == "realtime" else "tts-1"
    services = make_services(OPENAI_TTS_API=api, OPENAI_TTS_MODEL=model)
    data = {"questionId": "q1", "text": "Why would you use a queue here, and not a table of jobs? " * 15}
    expected = worst_case("tts", data, services)
    made = reserved(tts.handle, data, services)
    assert nano(expected) == nano(made) * (3 if api == "realtime" else 1) > 0


@pytest.mark.parametrize("name", ["transcription", "tts", "evaluation"])
@pytest.mark.parametrize("data", [{}, {"recordingId": "no", "userId": "u1"}], ids=str)
def test_worst_case_of_a_job_that_will_be_refused_is_nothing(
    rows: None, services: Services, name: str, data: Any
) -> None:
    assert worst_case(name, data, services) == []


def config(*job_types: JobType, **variables: str) -> Config:
    return load({**MINIMAL_ENV, **variables}, [each.defaults for each in job_types])


def test_most_cost_is_the_sum_and_counts_each_run(services: Services) -> None:
    def worst_cases(datas: Sequence[Any], _: Services) -> Any:
        yield from ([Usage("gpt-6-luna", data)] for data in datas)

    job_type = job("own", retries=2, recoveries=1, worst_cases=worst_cases)(lambda context: None)
    most = most_cost(job_type, config(job_type), [{"output": 2}, {"output": 4}])
    assert (most.once, most.runs, most.in_all, most.unbounded) == (3_000, 4, 12_000, 0)
    own = config(job_type, OWN_RETRIES="9")
    assert most_cost(job_type, own, [{"output": 2}]).runs == 11


def test_most_cost_of_a_model_without_a_price_is_unknown() -> None:
    def worst_cases(datas: Sequence[Any], _: Services) -> Any:
        yield from ([Usage(data["model"])] for data in datas)

    job_type = job("own", worst_cases=worst_cases)(lambda context: None)
    most = most_cost(job_type, config(job_type), [{"model": "new-model"}, {"model": "whisper-1"}])
    assert (most.unbounded, most.reason) == (1, "model new-model has no price")


def test_most_cost_with_a_worst_case_that_cannot_be_counted_is_unknown() -> None:
    def worst_cases(datas: Sequence[Any], _: Services) -> Any:
        yield from ([Usage("gpt-6-luna", {"output": -1})] for _ in datas)

    job_type = job("own", worst_cases=worst_cases)(lambda context: None)
    most = most_cost(job_type, config(job_type), [{}, {}])
    assert (most.once, most.unbounded) == (0, 2)
    assert most.reason == "output must be a whole number from 0 to 1,000,000,000, not -1"


def test_most_cost_of_data_that_is_no_object_is_nothing() -> None:
    def worst_cases(datas: Sequence[Any], _: Services) -> Any:
        yield from ([Usage(data["model"], {"output": 2})] for data in datas)

    job_type = job("own", worst_cases=worst_cases)(lambda context: None)
    most = most_cost(job_type, config(job_type), ["no object", {"model": "gpt-6-luna"}, 1])
    assert (most.once, most.unbounded) == (1_000, 0)


def test_most_cost_while_the_database_is_away_is_unknown() -> None:
    [job_type] = [each for each in JOB_TYPES if each.name == "evaluation"]
    most = most_cost(job_type, config(job_type), [EVALUATION, EVALUATION])
    assert (most.once, most.unbounded) == (0, 2)
    assert "PostgreSQL" in most.reason
