"""Writes log lines, each in one piece, without blocking on a stuck reader.

A process that blocks in a log write cannot be stopped. O_NONBLOCK is a property of the open file description,
which is shared with the shell and other processes, so it is set only on a description opened here.
"""

from __future__ import annotations

import os
import select
import socket
import stat
import time
from typing import Protocol, TextIO

#: Bytes of a line that journald (LineMax=48K) and a socket accept in one piece.
_MAX_LINE = 32 * 1024


class Output(Protocol):
    """Writes whole lines."""

    #: The most bytes of a line, including its newline.
    limit: int

    def write(self, line: bytes, patience: float) -> bool:
        """Write a line within `patience` seconds. Returns whether it was written. Raises no OSError."""

    def close(self) -> None:
        """Close what was opened here, not the caller's file."""


class NullOutput:
    """Drops every line, for a process without standard error: another file may have that descriptor."""

    limit = _MAX_LINE

    def write(self, line: bytes, patience: float) -> bool:
        return True

    def close(self) -> None:
        pass


class StreamOutput:
    """A Python stream without a descriptor."""

    limit = _MAX_LINE

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: bytes, patience: float) -> bool:
        self._stream.write(line.decode("utf-8"))
        return True

    def close(self) -> None:
        pass


class FileOutput:
    """A file, pipe, terminal or socket, given by a descriptor that the caller closes."""

    def __init__(self, descriptor: int) -> None:
        mode = os.fstat(descriptor).st_mode
        self._descriptor = descriptor
        self._own: int | None = None
        self._socket: socket.socket | None = None
        # Longer writes to a pipe may be interleaved with those of other processes (pipe(7)).
        self.limit = select.PIPE_BUF if stat.S_ISFIFO(mode) else _MAX_LINE
        self._may_block = not stat.S_ISREG(mode)
        #: Whether the last line was written in part.
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
                # Without its own file description the write may block: check for room first.
                if self._may_block and not self._has_room(deadline):
                    break
                try:
                    left = left[self._put(left) :]
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        break
                    self._has_room(deadline)
        except OSError:
            pass  # no reader, or a full disk: the caller counts the dropped line
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
    """Open the pipe or terminal again in non-blocking mode. Returns None if that fails, such as for one of
    another user."""
    try:
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        return os.open(f"/proc/self/fd/{descriptor}", flags)
    except OSError:
        return None
