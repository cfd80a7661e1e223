"""A Redis whose clock can be set, by libfaketime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.support.redis import RedisServer

#: Where Debian, Ubuntu and Fedora put it; the package is called libfaketime on all of them.
_LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib*/faketime/libfaketime.so.1")


def library() -> Path | None:
    """The library, if it is installed."""
    found = (path for pattern in _LIBRARIES for path in Path("/").glob(pattern.lstrip("/")))
    return next(found, None)


class ClockedRedis(RedisServer):
    """A server whose clock is as wrong as the file says, if `has_clock` is set when it starts."""

    def __init__(self, clock: Path, port: int, settings: Mapping[str, str]) -> None:
        super().__init__(port, settings=settings)
        self._clock = clock
        self.has_clock = False

    def launch(self) -> None:
        if not self.has_clock:
            super().launch()
            return
        self.set_clock(0)
        environment = {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.spawn(self.command(), environment=environment)

    def set_clock(self, seconds: int) -> None:
        """Set the clock forward by this much; back if negative."""
        new = self._clock.with_suffix(".new")
        new.write_text(f"{seconds:+d}", encoding="ascii")
        new.replace(self._clock)  # atomic: the server reads it continuously
