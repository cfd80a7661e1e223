"""What one paid request to a vendor used, and how a client reports it to the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from .vendor_limits import VendorLimit


@dataclass(frozen=True)
class Usage:
    """What one request used, or can use at most.

    Args:
        model: as the vendor served it.
        tokens: by kind, each token in one of them: `input`, `cached` and `cache_write` (input too), `output`,
            `audio_input`, `audio_cached`, `audio_output`.
        seconds: duration of the audio.
        characters: of a spoken text.
        reasoning_tokens: those among the output tokens, for information.
        tier: the service tier that answered.
        request_id: the vendor's.
        is_estimated: the vendor reported no usage, so this is calculated.
    """

    model: str
    tokens: Mapping[str, int] = field(default_factory=dict)
    seconds: Decimal = Decimal(0)
    characters: int = 0
    reasoning_tokens: int = 0
    tier: str = "default"
    request_id: str | None = None
    is_estimated: bool = False

    def as_record(self) -> dict[str, Any]:
        """Return what the ledger stores of it, as JSON types."""
        known = {
            "model": self.model,
            "tier": self.tier,
            "tokens": {kind: count for kind, count in self.tokens.items() if count},
            "seconds": float(self.seconds),
            "characters": self.characters,
            "reasoning": self.reasoning_tokens,
            "requestId": self.request_id,
        }
        return {name: value for name, value in known.items() if value}


class Payment(Protocol):
    """One paid request in progress."""

    @property
    def id(self) -> str:
        """The request's id in the ledger; empty without one."""

    def charge(self, usage: Usage) -> None:
        """Report what the request used, as soon as the answer is there and before it is judged. The most that
        it can have used counts in place of a usage that cannot be counted, such as a negative one."""

    def note_limits(self, limits: Sequence[VendorLimit]) -> None:
        """Report what the answer says about the vendor's rate limits, if anything."""


class Meter(Protocol):
    """Records paid requests. A job's context is one."""

    def payment(self, worst_case: Usage) -> AbstractContextManager[Payment]:
        """Return a context manager around one paid request. `worst_case`: what it can use at most.

        If the block raises before `charge`, the error decides: a request that may have been processed counts
        as of unknown cost, any other as not charged.
        """


class Unmetered:
    """A meter that records nothing, for requests outside a job."""

    id = ""

    @contextmanager
    def payment(self, _: Usage) -> Iterator[Payment]:
        """Yield a payment that is not recorded."""
        yield self

    def charge(self, _: Usage) -> None:
        """Ignore the usage."""

    def note_limits(self, _: Sequence[VendorLimit]) -> None:
        """Ignore the limits."""


UNMETERED = Unmetered()
