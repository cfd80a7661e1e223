"""The server's models with their shutdown dates, those of OpenAI's deprecations page in November 2026."""

from __future__ import annotations

from preppath_workers.offline.api.models import Model, Models

MODELS = Models(
    {
        "gpt-4-1106-preview": Model("chat", "2026-10-23", gone=True),
        "gpt-6-luna": Model("chat"),
        "gpt-6-sol": Model("chat"),
        "tts-1": Model("speech", "2027-01-06"),
        "tts-1-hd": Model("speech", "2027-01-06"),
        "gpt-4o-mini-tts": Model("speech", "2027-01-06"),
        "whisper-1": Model("transcription", "2027-02-26"),
        "gpt-4o-transcribe": Model("transcription", "2027-02-26"),
        "gpt-4o-mini-transcribe": Model("transcription", "2027-02-26"),
        "gpt-transcribe": Model("transcription"),
        "gpt-realtime-2.1-mini": Model("realtime"),
    }
)
