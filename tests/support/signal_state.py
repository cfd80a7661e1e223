"""How signals are handled in the tests' process: processes that tests start inherit what is ignored."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

#: All but those that no process can handle, and the nameless ones.
_SIGNALS = [*{*signal.Signals} - {signal.SIGKILL, signal.SIGSTOP}]


@contextmanager
def unchanged() -> Iterator[None]:
    """Raise AssertionError if the block leaves a signal with another handler, or blocked; restore it."""
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    if signal.getsignal(signal.SIGALRM) == signal.SIG_DFL:
        # So pytest-timeout ends its timer if the test fails, which would be reported as a second failure.
        del handlers[signal.SIGALRM]
    changed = [number for number, handler in handlers.items() if signal.getsignal(number) != handler]
    changed += blocked ^ signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    for number in changed:
        if number in handlers:
            signal.signal(number, handlers[number])
    names = sorted({signal.Signals(number).name for number in changed})
    assert not changed, f"how signals are handled was changed: {', '.join(names)}"
