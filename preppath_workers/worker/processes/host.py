"""Process limits and standard descriptors, set before the supervisor forks and inherited by all processes."""

from __future__ import annotations

import ctypes
import os
import resource
from contextlib import suppress

#: Options of mallopt(3), by their numbers in malloc.h, and their values in bytes: the smallest block that is
#: returned when it is freed (M_MMAP_THRESHOLD); how much of the heap's end may be free (M_TRIM_THRESHOLD),
#: and what is kept of more than that (M_TOP_PAD).
_MALLOC_OPTIONS = {-3: 2**17, -1: 2**15, -2: 2**14}


def open_standard_files() -> None:
    """Open the standard descriptors that are closed, on /dev/null.

    Otherwise the next file or connection would get the number of one, and prints would write into it.
    """
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            return
        os.set_inheritable(descriptor, True)


def raise_descriptor_limit() -> None:
    """Raise the soft limit of open files to the hard limit. Its low default is for users of select(2)."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(OSError, ValueError):  # Python raises ValueError for some kernel errors
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def forbid_core_dumps() -> None:
    """Forbid core dumps, which would contain every key and password.

    A limit of 1 byte instead of 0 also keeps the kernel from piping the dump to a collector (fs/coredump.c).
    """
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    limit = 1 if hard == resource.RLIM_INFINITY else min(1, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def return_freed_memory() -> None:
    """Make malloc return memory to the system soon after it was freed, for as long as the process lives.

    glibc would keep all blocks up to the size of the largest that was freed, and 128 KiB at the end of the
    heap: a worker would keep what a recording and its encoder once took.
    """
    # Other C libraries have no mallopt, or ignore it.
    with suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in _MALLOC_OPTIONS.items():
            mallopt(option, value)
