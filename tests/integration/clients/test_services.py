"""The clients of one worker."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from preppath_workers.clients.openai.client import OpenAI
from preppath_workers.clients.services import Services
from preppath_workers.config.load import load
from tests.fake_openai.control import OpenAIServer
from tests.support.wav import Wav

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MINIMAL_ENV = {
    "OPENAI_API_KEY": "sk-test",
    "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
    "S3_BUCKET": "bucket",
    "DATABASE_URL": "postgresql://127.0.0.1:1/preppath",
}


def test_services_after_close_make_a_new_client() -> None:
    services = Services(load(MINIMAL_ENV, []))

    first = (services.openai, services.storage, services.database)
    assert first == (services.openai, services.storage, services.database)

    services.close()
    services.close()
    assert services.openai is not first[0]
    services.close()


def test_preload_connects_nowhere_starts_no_thread_and_leaves_nothing_to_load_to_the_first_calls(
    vendor: OpenAIServer, s3: S3Client, bucket: str, database_url: str
) -> None:
    """The supervisor loads the handlers and preloads, with and without keys for S3, and forks afterwards.
    What a worker loads itself, each worker has in its own memory."""
    program = """
import io, os, sys, threading
from pathlib import Path
events = []
sys.addaudithook(lambda event, _: events.append(event))
import pydantic
from preppath_workers.clients.openai.client import SpeechOptions
from preppath_workers.clients.services import Services
from preppath_workers.config.load import load
from preppath_workers.jobs import JOB_TYPES
from preppath_workers.jobs.evaluation.prompt import SCHEMA

for job_type in JOB_TYPES:
    job_type.load()
links = [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
print("handlers:", threading.active_count(), sum("socket" in link for link in links))
services = Services(load(os.environ, []))
services.preload(["openai", "storage", "database"])
opened = []
sys.stdout.flush()
if not os.fork():
    loaded = set(sys.modules)
    sys.addaudithook(lambda event, details: opened.append(str(details[0])) if event == "open" else None)
    pydantic.TypeAdapter.__init__ = lambda *arguments, **_: opened.append(f"{arguments}.py")
    openai, storage = services.openai, services.storage
    openai.evaluate([{"role": "user", "content": "An answer."}], SCHEMA)
    openai.transcribe(io.BytesIO(SOUND), "a.wav", "audio/wav")
    with openai.reader(SpeechOptions("alloy")) as reader:
        reader.read("What is a heap?")
    assert storage.find("missing") is None
    storage.upload("key", b"content", "text/plain", {"a": "b"})
    storage.size("key"), storage.read("key", 9), storage.signed_url("key")
    storage.download("key", io.BytesIO(), 9)
    with services.database.transaction() as cursor:
        cursor.execute("SELECT 1")
    print(sorted(set(sys.modules) - loaded))
    print([name for name in opened if name.endswith((".py", ".pyc", ".json", ".gz", ".pem"))])
    sys.stdout.flush()
    os._exit(0)
status = os.waitstatus_to_exitcode(os.wait()[1])
del os.environ["S3_ACCESS_KEY_ID"], os.environ["S3_SECRET_ACCESS_KEY"]
Services(load(os.environ, [])).preload(["openai", "storage", "database", "webhook"])
print({event for event in events if event.startswith(("socket.connect", "socket.getaddrinfo"))})
print("services:", threading.active_count())
print({"openai.resources.chat", "openai.resources.realtime.realtime"} <= set(sys.modules))
sys.exit(status)
"""
    sound = Wav(bytes(3_200), 16_000).wav_bytes("A heap is a tree.")
    environment = {
        **os.environ,
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": vendor.base_url,
        "S3_ENDPOINT": s3.meta.endpoint_url,
        "S3_BUCKET": bucket,
        "S3_ACCESS_KEY_ID": "test",
        "S3_SECRET_ACCESS_KEY": "test",
        "DATABASE_URL": database_url,
    }
    command = [sys.executable, "-c", f"SOUND = {sound!r}\n{program}"]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True)
    seen = ["handlers: 1 0", "[]", "[]", "set()", "services: 1", "True"]
    assert (printed.stdout.splitlines(), printed.returncode) == (seen, 0), printed.stderr
    assert not printed.stderr, "a client that could not be preloaded"


@pytest.mark.parametrize(
    ("part", "call"),
    [
        ("evaluation", "openai.evaluate([{'role': 'user', 'content': 'An answer.'}], SCHEMA)"),
        ("transcription", "openai.transcribe(io.BytesIO(SOUND), 'a.wav', 'audio/wav')"),
        ("speech", "openai.reader(SpeechOptions('alloy')).read('What is a heap?')"),
    ],
)
@pytest.mark.parametrize("other_models", [False, True])
def test_preload_of_a_part_leaves_nothing_to_load_to_its_calls(
    vendor: OpenAIServer, part: str, call: str, other_models: bool
) -> None:
    program = f"""
import io, os, sys
import pydantic
from preppath_workers.clients.openai.client import SpeechOptions
from preppath_workers.clients.services import Services
from preppath_workers.config.load import load
from preppath_workers.jobs import JOB_TYPES
from preppath_workers.jobs.evaluation.prompt import SCHEMA

for job_type in JOB_TYPES:
    if "openai.{part}" in job_type.defaults.services or ("{part}", job_type.name) == ("speech", "tts"):
        job_type.load()
services = Services(load(os.environ, []))
services.preload(["openai.{part}"])
openai, loaded, built = services.openai, set(sys.modules), []
pydantic.TypeAdapter.__init__ = lambda *arguments, **_: built.append(str(arguments[1:]))
{call}
print(sorted(set(sys.modules) - loaded), built)
"""
    if other_models and part == "speech":
        program = program.replace(call, "openai.synthesize('What is a heap?', SpeechOptions('alloy'))")
    sound = Wav(bytes(3_200), 16_000).wav_bytes("A heap is a tree.")
    models = {"OPENAI_WHISPER_MODEL": "whisper-1", "OPENAI_TTS_MODEL": "gpt-4o-mini-tts"}
    environment = {
        **os.environ,
        **MINIMAL_ENV,
        "OPENAI_BASE_URL": vendor.base_url,
        **(models if other_models else {}),
    }
    command = [sys.executable, "-c", f"SOUND = {sound!r}\n{program}"]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (printed.stdout, printed.stderr) == ("[] []\n", "")


def test_preload_of_a_service_and_its_parts_includes_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    preloaded: list[tuple[str, ...]] = []
    monkeypatch.setattr(OpenAI, "preload", lambda _, *parts: preloaded.append(parts))
    services = Services(load(MINIMAL_ENV, []))

    services.preload(["openai.evaluation", "openai", "openai.transcription", "database"])
    services.preload(["openai.evaluation", "openai.transcription", "openai.evaluation"])

    assert preloaded == [(), ("evaluation",), ("transcription",)]


def test_services_that_cannot_preload_log_why_and_go_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "missing")
    services = Services(load(MINIMAL_ENV, []))

    with caplog.at_level(logging.WARNING):
        services.preload(["storage"])

    (logged,) = caplog.records
    assert (logged.getMessage(), getattr(logged, "fields", None)) == (
        "Cannot preload client",
        {"service": "storage"},
    )
    assert "missing" in caplog.text
    services.close()
