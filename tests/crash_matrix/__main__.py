"""`python -m tests.crash_matrix`."""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path

from tests import report

from . import __doc__ as description
from .cell import Cell, Fault, play
from .scenes import SCENES, Scene
from .stage import Stage, set_up

#: Whether the caller is killed: first no, then yes.
FATES = (False, True)


def main() -> int:
    """Returns 1 where a promise was broken."""
    parser = ArgumentParser(prog="python -m tests.crash_matrix", description=description)
    parser.add_argument("--only", default="", metavar="TEXT", help="transitions whose name has this in it")
    args = parser.parse_args()
    scenes = [scene for scene in SCENES if args.only in scene.name]
    logging.disable(logging.ERROR)  # that Redis does not answer is the point
    began, broken = time.monotonic(), list[str]()
    print(report.heading(["transition", *(fault.value for fault in Fault)]), flush=True)
    with tempfile.TemporaryDirectory() as folder, set_up(Path(folder)) as stage:
        for scene in scenes:
            print(row(scene, stage, broken), flush=True)
    cells = len(scenes) * len(Fault) * len(FATES)
    print(f"\n{cells} cells, {len(broken)} broken promises; {time.monotonic() - began:.0f} s")
    print("\n".join(broken))
    return 1 if broken else 0


def row(scene: Scene, stage: Stage, broken: list[str]) -> str:
    """Of each cell the runs beyond those without a fault: where the caller lives, and where it is killed."""
    pairs = [
        " · ".join(_played(Cell(scene, fault, killed), stage, broken) for killed in FATES) for fault in Fault
    ]
    return report.row([scene.name, *pairs])


def _played(cell: Cell, stage: Stage, broken: list[str]) -> str:
    try:
        return str(play(cell, stage))
    except AssertionError as error:
        broken.append(f"{cell}: {error}")
        return "BROKEN"


if __name__ == "__main__":
    sys.exit(main())
