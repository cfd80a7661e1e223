"""Run the demo: `bin/demo`, or `python -m tests.demo`."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path

from preppath_workers.cli.terminal import run_with_output

_DESCRIPTION = """\
Runs one interview through the workers, on servers of its own on loopback:
questions are spoken, what was spoken is transcribed, answers are scored.
Meanwhile a worker is killed, and OpenAI is away for some seconds. Ends with a
report in the terminal and as a web page.
"""

_SETUP = Path(__file__).parents[2] / "bin/setup-venv"

_EPILOG = """\
With OPENAI_API_KEY set, OpenAI is used instead of the offline provider, with
OPENAI_BASE_URL, OPENAI_MODEL and so on. The product's other variables, such as
REDIS_URL, DATABASE_URL, S3_* and AWS_*, are ignored.

exit codes: 0 everything was as it should be; 1 something wasn't; 74 the output cannot
be written; 130 Ctrl-C
"""


def main() -> int:
    """Run the demo; return its exit code."""
    options = _parse()
    if not options.light and not os.environ.get("OPENAI_API_KEY"):
        _install_offline()
    # Imported here because the vendors' libraries take a second to load.
    from .show import show

    return show(options.light, options.away, options.report, options.keep)


def _install_offline() -> None:
    """Install the offline provider, unless it is. If that fails, the demo says so and uses its stand-in."""
    try:
        subprocess.run([_SETUP, "offline"], check=False)
    except KeyboardInterrupt:
        sys.exit(130)


def _parse() -> Namespace:
    parser = ArgumentParser(
        prog="bin/demo",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--light", action="store_true", help="use a scripted stand-in that needs no download")
    parser.add_argument(
        "--keep", action="store_true", help="keep everything running after the report, until Ctrl-C"
    )
    parser.add_argument(
        "--away", type=float, default=5.0, metavar="SECONDS", help="how long OpenAI is away; 5 by default"
    )
    parser.add_argument(
        "--report",
        type=Path,
        default=Path("report.html"),
        metavar="FILE",
        help="where to write the report; report.html by default",
    )
    options = parser.parse_args()
    folder = options.report.absolute().parent
    if not folder.is_dir():
        parser.error(f"cannot write {options.report}: {folder} is not a folder")
    if options.report.is_dir() or not os.access(
        options.report if options.report.exists() else folder, os.W_OK
    ):
        parser.error(f"cannot write {options.report}: it is a folder, or permission is denied")
    if options.away < 0:
        parser.error("--away must be 0 or more seconds")
    return options


if __name__ == "__main__":
    sys.exit(run_with_output("bin/demo", main))
