"""The process title in `ps`, `top` and the kernel's log, such as `preppath: tts[1] job 01J… 12 s`."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache
from pathlib import Path


class ProcessTitle:
    """Sets the title of the current process. No-op on systems that do not support it.

    The kernel reads the title from the memory of the original command line, so the title is written there and
    cut to that length. The environment behind it is not overwritten, because C libraries read it there.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._memory = _command_line()
        # The last byte stays zero, or the kernel appends the environment.
        self._max_length = max(0, len(self._memory) - 1)
        self._shows_job = False
        with suppress(OSError):  # the short name of 15 characters (proc(5))
            Path("/proc/self/comm").write_bytes(f"preppath {name}".encode())

    def show(self, state: str = "") -> None:
        """Set the title to `preppath: NAME STATE`."""
        text = f"preppath: {self._name} {state}".rstrip().encode("ascii", "replace")
        self._memory[:] = text[: self._max_length].ljust(len(self._memory), b"\0")

    def show_job(self, job_id: str, seconds: float) -> None:
        """Show the active job and the seconds it has run."""
        self._shows_job = True
        duration = f"{seconds:.0f} s"
        room = self._max_length - len(f"preppath: {self._name} job  {duration}")
        self.show(f"job {_shortened(job_id, room)} {duration}")

    def end_job(self) -> None:
        """Show `idle` again. No-op for jobs too short to have been shown."""
        if self._shows_job:
            self._shows_job = False
            self.show("idle")


def _shortened(job_id: str, room: int) -> str:
    """Return the id cut to `room` characters. Characters other than printable ASCII become `?`, because an id
    may contain terminal escape sequences."""
    printable = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in job_id)
    return printable if len(printable) <= room else f"{printable[: max(0, room - 2)]}.."


# Cached before the fork: forked processes have it at the same address, and share the ctypes type's memory.
@cache
def _command_line() -> memoryview:
    """Return the memory of this process's command line; empty if it cannot be found."""
    try:
        # The name in parentheses may contain anything, so split behind it; proc(5) counts two more fields.
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        start, end = int(fields[45]), int(fields[46])
        return memoryview((ctypes.c_char * (end - start)).from_address(start)).cast("B")
    except (OSError, IndexError, ValueError):
        return memoryview(bytearray())
