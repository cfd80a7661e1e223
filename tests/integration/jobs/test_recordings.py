"""Recordings in the formats of phones and browsers, with real ffmpeg."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from preppath_workers.clients.audio import ffmpeg
from preppath_workers.clients.audio.format import audio_format
from preppath_workers.clients.openai.models import MAX_AUDIO_BYTES
from preppath_workers.clients.services import Services
from preppath_workers.errors import PermanentError
from preppath_workers.jobs.transcription import handle
from preppath_workers.testing import FakeContext
from tests.fake_openai.control import OpenAIServer

from .conftest import Tables

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.skipif(not ffmpeg.installed(), reason="ffmpeg is not installed")

PATH = "/v1/audio/transcriptions"
TONE, SILENCE = "sine=frequency=440:duration=2", "anullsrc=r=16000:cl=mono:d=2"
FRAGMENTED = "-c:a aac -movflags frag_keyframe+empty_moov+default_base_moof -f mp4"

TranscribeFile = Callable[..., dict[str, Any]]


def make(folder: Path, arguments: str, source: str = TONE) -> Path:
    """Return a recording of the source that ffmpeg writes with these arguments."""
    file = folder / "recording"
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", source]
    subprocess.run([*command, *arguments.split(), "-y", str(file)], check=True)
    return file


@pytest.fixture
def transcribe_file(services: Services, tables: Tables, s3: S3Client, bucket: str) -> TranscribeFile:
    """Transcribe a file uploaded under this name and MIME type; return the result."""

    def transcribe(
        file: Path, name: str = "r1", mime_type: str = "application/octet-stream"
    ) -> dict[str, Any]:
        tables.insert("interview_recordings", id="r1", userId="u1", filename=name, mimeType=mime_type)
        s3.upload_file(str(file), bucket, name)
        return dict(handle(FakeContext({"recordingId": "r1", "userId": "u1"}), services))

    return transcribe


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts with a low sample rate, which are quicker to send."""
    monkeypatch.setattr(ffmpeg, "PART_RATE", 1_000)


def sent(vendor: OpenAIServer) -> list[Mapping[str, Any]]:
    return [call["body"]["file"] for call in vendor.calls(PATH)]


@pytest.mark.parametrize(
    ("arguments", "uploaded", "expected"),
    [
        ("-f wav", ("r1", "application/octet-stream"), "recording.wav"),
        (FRAGMENTED, ("recording.webm", "audio/webm"), "recording.mp4"),
        ("-c:a aac -f ipod", ("r1.m4a", "audio/x-m4a"), "recording.m4a"),
        ("-c:a libopus -f webm -live 1", ("r1", ""), "recording.webm"),
        ("-c:a libopus -f ogg", ("r1.webm", "audio/webm"), "recording.ogg"),
        ("-c:a flac -f flac", ("r1.mp3", "audio/mpeg"), "recording.flac"),
        ("-c:a libmp3lame -f mp3", ("r1.bin", ""), "recording.mp3"),
        ("-c:a libmp3lame -id3v2_version 0 -write_xing 0 -f mp3", ("r1.bin", ""), "recording.mp3"),
        ("-c:a aac -f adts", ("r1.aac", "audio/aac"), "part.wav"),
        ("-c:a aac -f mov", ("r1.mov", "video/quicktime"), "part.wav"),
        ("-c:a aac -f matroska", ("r1.webm", "audio/webm"), "part.wav"),
        ("-f wav -rf64 always", ("r1.wav", "audio/wav"), "part.wav"),
        *(
            pytest.param(*row, "part.wav", marks=pytest.mark.trial)
            for row in (
                ("-c:a pcm_s16be -f caf", ("r1.caf", "audio/x-caf")),
                ("-f aiff", ("r1.mp3", "audio/mpeg")),
                ("-f au", ("r1.webm", "audio/webm")),
                ("-c:a aac -f 3gp", ("r1.3gp", "audio/3gpp")),
                ("-c:a wmav2 -f asf", ("r1.wma", "audio/x-ms-wma")),
                ("-c:a mp2 -f mpegts", ("r1.mpeg", "video/mpeg")),
                ("-f w64", ("r1.wav", "audio/wav")),
            )
        ),
    ],
)
def test_recording_is_sent_in_the_format_of_its_first_bytes(
    transcribe_file: TranscribeFile,
    vendor: OpenAIServer,
    tmp_path: Path,
    arguments: str,
    uploaded: tuple[str, str],
    expected: str,
) -> None:
    result = transcribe_file(make(tmp_path, arguments), *uploaded)

    assert [file["filename"] for file in sent(vendor)] == [expected]
    assert result["duration"] > 0


