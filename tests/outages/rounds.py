"""Plays cases in parallel, on separate servers."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from .environment import set_up
from .invariants import Row, judge
from .table import Case
from .trial import play


def play_all(cases: Sequence[Case], folder: Path, at_once: int) -> Iterator[Row]:
    """Yield the figures of each case as soon as it is played. Raises what kept a case from being played."""
    waiting: queue.SimpleQueue[Case] = queue.SimpleQueue()
    done: queue.SimpleQueue[Row | BaseException] = queue.SimpleQueue()
    for case in cases:
        waiting.put(case)
    for number in range(min(at_once, len(cases))):
        own = folder / f"environment-{number}"
        own.mkdir()
        # The servers die with the thread that started them, so each thread plays many cases.
        threading.Thread(target=_play_some, args=(waiting, done, own), daemon=True).start()
    for _ in cases:
        result = done.get()
        if isinstance(result, BaseException):
            raise result
        yield result


def _play_some(
    waiting: queue.SimpleQueue[Case], done: queue.SimpleQueue[Row | BaseException], folder: Path
) -> None:
    try:
        with set_up(folder) as environment:
            while True:
                done.put(judge(play(waiting.get_nowait(), environment)))
    except queue.Empty:
        pass
    except BaseException as error:  # noqa: BLE001 - it is raised by play_all
        done.put(error)
