"""The last days of the configured models, as far as OpenAI has announced them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ..clients.openai.models import announced_end, successor
from ..queue.formatting import span

_DAY_MS = 86_400_000
#: Before this, the page does not speak of it (ms).
_SOON = 90 * _DAY_MS


@dataclass(frozen=True)
class ModelEnd:
    """When a model is shut down: ms since the epoch, the beginning of its last day (UTC)."""

    model: str
    at: int

    @classmethod
    def of(cls, model: str) -> ModelEnd | None:
        """Return the end of a model, None if none is known."""
        day = announced_end(model)
        if day is None:
            return None
        return cls(model, round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000))

    def words(self, now: int) -> str | None:
        """Return what an operator should know of it now, None if it is far away."""
        if self.at - now > _SOON:
            return None
        day = datetime.fromtimestamp(self.at / 1000, UTC).date()
        when = f"was shut down on {day}" if self.at <= now else f"ends on {day}, in {span(self.at - now)}"
        advice = successor(self.model)
        return f"model {self.model} {when}" + (f"; its successor is {advice}" if advice else "")
