"""systemd's journal reads a priority at the beginning of a line (sd-daemon(3))."""

from __future__ import annotations

import logging
import os

#: Levels and the priorities of syslog(3): crit, err, warning, info, debug.
_PRIORITIES = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
    (logging.NOTSET, 7),
)

#: Bytes of `<3>`.
PREFIX_BYTES = 3


def is_journal(descriptor: int) -> bool:
    """Return whether the journal reads this file: JOURNAL_STREAM has its device and inode (systemd.exec(5)).

    The variable alone proves nothing, because a program inherits it even if its output is redirected.
    """
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def with_priority(text: str, level: int) -> str:
    """Return the text with the priority of a logging level, such as `<3>`, at the beginning of each line."""
    priority = next(priority for least, priority in _PRIORITIES if level >= least)
    return "\n".join(f"<{priority}>{line}" for line in text.split("\n"))
