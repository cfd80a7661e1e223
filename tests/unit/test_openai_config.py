"""The OpenAI settings and the clients built from them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing

import pytest

from preppath_workers.clients.openai.client import SpeechOptions
from preppath_workers.clients.services import Services
from preppath_workers.config import openai_speech
from preppath_workers.config.load import load
from preppath_workers.config.model import Config, ModelConfig, OpenAIConfig
from preppath_workers.config.openai_speech import REALTIME_VOICES, SPEECH_VOICES
from preppath_workers.errors import ConfigError, ServiceError
from preppath_workers.jobs import JOB_TYPES
from tests.fake_openai.control import OpenAIServer

REQUIRED = {"S3_BUCKET": "bucket", "DATABASE_URL": "postgresql://127.0.0.1:1/preppath"}
OWN_KEYS = {
    "OPENAI_WHISPER_API_KEY": "sk-hears",
    "OPENAI_TTS_API_KEY": "sk-speaks",
    "OPENAI_EVALUATION_API_KEY": "sk-judges",
}


def config(**variables: str) -> Config:
    return load({**REQUIRED, **variables}, [job_type.defaults for job_type in JOB_TYPES])


def test_openai_config_with_one_key_applies_to_every_model() -> None:
    openai = config(OPENAI_API_KEY="sk-common", OPENAI_BASE_URL="https://ai.example/v1").openai

    for model_config in openai.models.values():
        assert (model_config.api_key, model_config.base_url) == ("sk-common", "https://ai.example/v1")
    assert (openai.evaluation_format, openai.evaluation_temperature) == ("json_schema", None)
    assert openai.evaluation_max_tokens == 16_000


def test_openai_config_may_have_an_account_per_model() -> None:
    openai = config(
        **OWN_KEYS,
        OPENAI_BASE_URL="https://common.example/v1",
        OPENAI_TTS_BASE_URL="https://speaks.example/v1",
        OPENAI_EVALUATION_BASE_URL="https://judges.example/v1",
    ).openai

    accounts = [(each.api_key, each.base_url) for each in openai.models.values()]
    assert accounts == [
        ("sk-hears", "https://common.example/v1"),
        ("sk-speaks", "https://speaks.example/v1"),
        ("sk-judges", "https://judges.example/v1"),
    ]


def test_request_uses_the_base_url_and_key_of_its_model(vendor: OpenAIServer) -> None:
    settings = config(
        **{**OWN_KEYS, "OPENAI_TTS_API_KEY": "sk-wrong"},
        OPENAI_BASE_URL="http://127.0.0.1:1/v1",
        OPENAI_TTS_BASE_URL=vendor.base_url,
    )

    with closing(Services(settings)) as services, pytest.raises(ServiceError, match="401 invalid_api_key"):
        services.openai.synthesize("Hello.", SpeechOptions("alloy"))


@pytest.mark.parametrize("missing", OWN_KEYS)
def test_common_key_is_required_if_one_model_has_no_key(missing: str) -> None:
    assert config(**OWN_KEYS)

    with pytest.raises(ConfigError) as caught:
        config(**{name: key for name, key in OWN_KEYS.items() if name != missing})
    assert caught.value.problems == ("OPENAI_API_KEY is not set: expected a key of the OpenAI API",)


def test_config_secrets_include_every_key() -> None:
    settings = config(**OWN_KEYS)

    assert {*OWN_KEYS.values()} <= {*settings.secrets()}
    assert not any(key in repr(settings) for key in OWN_KEYS.values())


@pytest.mark.parametrize("timeout", ["10", "120", "3600"])
def test_request_timeout_is_shorter_than_the_job_timeout(timeout: str) -> None:
    settings = config(
        **OWN_KEYS, TRANSCRIPTION_TIMEOUT=timeout, TTS_TIMEOUT=timeout, EVALUATION_TIMEOUT=timeout
    )

    allowed = {queue.name: queue.timeout for queue in settings.queues}
    for queue, model_config in settings.openai.models.items():
        assert 0 < model_config.timeout < allowed[queue]
        assert model_config.timeout <= 300


def test_evaluation_settings_are_read() -> None:
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
        ("OPENAI_TTS_API", "websocket"),
        ("OPENAI_EVALUATION_FORMAT", "xml"),
        ("OPENAI_EVALUATION_TEMPERATURE", "3"),
        ("OPENAI_EVALUATION_TEMPERATURE", "hot"),
        ("OPENAI_EVALUATION_MAX_TOKENS", "99"),
    ],
)
def test_openai_variable_that_is_wrong_is_named(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{variable} is wrong: expected"):
        config(**OWN_KEYS, **{variable: value})


def test_model_config_repr_hides_the_key() -> None:
    assert "sk-hidden" not in repr(ModelConfig("model", "sk-hidden"))


@pytest.mark.parametrize(
    ("variables", "api"),
    [
        ({}, "realtime"),
        ({"OPENAI_TTS_MODEL": "gpt-realtime-2.1"}, "realtime"),
        ({"OPENAI_TTS_MODEL": "gpt-4o-mini-tts"}, "speech"),
        ({"OPENAI_TTS_MODEL": "kokoro", "OPENAI_TTS_BASE_URL": "http://127.0.0.1:8880/v1"}, "speech"),
        ({"OPENAI_TTS_MODEL": "kokoro", "OPENAI_TTS_API": "realtime"}, "realtime"),
        ({"OPENAI_TTS_MODEL": "gpt-realtime-2.1", "OPENAI_TTS_API": "speech"}, "speech"),
    ],
    ids=str,
)
def test_speech_api_defaults_to_what_the_model_supports(variables: dict[str, str], api: str) -> None:
    assert config(**OWN_KEYS, **{"OPENAI_TTS_VOICE": "alloy", **variables}).openai.speech_api == api


@pytest.mark.parametrize(
    ("variables", "nearest"),
    [
        ({"OPENAI_TTS_VOICE": "nova"}, "no nova; coral is"),
        ({"OPENAI_TTS_VOICE": "onyx"}, "no onyx; cedar is"),
        (
            {"OPENAI_TTS_VOICE": "fable", "OPENAI_TTS_BASE_URL": "https://gateway.example/v1"},
            "no fable; ballad is",
        ),
        ({"OPENAI_TTS_VOICE": "af_heart"}, "expected one of alloy, ash"),
        ({"OPENAI_TTS_VOICE": "unknown", "OPENAI_TTS_MODEL": "tts-1"}, "expected one of alloy, ash"),
    ],
    ids=str,
)
def test_voice_that_the_model_lacks_is_refused_with_the_nearest_one(
    variables: dict[str, str], nearest: str
) -> None:
    with pytest.raises(ConfigError, match="OPENAI_TTS_VOICE is wrong") as caught:
        config(**OWN_KEYS, **variables)
    assert nearest in str(caught.value)


@pytest.mark.parametrize(
    "variables",
    [
        {"OPENAI_TTS_VOICE": "nova", "OPENAI_TTS_MODEL": "tts-1"},
        {"OPENAI_TTS_VOICE": "voice_1234"},
        {
            "OPENAI_TTS_VOICE": "af_heart",
            "OPENAI_TTS_MODEL": "k",
            "OPENAI_TTS_BASE_URL": "http://127.0.0.1/v1",
        },
    ],
    ids=str,
)
def test_voice_that_the_model_may_have_is_accepted(variables: dict[str, str]) -> None:
    assert config(**OWN_KEYS, **variables).openai.speech_voice == variables["OPENAI_TTS_VOICE"]


def test_default_voice_exists_in_both_apis() -> None:
    assert {*REALTIME_VOICES} < {*SPEECH_VOICES}
    assert OpenAIConfig.speech_voice in REALTIME_VOICES


def test_realtime_without_its_packages_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_speech, "_REALTIME_MODULES", ("websockets", "not_installed"))

    with pytest.raises(ConfigError, match=r"OPENAI_TTS_API is not set: .* not_installed: pip install"):
        config(**OWN_KEYS)
    assert config(**OWN_KEYS, OPENAI_TTS_MODEL="tts-1")


def test_speech_without_realtime_packages_is_importable() -> None:
    program = """
import sys
sys.modules["websockets"] = sys.modules["lameenc"] = None
import preppath_workers.jobs.tts, preppath_workers.clients.openai.client
"""
    subprocess.run([sys.executable, "-c", program], check=True)
