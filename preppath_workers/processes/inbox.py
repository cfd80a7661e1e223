"""The signals of a supervisor: held from its first moment, and fetched by its loop one at a time.

There is no handler that could break into anything. And they are told to the first process of a container too,
which never hears of a signal that it neither holds nor handles.
"""

from __future__ import annotations

import signal

#: What a terminal, or whoever signals the whole process group, sends to everybody: the children ignore these.
EVERYBODYS = (signal.SIGINT, signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU)

_HELD = (signal.SIGTERM, signal.SIGCHLD, *EVERYBODYS)


def hold() -> None:
    """From here on the signals wait to be fetched."""
    # Whoever started us may have ignored SIGCHLD, and then no child's end would ever be told.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)


def fetch(seconds: float) -> signal.Signals | None:
    """The next signal; None when none came within so many seconds."""
    received = signal.sigtimedwait(_HELD, seconds)
    # Stopped, and continued after the time was over, CPython 3.11 returns a signal that nobody has sent.
    if received is None or received.si_signo not in _HELD:
        return None
    return signal.Signals(received.si_signo)
