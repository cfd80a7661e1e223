"""What the program asks of the machine before it forks: its children inherit it all."""

from __future__ import annotations

import os
import resource
from contextlib import suppress


def open_standard_files() -> None:
    """Opens those that are closed. Otherwise the next file or connection would get the number of one, and
    whatever prints would write into it."""
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            return
        os.set_inheritable(descriptor, True)


def raise_descriptor_limit() -> None:
    """Allows as many open files as an administrator does. The usual soft limit is one for programs that call
    select(2), which we do not."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(OSError, ValueError):  # ValueError is what Python makes of some errors of the kernel
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def forbid_core_dumps() -> None:
    """A dump holds every key and password. With a limit of 1 byte the kernel writes no file, and starts no
    program that collects dumps either, which it would with 0 (see fs/coredump.c)."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    limit = 1 if hard == resource.RLIM_INFINITY else min(1, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
