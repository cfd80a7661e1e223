"""Process limits and standard descriptors, set before the supervisor forks and inherited by all processes."""

from __future__ import annotations

import os
import resource
from contextlib import suppress

from ...errors import ConfigError


def open_standard_files() -> None:
    """Open the standard descriptors that are closed, on /dev/null.

    Otherwise the next file or connection would get the number of one, and prints would write into it.

    Raises ConfigError without a usable /dev/null.
    """
    while True:
        try:
            descriptor = os.open(os.devnull, os.O_RDWR)
        except (FileNotFoundError, PermissionError) as error:
            raise ConfigError(
                f"cannot open {os.devnull}, which the workers need: {error.strerror}"
            ) from error
        if descriptor > 2:
            os.close(descriptor)
            return
        os.set_inheritable(descriptor, True)


def lacks_standard_files() -> bool:
    """Return whether a standard descriptor is closed."""
    try:
        for descriptor in range(3):
            os.fstat(descriptor)
    except OSError:
        return True
    return False


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
