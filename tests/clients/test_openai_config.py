"""The configuration of the vendors, and the services that are made from it."""

from __future__ import annotations

from contextlib import closing

import pytest

from preppath_workers.clients.openai import Manner
from preppath_workers.clients.services import Services
from preppath_workers.config import load
from preppath_workers.dev.openai.control import OpenAIServer
from preppath_workers.errors import ConfigError, ServiceError
from preppath_workers.handlers import KINDS
from preppath_workers.settings import Capability, Config

REQUIRED = {"S3_BUCKET": "bucket", "DATABASE_URL": "postgresql://127.0.0.1:1/preppath"}
OWN_KEYS = {
    "OPENAI_WHISPER_API_KEY": "sk-hears",
    "OPENAI_TTS_API_KEY": "sk-speaks",
    "OPENAI_EVALUATION_API_KEY": "sk-judges",
}


def config(**variables: str) -> Config:
    return load({**REQUIRED, **variables}, [kind.defaults for kind in KINDS])


def test_one_account_is_enough() -> None:
    openai = config(OPENAI_API_KEY="sk-common", OPENAI_BASE_URL="https://ai.example/v1").openai

    for capability in openai.capabilities.values():
        assert (capability.api_key, capability.base_url) == ("sk-common", "https://ai.example/v1")
    assert (openai.evaluation_format, openai.evaluation_temperature) == ("json_schema", None)
    assert openai.evaluation_max_tokens == 16_000


def test_each_capability_may_have_a_vendor_of_its_own() -> None:
    openai = config(
        **OWN_KEYS,
        OPENAI_BASE_URL="https://common.example/v1",
        OPENAI_TTS_BASE_URL="https://speaks.example/v1",
        OPENAI_EVALUATION_BASE_URL="https://judges.example/v1",
    ).openai

    accounts = [(each.api_key, each.base_url) for each in openai.capabilities.values()]
    assert accounts == [
        ("sk-hears", "https://common.example/v1"),
        ("sk-speaks", "https://speaks.example/v1"),
        ("sk-judges", "https://judges.example/v1"),
    ]


def test_a_request_goes_to_its_own_vendor_with_its_own_key(vendor: OpenAIServer) -> None:
    settings = config(
        **{**OWN_KEYS, "OPENAI_TTS_API_KEY": "sk-wrong"},
        OPENAI_BASE_URL="http://127.0.0.1:1/v1",
        OPENAI_TTS_BASE_URL=vendor.base_url,
    )

    with closing(Services(settings)) as services, pytest.raises(ServiceError, match="401 invalid_api_key"):
        services.openai.speak("Hello.", Manner("alloy"))


@pytest.mark.parametrize("missing", OWN_KEYS)
def test_the_common_key_is_required_only_where_one_has_none_of_its_own(missing: str) -> None:
    assert config(**OWN_KEYS)

    with pytest.raises(ConfigError) as caught:
        config(**{name: key for name, key in OWN_KEYS.items() if name != missing})
    assert caught.value.problems == ("OPENAI_API_KEY is not set: expected a key of the OpenAI API",)


def test_every_key_is_a_secret() -> None:
    settings = config(**OWN_KEYS)

    assert {*OWN_KEYS.values()} <= {*settings.secrets()}
    assert not any(key in repr(settings) for key in OWN_KEYS.values())


@pytest.mark.parametrize("timeout", ["10", "120", "3600"])
def test_a_request_gives_up_before_the_job_does(timeout: str) -> None:
    settings = config(
        **OWN_KEYS, TRANSCRIPTION_TIMEOUT=timeout, TTS_TIMEOUT=timeout, EVALUATION_TIMEOUT=timeout
    )

    allowed = {queue.name: queue.timeout for queue in settings.queues}
    for queue, capability in settings.openai.capabilities.items():
        assert 0 < capability.timeout < allowed[queue]
        assert capability.timeout <= 300


def test_how_an_evaluation_is_asked_for() -> None:
    openai = config(
        **OWN_KEYS,
        OPENAI_EVALUATION_FORMAT="json_object",
        OPENAI_EVALUATION_TEMPERATURE="0.2",
        OPENAI_EVALUATION_MAX_TOKENS="800",
    ).openai

    assert openai.evaluation_format == "json_object"
    assert (openai.evaluation_temperature, openai.evaluation_max_tokens) == (0.2, 800)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OPENAI_TTS_BASE_URL", "speaks.example"),
        ("OPENAI_EVALUATION_FORMAT", "xml"),
        ("OPENAI_EVALUATION_TEMPERATURE", "3"),
        ("OPENAI_EVALUATION_TEMPERATURE", "hot"),
        ("OPENAI_EVALUATION_MAX_TOKENS", "99"),
    ],
)
def test_what_is_wrong_is_named(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{variable} is wrong: expected"):
        config(**OWN_KEYS, **{variable: value})


def test_a_capability_does_not_show_its_key() -> None:
    assert "sk-hidden" not in repr(Capability("model", "sk-hidden"))
