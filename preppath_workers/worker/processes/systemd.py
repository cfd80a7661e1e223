"""Reports the supervisor's state to systemd by sd_notify(3), one datagram per message."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping
from enum import Enum
from typing import Self

#: Seconds between two watchdog messages, also without a watchdog: they extend systemd's timeouts.
_WATCHDOG_INTERVAL = 5.0

#: Seconds between two status lines.
_STATUS_INTERVAL = 1.0


class Phase(Enum):
    """The state of a service, and the message that announces it."""

    STARTING = ""
    READY = "READY=1"
    RELOADING = "RELOADING=1"
    STOPPING = "STOPPING=1"


class Notifier:
    """Sends changes to systemd. No-op if the supervisor was not started by systemd.

    A message that cannot be sent at once is dropped and sent with the next report, so a slow systemd never
    blocks the supervisor. Each message has a socket of its own, so no forked process inherits it.
    """

    def __init__(self, address: str = "", watchdog: float = 0.0) -> None:
        """Prepare the notifier.

        Args:
            address: as in NOTIFY_SOCKET; empty for none.
            watchdog: systemd's watchdog timeout (s), 0 for none.
        """
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._interval = min(_WATCHDOG_INTERVAL, watchdog / 2) if watchdog else _WATCHDOG_INTERVAL
        self._phase, self._status = Phase.STARTING, ""
        self._beat_at = self._status_at = float("-inf")

    @classmethod
    def from_environment(cls, variables: MutableMapping[str, str]) -> Self:
        """Return the notifier for systemd's variables, and remove these from the environment."""
        address = variables.pop("NOTIFY_SOCKET", "")
        microseconds = variables.pop("WATCHDOG_USEC", "")
        watched = variables.pop("WATCHDOG_PID", "") in ("", str(os.getpid()))
        watchdog = int(microseconds) / 1e6 if watched and microseconds.isdigit() else 0.0
        # Only paths and abstract names are local addresses.
        return cls(address if address.startswith(("/", "@")) else "", watchdog)

    def report(self, phase: Phase, status: str, good_for: float) -> None:
        """Send what has changed. Call this in every turn.

        Args:
            phase: the state of the service.
            status: a line for `systemctl status`.
            good_for: seconds for which the supervisor is healthy; 0 lets the watchdog expire.
        """
        if not self._address:
            return
        now = time.monotonic()
        changed = phase is not self._phase
        beats = good_for > 0 and (changed or now >= self._beat_at + self._interval)
        has_status = status != self._status and (changed or now >= self._status_at + _STATUS_INTERVAL)
        lines: list[str] = []
        if changed:
            lines.append(phase.value)
        if changed and phase is Phase.RELOADING:
            lines.append(f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        if beats:
            lines.append("WATCHDOG=1")
        if beats and phase is not Phase.READY:
            lines.append(f"EXTEND_TIMEOUT_USEC={round(good_for * 1e6)}")
        if has_status:
            lines.append(f"STATUS={status}")
        if not lines or not self._send("\n".join(lines)):
            return
        self._phase = phase
        if beats:
            self._beat_at = now
        if has_status:
            self._status, self._status_at = status, now

    def _send(self, message: str) -> bool:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(message.encode(), self._address)
        except OSError:  # no listener, a full socket buffer, or no descriptor left
            return False
        return True
