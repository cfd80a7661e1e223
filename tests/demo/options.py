"""The options of `bin/demo`."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path

_DESCRIPTION = """\
Runs one interview through the workers, on servers of its own on loopback:
questions are spoken, what was spoken is transcribed, answers are scored.
Meanwhile a worker is killed, and OpenAI is away for some seconds. Ends with a
report in the terminal and as a web page.
"""

_EPILOG = """\
With OPENAI_API_KEY set, OpenAI is used instead of the offline provider, with
OPENAI_BASE_URL, OPENAI_MODEL and so on. The product's other variables, such as
REDIS_URL, DATABASE_URL, S3_* and AWS_*, are ignored.

exit codes: 0 everything was as it should be; 1 something wasn't; 74 the output cannot
be written; 130 Ctrl-C
"""

#: Seconds.
_LONGEST_AWAY = 600


def parse() -> Namespace:
    """Return the options. Ends the program after --help and usage errors."""
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
    if not _is_writable(options.report):
        parser.error(
            f"cannot write {options.report}: its folder does not exist, it is a folder, or may not be written"
        )
    if not 0 <= options.away <= _LONGEST_AWAY:
        parser.error(f"--away must be 0 to {_LONGEST_AWAY} seconds")
    return options


def _is_writable(path: Path) -> bool:
    try:
        path.stat()
    except FileNotFoundError:
        return os.access(path.absolute().parent, os.W_OK)
    except OSError:  # its name is too long, or a folder above it cannot be read
        return False
    return not path.is_dir() and os.access(path, os.W_OK)
