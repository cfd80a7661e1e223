"""Tells systemd how the supervisor is: sd_notify(3), one datagram a message, without a library."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping
from enum import Enum
from typing import Self

#: Seconds between two signs of life, also when nobody watches: they lengthen what systemd waits for.
_SIGN_INTERVAL = 5.0

#: Seconds between two status lines.
_STATUS_INTERVAL = 1.0


class Phase(Enum):
    """Where a service stands, and the words that announce it."""

    STARTING = ""
    READY = "READY=1"
    RELOADING = "RELOADING=1"
    STOPPING = "STOPPING=1"


class Notifier:
    """Repeats what it is told as far as it is news, and does nothing where nobody listens.

    A message that can not be sent at once is dropped and counts as news the next time, so that a systemd that
    is busy or gone holds nothing up. The socket is a new one for every message: no child inherits it.
    """

    def __init__(self, address: str = "", watchdog: float = 0.0) -> None:
        """`address` as in NOTIFY_SOCKET; `watchdog` is the number of seconds after which systemd loses its
        patience, 0 when it has any amount."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._sign_interval = min(_SIGN_INTERVAL, watchdog / 2) if watchdog else _SIGN_INTERVAL
        self._phase, self._status = Phase.STARTING, ""
        self._signed_at = self._status_at = float("-inf")

    @classmethod
    def from_environment(cls, variables: MutableMapping[str, str]) -> Self:
        """The one that systemd asks for. Its variables are taken out, for they are not the children's."""
        address = variables.pop("NOTIFY_SOCKET", "")
        microseconds = variables.pop("WATCHDOG_USEC", "")
        watched = variables.pop("WATCHDOG_PID", "") in ("", str(os.getpid()))
        watchdog = int(microseconds) / 1e6 if watched and microseconds.isdigit() else 0.0
        # Nothing but a path or an abstract name is an address on this machine.
        return cls(address if address.startswith(("/", "@")) else "", watchdog)

    def report(self, phase: Phase, status: str, good_for: float) -> None:
        """To be called again and again. `good_for` is the number of seconds that the supervisor vouches for
        from now on, 0 when it can not: then systemd's patience runs out."""
        if not self._address:
            return
        now = time.monotonic()
        news = phase is not self._phase
        signs = good_for > 0 and (news or now >= self._signed_at + self._sign_interval)
        tells = status != self._status and (news or now >= self._status_at + _STATUS_INTERVAL)
        lines: list[str] = []
        if news:
            lines.append(phase.value)
        if news and phase is Phase.RELOADING:
            lines.append(f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        if signs:
            lines.append("WATCHDOG=1")
        if signs and phase is not Phase.READY:
            lines.append(f"EXTEND_TIMEOUT_USEC={round(good_for * 1e6)}")
        if tells:
            lines.append(f"STATUS={status}")
        if not lines or not self._send("\n".join(lines)):
            return
        self._phase = phase
        if signs:
            self._signed_at = now
        if tells:
            self._status, self._status_at = status, now

    def _send(self, message: str) -> bool:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(message.encode(), self._address)
        except OSError:  # nobody listens, nobody reads, or there is no descriptor left
            return False
        return True
