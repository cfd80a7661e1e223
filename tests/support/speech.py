"""Real speech from text, by eSpeak NG (from the wheel `espeakng-loader`).

Enumerations and signatures are those of eSpeak NG's `speak_lib.h`.
"""

from __future__ import annotations

import ctypes
import threading
from dataclasses import dataclass
from functools import cache

import espeakng_loader

from .wav import Wav

#: Words a minute at speed 1: eSpeak's own default.
NORMAL_RATE = 175

#: The fewest words a minute that eSpeak can speak.
SLOWEST_RATE = 80

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples go to the callback, no thread is started
_DO_NOT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: report a failure instead of ending the process
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_UTF8 = 1  # espeakCHARS_UTF8

#: eSpeak keeps its state in globals: one thread at a time may use it.
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Voice:
    """An eSpeak language with a variant, its pitch and pitch range, both 0 to 100."""

    variant: str
    pitch: int = 50
    range: int = 50


#: The voices of OpenAI's speech endpoint, each with an eSpeak voice.
VOICES = {
    "alloy": Voice("en-us+f2", 35),
    "ash": Voice("en-us+m1", 40),
    "ballad": Voice("en-gb-x-rp+m2", 50, 70),
    "cedar": Voice("en-us+m7", 35),
    "coral": Voice("en-us+f3", 60, 70),
    "echo": Voice("en-us+m3", 45),
    "fable": Voice("en-gb-x-rp+m4", 55, 60),
    "marin": Voice("en-us+f5", 55),
    "nova": Voice("en-us+f4", 70),
    "onyx": Voice("en-us+m3", 15, 40),
    "sage": Voice("en-gb-x-rp+f2", 50),
    "shimmer": Voice("en-us+f1", 75),
    "verse": Voice("en-us+m5", 50, 65),
}


def synthesize(text: str, voice: str = "alloy", speed: float = 1.0) -> Wav:
    """Return the text, spoken in English by one of VOICES. `speed` 2 is twice as fast; 0.46 is the slowest.
    The samples differ from call to call, as eSpeak's voices flutter. Raises KeyError for an unknown voice."""
    with _LOCK:
        return _engine().speak(text, VOICES[voice], speed)


@cache
def _engine() -> _Engine:
    return _Engine()


class _Engine:
    """eSpeak NG: one engine a process, one text at a time."""

    def __init__(self) -> None:
        self._samples = bytearray()
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self._rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DO_NOT_EXIT)
        if self._rate <= 0:
            raise RuntimeError("eSpeak NG does not start")
        signature = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
        self._callback = signature(self._take)  # kept: eSpeak holds a bare pointer to it
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: Voice, speed: float) -> Wav:
        self._samples.clear()
        self._library.espeak_SetVoiceByName(voice.variant.encode())
        self._library.espeak_SetParameter(_RATE, max(SLOWEST_RATE, round(NORMAL_RATE * speed)), 0)
        self._library.espeak_SetParameter(_PITCH, voice.pitch, 0)
        self._library.espeak_SetParameter(_RANGE, voice.range, 0)
        encoded = text.replace("\0", " ").encode()
        self._library.espeak_Synth(encoded, ctypes.c_size_t(len(encoded) + 1), 0, 0, 0, _UTF8, None, None)
        return Wav(bytes(self._samples), self._rate)

    def _take(self, samples: int | None, count: int, events: int | None) -> int:
        if samples and count > 0:
            self._samples += ctypes.string_at(samples, count * 2)
        return 0  # continue
