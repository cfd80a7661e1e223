"""The most that transcriptions can use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...clients.openai import worst_case
from ...clients.openai.models import MAX_AUDIO_BYTES
from ...clients.services import Services
from ...clients.usage import Usage
from ...errors import InvalidJob, PermanentError
from ..validation import identifier
from . import records
from .in_parts import MAX_RECORDING_SECONDS, PART_SECONDS

#: Each part is counted up to two seconds longer than it is, and is at least half as long as allowed.
_LONGEST_IN_PARTS = MAX_RECORDING_SECONDS * (1 + 4 / PART_SECONDS)


def worst_cases(datas: Sequence[dict[str, Any]], services: Services) -> Iterator[Sequence[Usage]]:
    """Yield the most that the requests of each job can use, by its recording's size; none for a job that will
    be refused or is transcribed already. Raises what the database and the storage raise."""
    model = services.openai.config.transcription.model
    for data in datas:
        try:
            yield _requests(model, data, services)
        except (InvalidJob, PermanentError):
            yield []


def _requests(model: str, data: dict[str, Any], services: Services) -> Sequence[Usage]:
    recording = records.find(services.database, identifier(data, "recordingId"), identifier(data, "userId"))
    if recording is None or records.is_transcribed(recording):
        return []
    size = services.storage.size(recording["filename"])
    by_size = worst_case.transcription(model, size, None)
    if size <= MAX_AUDIO_BYTES:
        return [by_size]
    in_parts = worst_case.transcription(model, size, _LONGEST_IN_PARTS)
    return [min(by_size, in_parts, key=lambda usage: usage.seconds)]
