"""Recordings that are transcribed in parts, cut by ffmpeg or by a stand-in."""

from __future__ import annotations

import sys
import wave
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from preppath_workers.clients.audio import ffmpeg
from preppath_workers.clients.services import Services
from preppath_workers.errors import PermanentError, ServiceError
from preppath_workers.jobs.transcription import audio, handle, in_parts
from preppath_workers.testing import FakeContext
from tests.fake_openai.control import OpenAIServer
from tests.support.wav import Wav

from .conftest import Tables

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PATH = "/v1/audio/transcriptions"
RATE = 8_000
#: Seven seconds of noise, with a pause of one second in the middle of the first four.
NOISE = b"\x00\x20\x00\xe0" * (RATE // 2)
AUDIO = Wav(NOISE * 2 + bytes(2 * RATE) + NOISE * 4, RATE).wav_bytes()

#: A stand-in for ffmpeg that reads only WAV and always finds one pause.
STAND_IN = f"""#!{sys.executable} -I
import sys, wave
words = sys.argv[1:]
with wave.open("/dev/stdin", "rb") as sound:
    rate, frames = sound.getframerate(), sound.getnframes()
    if "-progress" in words:
        print(f"out_time_us={{frames * 1_000_000 // rate}}")
    elif "-af" in words:
        print("lavfi.silence_start=2\\nlavfi.silence_end=3")
    else:
        start = sum(float(value) for name, value in zip(words, words[1:]) if name == "-ss")
        length = float(words[words.index("-t") + 1])
        sound.setpos(round(start * rate))
        with wave.open("/dev/stdout", "wb") as part:
            part.setparams(sound.getparams())
            part.writeframes(sound.readframes(round(length * rate)))
"""


@pytest.fixture(
    params=["ffmpeg", pytest.param("stand-in", marks=pytest.mark.trial)]
    if ffmpeg.installed()
    else ["stand-in"]
)
def installed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test with ffmpeg if it is installed, else with the stand-in; in the trials with both."""
    if request.param == "stand-in":
        program = tmp_path / "ffmpeg"
        program.write_text(STAND_IN)
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a small recording exceeds."""
    monkeypatch.setattr(audio, "MAX_AUDIO_BYTES", len(AUDIO) - 1)
    monkeypatch.setattr(in_parts, "PART_SECONDS", 3.0)


@pytest.fixture
def context(tables: Tables, s3: S3Client, bucket: str, limits: None) -> FakeContext:
    tables.insert("interview_recordings", id="r1", userId="u1", filename="recordings/r1.wav")
    s3.put_object(Bucket=bucket, Key="recordings/r1.wav", Body=AUDIO)
    return FakeContext({"recordingId": "r1", "userId": "u1"})


def texts(*words: str) -> list[dict[str, str]]:
    return [{"path": PATH, "body": f'{{"text": "{word}"}}'} for word in words]


def test_recording_that_is_too_large_acquires_a_token_for_each_part(
    context: FakeContext, services: Services, tables: Tables, vendor: OpenAIServer, installed: None
) -> None:
    vendor.order(*texts("I would", " use ", "a queue."))

    assert handle(context, services)["duration"] == pytest.approx(7, abs=0.1)

    assert tables.row("interview_recordings")["transcription"] == "I would use a queue."
    calls = vendor.calls(PATH)
    assert [call["body"]["file"]["filename"] for call in calls] == ["part.wav"] * 3
    assert context.checkpoints["parts"] == pytest.approx([0.0, 2.7, 5.7], abs=0.1), (
        "the first cut is in the pause"
    )
    assert context.tokens == 2, "the start of the attempt acquired the first"
    assert context.reported == sorted(context.reported)


def test_recording_retried_after_some_parts_pays_for_none_twice(
    context: FakeContext, services: Services, vendor: OpenAIServer, installed: None
) -> None:
    vendor.order(*texts("I would", "use"), {"path": PATH, "status": 503}, *texts("a queue."))
    with pytest.raises(ServiceError):
        handle(context, services)

    again = context.again()
    assert handle(again, services)["characters"] == len("I would use a queue.")

    assert (len(vendor.calls(PATH)), again.tokens) == (4, 0)


def test_recording_replaced_between_two_attempts_is_transcribed_from_its_beginning(
    context: FakeContext,
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    installed: None,
    s3: S3Client,
    bucket: str,
) -> None:
    """Its text was the beginning of the first and the end of the second."""
    vendor.order(*texts("The", "first"), {"path": PATH, "status": 503}, *texts("A", "second", "one."))
    with pytest.raises(ServiceError):
        handle(context, services)
    s3.put_object(Bucket=bucket, Key="recordings/r1.wav", Body=Wav(NOISE * 8, RATE).wav_bytes())

    again = context.again()
    assert handle(again, services)["duration"] == pytest.approx(8, abs=0.1)

    assert tables.row("interview_recordings")["transcription"] == "A second one."
    assert len(vendor.calls(PATH)) == 6


def test_recording_that_openai_refuses_is_converted(
    tables: Tables, s3: S3Client, bucket: str, services: Services, vendor: OpenAIServer, installed: None
) -> None:
    """OpenAI names the formats that it takes, not the codecs and headers."""
    tables.insert("interview_recordings", id="r1", userId="u1", filename="r1.wav")
    s3.put_object(Bucket=bucket, Key="r1.wav", Body=AUDIO)
    context = FakeContext({"recordingId": "r1", "userId": "u1"})
    refusal = {"status": 400, "param": "file", "message": "Audio file might be corrupted or unsupported"}
    vendor.order({"path": PATH, **refusal}, *texts("I would."))

    assert handle(context, services)["characters"] == len("I would.")

    names = [call["body"]["file"]["filename"] for call in vendor.calls(PATH)]
    assert names == ["recording.wav", "part.wav"]
    assert (context.tokens, len(context.charges)) == (1, 1)


@pytest.fixture
def refused(
    tables: Tables, s3: S3Client, bucket: str, services: Services, vendor: OpenAIServer, installed: None
) -> FakeContext:
    """A job whose recording OpenAI has refused as it is, and whose converted one it could not take then."""
    tables.insert("interview_recordings", id="r1", userId="u1", filename="r1.wav")
    s3.put_object(Bucket=bucket, Key="r1.wav", Body=AUDIO)
    context = FakeContext({"recordingId": "r1", "userId": "u1"})
    vendor.order({"path": PATH, "status": 400, "param": "file"}, {"path": PATH, "status": 503})
    with pytest.raises(ServiceError):
        handle(context, services)
    return context


def test_recording_that_was_refused_is_not_sent_as_it_is_again(
    refused: FakeContext, services: Services, vendor: OpenAIServer
) -> None:
    """Each attempt would use its token for that, and wait for a second one without end."""
    again = refused.again()
    handle(again, services)

    names = [call["body"]["file"]["filename"] for call in vendor.calls(PATH)]
    assert names == ["recording.wav", "part.wav", "part.wav"]
    assert again.tokens == 0, "the start of the attempt acquired it"


def test_recording_that_was_refused_fails_on_a_machine_without_ffmpeg(
    refused: FakeContext, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PermanentError, match="OpenAI has refused it as it is, and ffmpeg"):
        handle(refused.again(), services)


def test_recording_that_openai_refuses_fails_with_its_reason_without_ffmpeg(
    tables: Tables,
    s3: S3Client,
    bucket: str,
    services: Services,
    vendor: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    tables.insert("interview_recordings", id="r1", userId="u1", filename="r1.wav")
    s3.put_object(Bucket=bucket, Key="r1.wav", Body=AUDIO)
    vendor.order({"path": PATH, "status": 400, "param": "file", "message": "might be corrupted"})

    with pytest.raises(PermanentError, match="might be corrupted"):
        handle(FakeContext({"recordingId": "r1", "userId": "u1"}), services)


def test_recording_that_is_too_long_is_transcribed_in_parts(
    context: FakeContext,
    make_services: Callable[..., Services],
    vendor: OpenAIServer,
    installed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audio, "MAX_AUDIO_BYTES", len(AUDIO))
    monkeypatch.setattr(audio, "longest_audio", {"gpt-4o-transcribe": 6.5}.get)

    handle(context, make_services(OPENAI_WHISPER_MODEL="gpt-4o-transcribe"))
    assert len(vendor.calls(PATH)) == 3


def test_recording_longer_than_any_that_is_transcribed_fails_and_costs_nothing(
    context: FakeContext,
    services: Services,
    vendor: OpenAIServer,
    installed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(in_parts, "MAX_RECORDING_SECONDS", 6.0)

    with pytest.raises(PermanentError, match="its 7 s exceed the limit of 6 s"):
        handle(context, services)
    assert vendor.calls() == []


def test_recording_that_needs_parts_fails_without_ffmpeg_and_costs_nothing(
    context: FakeContext,
    make_services: Callable[..., Services],
    vendor: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(audio, "MAX_AUDIO_BYTES", len(AUDIO))
    monkeypatch.setattr(audio, "longest_audio", {"gpt-4o-transcribe": 6.5}.get)

    with pytest.raises(PermanentError, match="its 7 s exceed the model's limit, and ffmpeg"):
        handle(context, make_services(OPENAI_WHISPER_MODEL="gpt-4o-transcribe"))
    assert vendor.calls() == []


def test_parts_of_a_recording_make_up_the_whole(installed: None, tmp_path: Path) -> None:
    whole = tmp_path / "whole.wav"
    whole.write_bytes(AUDIO)
    seconds = 0.0
    with whole.open("rb") as file:
        for begin, end in ((0.0, 2.5), (2.5, 5.5), (5.5, 7.0)):
            with (tmp_path / "part.wav").open("w+b") as part:
                ffmpeg.cut(file, begin, end - begin, part)
                with wave.open(BytesIO(part.read())) as cut:
                    seconds += cut.getnframes() / cut.getframerate()
    assert seconds == pytest.approx(7.0, abs=0.01)
