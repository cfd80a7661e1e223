"""The signals of an instance, which the supervisor blocks and fetches in its loop."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

#: Signals that a terminal sends to the whole process group: workers and the janitor ignore them.
GROUP_SIGNALS = (signal.SIGINT, signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU)

#: By which the janitor tells the supervisor that running jobs are cancelled.
CANCEL = signal.SIGUSR1

#: Asks the janitor to release the lease and exit. Not SIGTERM, because a container may send that to the whole
#: process group, and the janitor must outlive the workers.
LEAVE = signal.SIGUSR1

_BLOCKED = (signal.SIGTERM, signal.SIGCHLD, CANCEL, *GROUP_SIGNALS)


def block() -> None:
    """Block the supervisor's signals, so that only `wait` receives them."""
    # The parent may have ignored SIGCHLD, and then it would not be delivered.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)


@contextmanager
def blocked() -> Iterator[None]:
    """Block the supervisor's signals until the block ends. Those that were not fetched are dropped."""
    mask, handler = signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.getsignal(signal.SIGCHLD)
    block()
    try:
        yield
    finally:
        while wait(0):
            pass
        signal.signal(signal.SIGCHLD, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def wait(seconds: float) -> signal.Signals | None:
    """Return the next signal, or None if none arrives within `seconds`."""
    received = signal.sigtimedwait(_BLOCKED, seconds)
    # After SIGSTOP and SIGCONT, CPython 3.11 may return a signal that was not sent.
    if received is None or received.si_signo not in _BLOCKED:
        return None
    return signal.Signals(received.si_signo)
