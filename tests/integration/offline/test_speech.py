"""What the offline provider says, it also hears."""

from __future__ import annotations

import io
import threading

import openai
import pytest

from preppath_workers.clients.audio.mp3_encoder import encode
from preppath_workers.clients.openai.client import OpenAI, SpeechOptions
from preppath_workers.clients.openai.realtime_frames import RATE
from tests.demo.interview import QUESTIONS, Question
from tests.support.offline import OfflineServer
from tests.support.wav import silence
from tests.support.word_error_rate import word_error_rate

pytestmark = pytest.mark.offline

#: The highest word error rate of a question.
LIMIT = 0.15


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.topic)
def test_question_read_over_realtime_is_transcribed(client: OpenAI, question: Question) -> None:
    with client.reader(SpeechOptions("alloy")) as reader:
        reading = reader.read(question.text)
    assert reading.transcript == question.text
    assert reading.usage.output_audio_tokens == pytest.approx(reading.seconds * 20, abs=1)
    mp3 = encode(reading.samples, RATE)
    heard = client.transcribe(io.BytesIO(mp3), "question.mp3", "audio/mpeg")
    assert word_error_rate(question.text, heard.text) <= LIMIT
    assert heard.duration == pytest.approx(reading.seconds, abs=1)


def test_session_speaks_several_texts_with_its_voice_and_speed(client: OpenAI) -> None:
    durations = []
    for speed in (0.8, 1.4):
        with client.reader(SpeechOptions("marin", speed)) as reader:
            durations.append(sum(reader.read(text).seconds for text in ("The first text.", "The second.")))
    assert durations[0] > 1.4 * durations[1]


@pytest.mark.parametrize("kind", ["mp3", "opus", "aac", "flac", "wav"])
def test_speech_in_every_format_is_transcribed(sdk: openai.OpenAI, kind: str) -> None:
    text = "The database keeps every row in one table."
    made = sdk.audio.speech.create(model="tts-1", voice="nova", input=text, response_format=kind)  # type: ignore[arg-type]
    assert made.response.headers["content-type"].startswith("audio/")
    file = (f"speech.{kind}", made.content)
    heard = sdk.audio.transcriptions.create(model="whisper-1", file=file, response_format="verbose_json")
    assert word_error_rate(text, heard.text) <= LIMIT
    assert (heard.language, heard.usage and heard.usage.type) == ("english", "duration")
    assert heard.segments
    assert heard.segments[-1].end <= heard.duration + 0.1
    assert all(segment.no_speech_prob < 0.5 for segment in heard.segments)


def test_lowest_and_highest_voice_can_be_understood(client: OpenAI) -> None:
    question = QUESTIONS[1]
    rates = {}
    for voice in ("cedar", "shimmer"):
        with client.reader(SpeechOptions(voice)) as reader:
            mp3 = encode(reader.read(question.text).samples, RATE)
        heard = client.transcribe(io.BytesIO(mp3), "question.mp3", "audio/mpeg")
        rates[voice] = word_error_rate(question.text, heard.text)
    assert {voice: rate for voice, rate in rates.items() if rate > LIMIT} == {}


@pytest.mark.parametrize("text", ["…", "42 % of [[people]] — 漢字 ?", "\x00\x07"])
def test_text_without_words_is_spoken_all_the_same(client: OpenAI, text: str) -> None:
    with client.reader(SpeechOptions("alloy")) as reader:
        assert reader.read(text).seconds > 0.2


@pytest.mark.parametrize("model", ["gpt-transcribe", "whisper-1"])
def test_silence_gives_an_empty_transcript(sdk: openai.OpenAI, model: str) -> None:
    heard = sdk.audio.transcriptions.create(model=model, file=("silence.wav", silence(4).wav_bytes()))
    assert heard.text == ""
    assert heard.usage
    assert heard.usage.type == "duration"
    assert heard.usage.seconds == 4


def test_listener_who_stops_reading_does_not_silence_the_others(offline: OfflineServer) -> None:
    from preppath_workers.offline.engines.synthesis import Synthesizer  # its packages may be missing

    synthesizer = Synthesizer(threads=1)
    stopped = synthesizer.speak("The first sentence. The second one.", "alloy")
    assert next(stopped)
    heard: list[bytes] = []
    other = threading.Thread(target=lambda: heard.extend(synthesizer.speak("Hello.", "alloy")), daemon=True)
    other.start()
    other.join(20)
    assert heard
    assert next(stopped)
