"""Plays cells side by side, each round on servers of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from .stage import set_up
from .table import Cell
from .trial import play
from .verdict import Row, judge


def play_all(cells: Sequence[Cell], folder: Path, at_once: int) -> Iterator[Row]:
    """The cells' figures, as they come. Raises what keeps a cell from being played."""
    waiting: queue.SimpleQueue[Cell] = queue.SimpleQueue()
    done: queue.SimpleQueue[Row | BaseException] = queue.SimpleQueue()
    for cell in cells:
        waiting.put(cell)
    for number in range(min(at_once, len(cells))):
        own = folder / f"stage-{number}"
        own.mkdir()
        # A thread outlives its servers, or they would be killed with it.
        threading.Thread(target=_play_some, args=(waiting, done, own), daemon=True).start()
    for _ in cells:
        result = done.get()
        if isinstance(result, BaseException):
            raise result
        yield result


def _play_some(
    waiting: queue.SimpleQueue[Cell], done: queue.SimpleQueue[Row | BaseException], folder: Path
) -> None:
    try:
        with set_up(folder) as stage:
            while True:
                done.put(judge(play(waiting.get_nowait(), stage)))
    except queue.Empty:
        pass
    except BaseException as error:  # noqa: BLE001 - it is raised where the results are waited for
        done.put(error)
