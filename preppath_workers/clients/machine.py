"""Detect shortages of this machine by errno, to distinguish them from failures of services and jobs."""

from __future__ import annotations

import errno
import os
import tempfile
from typing import IO

from ..errors import MachineError
from .causes import causes

#: The resource that is short, by errno.
_RESOURCES = {
    errno.ENOSPC: "disk",
    errno.EDQUOT: "disk",
    errno.EROFS: "disk",
    errno.EIO: "disk",
    errno.EFBIG: "disk",  # larger than RLIMIT_FSIZE or the file system allows
    errno.EMFILE: "descriptors",
    errno.ENFILE: "descriptors",
    errno.ENOMEM: "memory",
    errno.ENOBUFS: "memory",
}
#: Python's message if it cannot start a thread. Its class says nothing.
_NO_THREAD = "can't start new thread"


def machine_error(error: BaseException) -> MachineError | None:
    """Return the MachineError for this error or one of its causes, or None.

    The causes are searched because client libraries wrap an OSError in errors of their own.
    """
    for cause in causes(error):
        if isinstance(cause, MachineError):
            return cause
        if isinstance(cause, MemoryError):
            return MachineError("memory", "this machine is out of memory")
        if isinstance(cause, OSError) and cause.errno in _RESOURCES:
            return _of_errno(cause.errno)
        if isinstance(cause, RuntimeError) and str(cause) == _NO_THREAD:
            return _no_process()
    return None


def machine_error_of_exit(status: int) -> MachineError | None:
    """Return the MachineError for an exit status that is a negated errno, as ffmpeg's, or None."""
    number = 256 - status
    return _of_errno(number) if number in _RESOURCES else None


def machine_error_of_text(text: str) -> MachineError | None:
    """Return the MachineError for a C library's message that ends with strerror's text, or None. Only for
    libraries that give no code."""
    for number in _RESOURCES:
        if text.rstrip(". \n").endswith(os.strerror(number)):
            return _of_errno(number)
    return None


def spawn_error(error: OSError) -> MachineError | None:
    """Return the MachineError for an error of fork or exec, or None. EAGAIN means the limit of processes."""
    if error.errno == errno.EAGAIN:
        return _no_process()
    return machine_error(error)


def temporary_file() -> IO[bytes]:
    """Return an unnamed file, whose disk space is freed however this process ends.

    Raises MachineError without free space, descriptors, or a writable directory.
    """
    try:
        return tempfile.TemporaryFile()
    except FileNotFoundError as error:
        # tempfile writes to each candidate directory, and raises only this if all are full.
        raise MachineError("disk", f"cannot create a temporary file: {error.strerror}") from error
    except OSError as error:
        raise machine_error(error) or error from None


def _of_errno(number: int) -> MachineError:
    return MachineError(_RESOURCES[number], f"this machine: {os.strerror(number)}")


def _no_process() -> MachineError:
    return MachineError("processes", "this machine allows no more processes")