def test_webm_without_a_duration_is_measured_by_ffmpeg(
    transcribe_file: TranscribeFile, vendor: OpenAIServer, tmp_path: Path
) -> None:
    vendor.order({"path": PATH, "body": '{"text": "Hello."}'})

    assert transcribe_file(make(tmp_path, "-c:a libopus -f webm -live 1"))["duration"] == pytest.approx(
        2, abs=0.2
    )


@pytest.mark.parametrize(
    "arguments", ["-f wav", "-c:a libopus -f webm", "-c:a libmp3lame -f mp3", FRAGMENTED]
)
def test_silent_recording_costs_nothing_and_is_reported(
    transcribe_file: TranscribeFile, vendor: OpenAIServer, tables: Tables, tmp_path: Path, arguments: str
) -> None:
    result = transcribe_file(make(tmp_path, arguments, SILENCE))

    assert (result["characters"], result["cached"]) == (0, False)
    assert result["silentSeconds"] == pytest.approx(2, abs=0.2)
    assert tables.row("interview_recordings")["transcription"] == ""
    assert vendor.calls(PATH) == []


@pytest.mark.trial
def test_recording_of_40_mb_is_transcribed_in_parts_without_the_silent_ones(
    transcribe_file: TranscribeFile, vendor: OpenAIServer, tmp_path: Path, small_parts: None
) -> None:
    """650 s of sound, and silence from there on."""
    source = "aevalsrc='0.3*lt(t,650)*sin(1000*t)':s=1000:d=1300"

    file = make(tmp_path, "-c:a pcm_s32le -ac 8 -f wav", source)
    assert file.stat().st_size > 40_000_000 > MAX_AUDIO_BYTES
    result = transcribe_file(file)

    assert result["duration"] == pytest.approx(1_300, abs=1)
    assert [file["filename"] for file in sent(vendor)] == ["part.wav"] * 2
    assert result["silentSeconds"] == pytest.approx(100, abs=1)


@pytest.mark.trial
def test_recording_of_90_minutes_with_long_pauses_takes_nine_requests(
    transcribe_file: TranscribeFile,
    vendor: OpenAIServer,
    tmp_path: Path,
    small_parts: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """100 s of sound and 200 s of pause, 18 times."""
    monkeypatch.setattr("preppath_workers.jobs.transcription.audio.MAX_AUDIO_BYTES", 1_000_000)
    source = "aevalsrc='0.3*lt(mod(t,300),100)*sin(1000*t)':s=1000:d=5400"

    result = transcribe_file(make(tmp_path, "-c:a flac -f flac", source))

    assert result["duration"] == pytest.approx(5_400, abs=1)
    assert len(sent(vendor)) == 9


def test_recording_with_a_gap_of_hours_is_sent_without_the_parts_in_it(
    transcribe_file: TranscribeFile, vendor: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a browser whose machine slept meanwhile. OpenAI refused the empty parts, and so the recording."""
    monkeypatch.setattr("preppath_workers.jobs.transcription.audio.MAX_AUDIO_BYTES", 1_000)
    gap = r"-af asetpts=PTS+if(gte(T\,1)\,7200/TB\,0) -c:a libopus -f webm"

    result = transcribe_file(make(tmp_path, gap))

    assert len(sent(vendor)) == 2
    assert result["duration"] == pytest.approx(7_202, abs=0.2)
    assert result["silentSeconds"] == pytest.approx(11 * 600, abs=1)


def test_recording_whose_last_part_is_too_short_for_openai_is_sent_without_it(
    transcribe_file: TranscribeFile, vendor: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preppath_workers.jobs.transcription.audio.MAX_AUDIO_BYTES", 1_000)
    monkeypatch.setattr("preppath_workers.jobs.transcription.in_parts.PART_SECONDS", 1.95)

    assert transcribe_file(make(tmp_path, "-f wav"))["characters"]
    assert len(sent(vendor)) == 1


def test_recording_that_is_too_short_for_openai_fails_with_the_reason(
    transcribe_file: TranscribeFile, vendor: OpenAIServer, tmp_path: Path
) -> None:
    vendor.order({"path": PATH, "status": 400, "param": "file", "code": "audio_too_short"})

    with pytest.raises(PermanentError, match=r"ffmpeg finds less than 0\.1 s of sound in it"):
        transcribe_file(make(tmp_path, "-f wav", "sine=duration=0.05"))


@pytest.mark.parametrize("content", [b"<html>not found</html>", b"\x89PNG\r\n\x1a\n", bytes(5_000), b"x"])
def test_unreadable_recording_fails_with_the_reason_and_costs_nothing(
    transcribe_file: TranscribeFile, vendor: OpenAIServer, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "recording"
    file.write_bytes(content)
    with file.open("rb") as opened:
        assert audio_format(opened) is None

    with pytest.raises(PermanentError, match="ffmpeg finds no sound"):
        transcribe_file(file, "r1.webm", "audio/webm")
    assert vendor.calls(PATH) == []
