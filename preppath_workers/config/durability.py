"""How safe a write must be before its caller goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: The longest wait, seconds: less than clients wait for an answer.
LONGEST_WAIT = 4.0


@dataclass(frozen=True)
class Shortfall:
    """A write that was confirmed by fewer replicas than wanted, or isn't `on_disk` at the primary."""

    wanted: int
    confirmed: int
    on_disk: bool = True


@dataclass(frozen=True)
class Durability:
    """Which copies of a write Redis has to confirm.

    Args:
        replicas: replicas that must have received the write.
        seconds: how long to wait for them, up to 4; less than the client's `socket_timeout`.
        fsync: whether the primary and these replicas must have written it to their append-only files. Needs
            Redis 7.2 or Valkey, and takes about a second: replicas report that once a second.

    Raises ValueError if a value is out of range.
    """

    replicas: int = 1
    seconds: float = 2.0
    fsync: bool = False

    def __post_init__(self) -> None:
        if self.replicas < 0 or (self.replicas == 0 and not self.fsync):
            raise ValueError(f"replicas must be 1 or more, or 0 with fsync, not {self.replicas!r}")
        if not 0.001 <= self.seconds <= LONGEST_WAIT:
            raise ValueError(f"seconds must be 0.001 to {LONGEST_WAIT:g}, not {self.seconds!r}")

    @property
    def command(self) -> tuple[Any, ...]:
        """The command that waits for what the same connection has written before."""
        limits = (str(self.replicas), str(round(self.seconds * 1000)))
        return ("WAITAOF", "1", *limits) if self.fsync else ("WAIT", *limits)

    @property
    def nothing(self) -> Any:
        """The answer of a server where nothing is confirmed."""
        return (0, 0) if self.fsync else 0

    def shortfall(self, answer: Any) -> Shortfall | None:
        """Return what is missing by the answer to the command; None if nothing is."""
        on_disk, confirmed = answer if self.fsync else (1, answer)
        if on_disk and confirmed >= self.replicas:
            return None
        return Shortfall(self.replicas, int(confirmed), bool(on_disk))


def check_durability(durable: Durability | None) -> None:
    """Check what a producer gave. Raises TypeError."""
    if durable is not None and not isinstance(durable, Durability):
        raise TypeError(f"durable must be a Durability, not {type(durable).__name__}")
