"""The check that no test changes how signals are handled."""

from __future__ import annotations

import signal

import pytest

from tests.support.signal_state import unchanged


def test_handler_that_is_left_is_named_and_put_back() -> None:
    before = signal.getsignal(signal.SIGUSR2)
    with pytest.raises(AssertionError, match=r"changed: SIGUSR2$"), unchanged():
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGUSR2) == before


def test_signal_that_is_left_blocked_is_named_and_unblocked() -> None:
    with pytest.raises(AssertionError, match=r"changed: SIGUSR2$"), unchanged():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    assert signal.SIGUSR2 not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_handler_that_is_put_back_is_no_change() -> None:
    with unchanged():
        before = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        signal.signal(signal.SIGUSR2, before)


def test_timer_of_pytest_timeout_that_a_failure_ends_is_no_change() -> None:
    before = signal.getsignal(signal.SIGALRM)
    try:
        with unchanged():
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGALRM, before)
