"""Tells a shortage of this machine from a failure of a service or a job: by errno, wherever it surfaced."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from typing import IO

from ..errors import MachineError

#: What each errno says that the machine lacks.
_RESOURCES = {
    errno.ENOSPC: "disk",
    errno.EDQUOT: "disk",
    errno.EROFS: "disk",
    errno.EIO: "disk",
    errno.EMFILE: "descriptors",
    errno.ENFILE: "descriptors",
    errno.ENOMEM: "memory",
    errno.ENOBUFS: "memory",
}


def machine_error(error: BaseException) -> MachineError | None:
    """Return the MachineError that stands for this error or for one that led to it; None if none does.

    Client libraries wrap an OSError in errors of their own (a socket that cannot be opened becomes "no
    connection"), so the chain of causes is searched too.
    """
    for cause in _chain(error):
        if isinstance(cause, MachineError):
            return cause
        if isinstance(cause, MemoryError):
            return MachineError("memory", "this machine is out of memory")
        if isinstance(cause, OSError) and cause.errno in _RESOURCES:
            return _of_errno(cause.errno)
    return None


def machine_error_of_exit(status: int) -> MachineError | None:
    """Return the MachineError for the exit status of a program that exits with a negated errno, as ffmpeg
    does; None if it stands for no shortage."""
    number = 256 - status
    return _of_errno(number) if number in _RESOURCES else None


def machine_error_of_text(text: str) -> MachineError | None:
    """Return the MachineError for a message of a C library that gives no code and ends with strerror's words;
    None if it names no shortage."""
    for number in _RESOURCES:
        if text.rstrip(". \n").endswith(os.strerror(number)):
            return _of_errno(number)
    return None


def spawn_error(error: OSError) -> MachineError | None:
    """The same for an error of a fork or exec, for which EAGAIN means that no more processes are allowed."""
    if error.errno == errno.EAGAIN:
        return MachineError("processes", "this machine allows no more processes")
    return machine_error(error)


def temporary_file() -> IO[bytes]:
    """Return a file without a name: however this process ends, its disk space is freed.

    Raises MachineError if there is no space, no descriptor, or no directory to write to.
    """
    try:
        return tempfile.TemporaryFile()
    except FileNotFoundError as error:
        # tempfile tries every directory with a write, and says only this if all are full.
        raise MachineError("disk", f"no temporary file can be made: {error.strerror}") from error
    except OSError as error:
        raise machine_error(error) or error from None


def _of_errno(number: int) -> MachineError:
    return MachineError(_RESOURCES[number], f"this machine: {os.strerror(number)}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
