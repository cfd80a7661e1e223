"""Reads how to reach the external services: OpenAI, S3 and the webhook's receiver.

Problems are recorded in the `Environment`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult

from .env import Environment, has_host
from .model import ModelConfig, OpenAIConfig, QueueConfig, StorageConfig, WebhookConfig
from .openai_speech import api_of, missing_modules, voice_problem

#: Fraction of a job's time limit that one request may take without data.
_REQUEST_SHARE = 0.8

#: By the word in `OPENAI_<WORD>_API_KEY`: the queue, the variable of the model, its default, and the longest
#: silence of a request (s). A transcription sends nothing before it is complete; a retry pays for it twice.
_MODELS = {
    "WHISPER": ("transcription", "OPENAI_WHISPER_MODEL", "gpt-transcribe", 300.0),
    "TTS": ("tts", "OPENAI_TTS_MODEL", "gpt-realtime-2.1-mini", 60.0),
    "EVALUATION": ("evaluation", "OPENAI_MODEL", "gpt-6-luna", 90.0),
}

#: Service tiers of OpenAI's chat completions; with none, the project's default applies.
_TIERS = ("default", "flex", "priority", "fast")

#: The longest silence of a request in the tier flex (s), as OpenAI's guide "Flex processing" advises.
_FLEX_SILENCE = 900.0

#: Characters of a key: those that an HTTP header can hold unencoded.
_HEADER_WORD = r"[!-~]+"

#: Names that boto3 accepts; it would reject others for each job.
_REGION = r"(?!-)(?![0-9]+$)[A-Za-z0-9-]{1,63}(?<!-)"
_BUCKET = r"[A-Za-z0-9._-]{1,255}|arn:[!-~]+"
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


def openai_models(variables: Mapping[str, str | None]) -> dict[str, str]:
    """Return the names of the models by queue, without those of servers that are not OpenAI's."""
    environment = Environment(variables)
    common_url = environment.text("OPENAI_BASE_URL")
    return {
        queue: environment.text(variable, model)
        for name, (queue, variable, model, _) in _MODELS.items()
        if not environment.text(f"OPENAI_{name}_BASE_URL", common_url)
    }


def openai(environment: Environment, queues: Sequence[QueueConfig], required: bool) -> OpenAIConfig:
    """Return the three models, each with the common key and base URL unless it has its own.

    A request has less time than its job in `queues`. Unless `required`, keys may be missing.
    """
    common_key = _key(environment, "OPENAI_API_KEY")
    common_url = environment.url("OPENAI_BASE_URL", "", ("https", "http"))
    own_keys = [_key(environment, f"OPENAI_{name}_API_KEY") for name in _MODELS]
    if required and not common_key and not all(own_keys):
        environment.problem("OPENAI_API_KEY", "a key of the OpenAI API")
    tier = environment.choice("OPENAI_EVALUATION_SERVICE_TIER", "", _TIERS)
    allowed = {queue.name: queue.timeout for queue in queues}
    transcription, speech, evaluation = (
        ModelConfig(
            model=environment.text(variable, model),
            api_key=key or common_key,
            base_url=environment.url(f"OPENAI_{name}_BASE_URL", common_url, ("https", "http")) or None,
            timeout=min(
                _FLEX_SILENCE if tier == "flex" and queue == "evaluation" else longest,
                allowed.get(queue, longest) * _REQUEST_SHARE,
            ),
        )
        for (name, (queue, variable, model, longest)), key in zip(_MODELS.items(), own_keys, strict=True)
    )
    temperature = environment.pattern(
        "OPENAI_EVALUATION_TEMPERATURE", "", r"[01](\.\d+)?|2(\.0+)?", "a number from 0 to 2"
    )
    return OpenAIConfig(
        evaluation_service_tier=tier or None,
        evaluation_tier_from_priority=environment.integer(
            "OPENAI_EVALUATION_TIER_FROM_PRIORITY",
            OpenAIConfig.evaluation_tier_from_priority,
            minimum=1,
            maximum=100,
        ),
        evaluation_tier_tries=environment.integer(
            "OPENAI_EVALUATION_TIER_TRIES", OpenAIConfig.evaluation_tier_tries, minimum=1, maximum=5
        ),
        evaluation=evaluation,
        transcription=transcription,
        speech=speech,
        organization=_key(environment, "OPENAI_ORG_ID") or None,
        speech_voice=_voice(environment, speech, api := _speech_api(environment, speech.model, required)),
        speech_api=api,
        evaluation_format=environment.choice(
            "OPENAI_EVALUATION_FORMAT", OpenAIConfig.evaluation_format, ("json_schema", "json_object")
        ),
        evaluation_temperature=float(temperature) if temperature else None,
        evaluation_max_tokens=environment.integer(
            "OPENAI_EVALUATION_MAX_TOKENS", OpenAIConfig.evaluation_max_tokens, minimum=100
        ),
    )


def storage(environment: Environment, required: bool) -> StorageConfig:
    """Return the bucket. Both keys are set or neither. Unless `required`, the bucket may be missing."""
    access_key_id = _key(environment, "S3_ACCESS_KEY_ID") or None
    secret_access_key = environment.text("S3_SECRET_ACCESS_KEY") or None
    if access_key_id and not secret_access_key:
        environment.problem("S3_SECRET_ACCESS_KEY", "the secret that goes with S3_ACCESS_KEY_ID")
    if secret_access_key and not access_key_id:
        environment.problem("S3_ACCESS_KEY_ID", "the key id that goes with S3_SECRET_ACCESS_KEY")
    if required:
        environment.required("S3_BUCKET", "the name of the bucket with the audio")
    return StorageConfig(
        bucket=environment.pattern(
            "S3_BUCKET", "", _BUCKET, "the name of a bucket: letters, digits, dots, - and _, or an ARN"
        ),
        endpoint=environment.url(
            "S3_ENDPOINT",
            "",
            ("https", "http"),
            _is_s3_endpoint,
            ", with no _ in the host name (boto3 rejects it)",
        )
        or None,
        region=environment.pattern("S3_REGION", "us-east-1", _REGION, "a region such as us-east-1"),
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
    )


def webhook(environment: Environment) -> WebhookConfig:
    """Return the receiver of webhook deliveries, if any."""
    return WebhookConfig(
        url=environment.url("WEBHOOK_URL", "", ("https", "http")) or None,
        secret=environment.pattern("WEBHOOK_SECRET", "", ".{16,}", "16 characters or more") or None,
    )


def _speech_api(environment: Environment, model: str, required: bool) -> str:
    api = environment.choice("OPENAI_TTS_API", "auto", ("auto", "speech", "realtime"))
    api = api_of(model) if api == "auto" else api
    if required and api == "realtime" and (missing := missing_modules()):
        environment.problem(
            "OPENAI_TTS_API",
            f"speech, because the Realtime API (model {model}) needs the Python package "
            f"{' and '.join(missing)}: pip install 'openai[realtime]' lameenc",
        )
    return api


def _voice(environment: Environment, speech: ModelConfig, api: str) -> str:
    voice = environment.text("OPENAI_TTS_VOICE", OpenAIConfig.speech_voice)
    if expected := voice_problem(api, speech.model, speech.base_url, voice):
        environment.problem("OPENAI_TTS_VOICE", expected)
    return voice


def _key(environment: Environment, name: str) -> str:
    return environment.pattern(name, "", _HEADER_WORD, "printable ASCII characters without blanks")


def _is_s3_endpoint(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    return has_host(parts) and (":" in host or all(map(_LABEL.fullmatch, host.removesuffix(".").split("."))))
