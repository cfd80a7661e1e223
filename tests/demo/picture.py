"""Make the README's pictures from a real run: `python -m tests.demo.picture`.

Writes `pictures/terminal.svg`, an animation of the demo in a terminal, and `pictures/report.webp`, a
screenshot of its report, for which `chromium` must be installed.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import tempfile
import time
from argparse import ArgumentParser
from fcntl import ioctl
from itertools import groupby
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ
from xml.sax.saxutils import escape

import pyte

from tests.support.process import ROOT
from tests.support.tool import run_tool

_PICTURES = Path(__file__).parent / "pictures"

#: The terminal, in characters, and the size of a character, in pixels.
_COLUMNS, _LINES, _WIDTH, _HEIGHT = 100, 36, 8, 17

#: Pixels around the terminal's content.
_MARGIN = 12

#: Frames of the animation before the last one, and the seconds for which each and the last one are shown.
_FRAMES, _EACH, _LAST = 48, 0.6, 12.0

#: By pyte's names; the progress bars' own colour comes as digits.
_COLOURS = {
    "default": "#d7dae0",
    "brightblack": "#868d99",
    "red": "#ff7b72",
    "green": "#56d364",
    "brown": "#e3b341",
    "cyan": "#56c8d8",
}

#: Characters that look alike: column, text, colour and whether they are bold. A line is a row of them.
Run = tuple[int, str, str, bool]
Line = tuple[Run, ...]
Frame = list[Line]


def main() -> int:
    """Run the demo and write both pictures; return the demo's exit code."""
    ArgumentParser(prog="python -m tests.demo.picture", description=__doc__).parse_args()
    _PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        outputs, code = _record([str(ROOT / "bin/demo")], folder)
        if code == 0:
            (_PICTURES / "terminal.svg").write_text(_svg(_frames(outputs)), encoding="utf-8")
            _take_screenshot(Path(folder) / "report.html", _PICTURES / "report.webp")
    return code


def _record(command: list[str], folder: str) -> tuple[list[tuple[float, bytes]], int]:
    """Run the command in the folder, in a terminal; return its outputs with times, and its exit code."""
    controller, terminal = pty.openpty()
    ioctl(terminal, TIOCSWINSZ, pack("HHHH", _LINES, _COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, env=environment, cwd=folder) as process:
        os.close(terminal)
        outputs = []
        while output := _read(controller):
            outputs.append((time.monotonic(), output))
    return outputs, process.returncode


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 2**16)
    except OSError:  # the terminal's other end is closed
        return b""


def _frames(outputs: list[tuple[float, bytes]]) -> list[Frame]:
    """Return what the terminal showed at moments that are equally far from each other, and at the end."""
    screen = pyte.Screen(_COLUMNS, _LINES)
    stream = pyte.ByteStream(screen)
    begin, end = outputs[0][0], outputs[-1][0]
    frames: list[Frame] = []
    for at, output in outputs:
        stream.feed(output)
        if at - begin >= (len(frames) + 1) * (end - begin) / (_FRAMES + 1):
            frames.append(_lines(screen))
    return [*frames[:_FRAMES], _lines(screen)]


def _lines(screen: pyte.Screen) -> Frame:
    lines = []
    for number in range(_LINES):
        characters = [(screen.buffer[number][column], column) for column in range(_COLUMNS)]
        line = []
        for (colour, is_bold), group in groupby(characters, key=lambda each: (each[0].fg, each[0].bold)):
            run = list(group)
            text = "".join(character.data for character, _ in run)
            if text.strip():
                lead = len(text) - len(text.lstrip())
                line.append((run[0][1] + lead, text.strip(), colour, is_bold))
        lines.append(tuple(line))
    return lines


def _svg(frames: list[Frame]) -> str:
    """Return the animation: the frames below each other, of which one at a time is in view. Without animation
    it is the last one."""
    width, height = _COLUMNS * _WIDTH + 2 * _MARGIN, _LINES * _HEIGHT + 2 * _MARGIN
    distinct = dict.fromkeys(line for frame in frames for line in frame if line)
    names = {line: f"l{number}" for number, line in enumerate(distinct)}
    seconds = (len(frames) - 1) * _EACH + _LAST
    moves = [f"translateY({-number * height}px)" for number in range(len(frames))]
    steps = [
        f"{100 * number * _EACH / seconds:.2f}%{{transform:{move}}}" for number, move in enumerate(moves)
    ]
    uses = [
        f'<use href="#{names[line]}" y="{number * height + row * _HEIGHT}"/>'
        for number, frame in enumerate(frames)
        for row, line in enumerate(frame)
        if line
    ]
    play = f"play {seconds:.1f}s step-end infinite"
    style = [
        "text{font:13px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}.bold{font-weight:700}",
        *(f".{name}{{fill:{colour}}}" for name, colour in _COLOURS.items()),
        f"@keyframes play{{{''.join(steps)}}}#reel{{transform:{moves[-1]}}}",
        f"@media(prefers-reduced-motion:no-preference){{#reel{{animation:{play}}}}}",
    ]
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="bin/demo in a terminal">\n'
        f"<style>{''.join(style)}</style>\n"
        f"<defs>{''.join(_text(line, name) for line, name in names.items())}</defs>\n"
        f'<rect width="{width}" height="{height}" rx="8" fill="#16191f"/>\n'
        f'<g id="reel">{"".join(uses)}</g>\n</svg>\n'
    )


def _text(line: Line, name: str) -> str:
    runs = []
    for column, text, colour, is_bold in line:
        fill = f'class="{colour}{" bold" * is_bold}"' if colour in _COLOURS else f'fill="#{colour}"'
        text = re.sub("  +", lambda spaces: "\u00a0" * len(spaces[0]), text)  # spaces that SVG keeps
        # Fonts differ in width; the columns must not.
        place = f'x="{_MARGIN + column * _WIDTH}" textLength="{len(text) * _WIDTH}"'
        runs.append(f"<tspan {place} {fill}>{escape(text)}</tspan>")
    return f'<text id="{name}" y="{_MARGIN + 13}">{"".join(runs)}</text>'


def _take_screenshot(report: Path, picture: Path) -> None:
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,940"]
    command = ["chromium", *options, f"--screenshot={picture}", report.as_uri()]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    run_tool(main)
