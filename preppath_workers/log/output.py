"""Where log lines go: each in one piece, and none of them waits for a reader that reads no more.

A process that blocks in a write of its log can be neither stopped nor interrupted. O_NONBLOCK belongs to the
open file, which others share (the shell, every child, whoever started us), so it is never set on theirs.
"""

from __future__ import annotations

import os
import select
import socket
import stat
import time
from typing import Protocol, TextIO

#: Bytes of a line: what journald takes in one piece (LineMax=48K), and a socket in one packet.
_LONGEST_LINE = 32 * 1024


class Output(Protocol):
    """Takes whole lines."""

    #: Bytes of a line, its end included.
    limit: int

    def write(self, line: bytes, patience: float) -> bool:
        """Whether the line was written; waits `patience` seconds for room at most. Raises no OSError."""

    def close(self) -> None: ...


class Nowhere:
    """For a process that was started without standard error: its number may be any other file's by now."""

    limit = _LONGEST_LINE

    def write(self, line: bytes, patience: float) -> bool:
        return True

    def close(self) -> None:
        pass


class StreamOutput:
    """A stream that is no file of the system."""

    limit = _LONGEST_LINE

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: bytes, patience: float) -> bool:
        self._stream.write(line.decode("utf-8"))
        return True

    def close(self) -> None:
        pass


class FileOutput:
    """A file, pipe, terminal or socket by its descriptor, which stays the caller's."""

    def __init__(self, descriptor: int) -> None:
        mode = os.fstat(descriptor).st_mode
        self._descriptor = descriptor
        self._own: int | None = None
        self._socket: socket.socket | None = None
        # A write of more may be mixed with those of other processes (pipe(7)).
        self.limit = select.PIPE_BUF if stat.S_ISFIFO(mode) else _LONGEST_LINE
        self._may_block = not stat.S_ISREG(mode)
        #: Whether a line was begun and not finished.
        self._is_torn = False
        if stat.S_ISSOCK(mode):
            self._socket = socket.socket(fileno=os.dup(descriptor))
            self._may_block = False
        elif stat.S_ISFIFO(mode) or os.isatty(descriptor):
            self._own = _reopened(descriptor)
            self._may_block = self._own is None

    def write(self, line: bytes, patience: float) -> bool:
        line = b"\n" + line if self._is_torn else line
        left = memoryview(line)
        deadline = time.monotonic() + patience
        try:
            while left:
                # Without a description of our own: another process may still be faster, but hardly ever.
                if self._may_block and not self._has_room(deadline):
                    break
                try:
                    left = left[self._put(left) :]
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        break
                    self._has_room(deadline)
        except OSError:
            pass  # the reader is gone, or the disk is full: the caller counts what is lost
        if len(left) < len(line):
            self._is_torn = bool(left)
        return not left

    def close(self) -> None:
        if self._own is not None:
            os.close(self._own)
        if self._socket:
            self._socket.close()

    def _put(self, data: memoryview) -> int:
        if self._socket:
            return self._socket.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        return os.write(self._descriptor if self._own is None else self._own, data)

    def _has_room(self, deadline: float) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))


def _reopened(descriptor: int) -> int | None:
    """The same pipe or terminal, opened once more so that writing never blocks; None where that is refused,
    as it is when it belongs to another user."""
    try:
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        return os.open(f"/proc/self/fd/{descriptor}", flags)
    except OSError:
        return None
