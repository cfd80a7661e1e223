"""What `ps`, `top` and the kernel's log call a process: `preppath: tts[1] job 01J… 12 s`."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache
from pathlib import Path


class ProcessTitle:
    """The title of the process that makes it; nothing where the system knows none.

    The kernel shows whatever stands where it once put the command line, so the title is written there, cut to
    that length. The environment's variables, which come next, are left alone: C libraries read them there.
    """

    def __init__(self, who: str) -> None:
        self._who = who
        self._place = _command_line()
        # The last byte stays zero, or the kernel shows the environment, which comes next, as well.
        self._room = max(0, len(self._place) - 1)
        self._shows_job = False
        with suppress(OSError):  # for everything that shows no more than 15 characters (proc(5))
            Path("/proc/self/comm").write_bytes(f"preppath {who}".encode())

    def show(self, what: str = "") -> None:
        """Makes `preppath: WHO WHAT` the title."""
        text = f"preppath: {self._who} {what}".rstrip().encode("ascii", "replace")
        self._place[:] = text[: self._room].ljust(len(self._place), b"\0")

    def show_job(self, job_id: str, seconds: float) -> None:
        """Shows the job in hand, and for how long it has been that."""
        self._shows_job = True
        took = f"{seconds:.0f} s"
        room = self._room - len(f"preppath: {self._who} job  {took}")
        self.show(f"job {_shortened(job_id, room)} {took}")

    def end_job(self) -> None:
        """Shows no job any more. A job that was never shown changes nothing: a short one must not pay for a
        title."""
        if self._shows_job:
            self._shows_job = False
            self.show("idle")


def _shortened(job_id: str, room: int) -> str:
    """The id, or its beginning. Ids are producers' words: what is no character to be seen becomes a `?`, or a
    terminal might take it for an order."""
    seen = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in job_id)
    return seen if len(seen) <= room else f"{seen[: max(0, room - 2)]}.."


# Found once, by the supervisor, whose children have it in the same place: the type that ctypes makes for it
# costs each a third of a MiB.
@cache
def _command_line() -> memoryview:
    """The memory of this process's command line; empty where it can not be found."""
    try:
        # What follows the name, which is in brackets and may hold anything; proc(5) counts two fields more.
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        start, end = int(fields[45]), int(fields[46])
        return memoryview((ctypes.c_char * (end - start)).from_address(start)).cast("B")
    except (OSError, IndexError, ValueError):
        return memoryview(bytearray())
