"""Output of the demo: lines of coloured cells, never wider than the terminal."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from typing import Literal, TextIO

Style = Literal["plain", "bold", "dim", "red", "green", "yellow", "cyan"]

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

#: Characters of the longest line.
WIDEST = 120

#: A text and how it looks.
Cell = tuple[str, Style]


class OutputClosed(Exception):
    """The terminal or the pipe's reader is gone."""


class Screen:
    """Standard output; if it is not a terminal, lines are plain and at most WIDEST."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.is_terminal = stream.isatty() and os.environ.get("TERM") not in (None, "dumb")
        self._has_colours = self.is_terminal and not os.environ.get("NO_COLOR")
        self._drawn = 0

    @property
    def width(self) -> int:
        """Characters of a line."""
        return min(shutil.get_terminal_size().columns, WIDEST) if self.is_terminal else WIDEST

    @property
    def height(self) -> int:
        """Lines."""
        return shutil.get_terminal_size().lines

    def say(self, *cells: Cell | str) -> None:
        """Write one line, cut off at the width."""
        self._write(f"{self._line(cells)}\n")

    def quote(self, text: str) -> None:
        """Write a whole line, to be copied."""
        self._write(f"{text}\n")

    def draw(self, lines: Iterable[Iterable[Cell | str]]) -> None:
        """Write the lines over the last drawing, in one write, to avoid flicker."""
        cut = [f"{self._line(line)}\x1b[K\n" for line in lines]
        above = f"\x1b[{self._drawn}F" if self._drawn else ""
        self._write(f"\x1b[?25l{above}{''.join(cut)}\x1b[J")
        self._drawn = len(cut)

    def release(self) -> None:
        """End the drawing: the next one goes below it, and the cursor is shown."""
        if self._drawn:
            self._drawn = 0
            self._write("\x1b[?25h")

    def _line(self, cells: Iterable[Cell | str]) -> str:
        left, parts = self.width, []
        for cell in cells:
            text, style = cell if isinstance(cell, tuple) else _plain(cell)
            shown = text if len(text) <= left else text[: max(0, left - 1)] + "…" * (left > 0)
            left -= len(shown)
            if shown:
                parts.append(self._styled(shown, style))
        return "".join(parts).rstrip()

    def _styled(self, text: str, style: Style) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self._has_colours and style in _CODES else text

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            # Later output, and Python's own flush, must not fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            raise OutputClosed from error


def _plain(text: str) -> Cell:
    return text, "plain"
