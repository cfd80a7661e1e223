"""The names that the server answers to: those of OpenAI's models which this project uses."""

from __future__ import annotations

from .api.models import Model, Models

MODELS = Models(
    {
        "gpt-transcribe": Model("transcription"),
        "whisper-1": Model("transcription"),
        "gpt-4o-transcribe": Model("transcription"),
        "gpt-4o-mini-transcribe": Model("transcription"),
        "gpt-realtime-2.1-mini": Model("realtime"),
        "tts-1": Model("speech"),
        "tts-1-hd": Model("speech"),
        "gpt-4o-mini-tts": Model("speech"),
        "gpt-6-luna": Model("chat"),
        "gpt-6-sol": Model("chat"),
    },
    owner="preppath-workers offline",
    lists_names=True,
)
