"""Run the demo: `bin/demo`, or `python -m tests.demo`."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter

from .interrupts import Interrupted, Interrupts
from .screen import OutputClosed, Screen

_DESCRIPTION = """\
Runs one interview through the three queues, on servers of its own: Redis,
PostgreSQL, S3 and an OpenAI-compatible server, all on loopback and in one
temporary folder. The workers are the real ones. It takes 15 to 20 seconds and
leaves nothing behind.
"""

_EPILOG = """\
With OPENAI_API_KEY set, OpenAI is used instead of the built-in server, with
OPENAI_BASE_URL, OPENAI_MODEL and so on. The product's other variables, such as
REDIS_URL, DATABASE_URL, S3_* and AWS_*, are ignored.

exit codes: 0 every job ended as it should; 1 something failed; 130 Ctrl-C
"""


_WITH_OUR_SERVER = """\
All on loopback. The OpenAI-compatible server is none of OpenAI's: it cannot
listen and reads the transcript that a recording carries, it scores answers by
a simple rule (which words come up), and it speaks with eSpeak NG. Two of its
answers are errors on purpose. Set OPENAI_API_KEY to use OpenAI instead.
"""

_WITH_OPENAI = """\
OPENAI_API_KEY is set, so OpenAI is used, and charges for 16 small requests.
Redis, PostgreSQL and S3 are on loopback. Recordings are spoken by eSpeak NG.
"""


def main() -> int:
    """Run the demo; return its exit code."""
    parser = ArgumentParser(
        prog="bin/demo",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep everything running after the results, until Ctrl-C"
    )
    options = parser.parse_args()
    interrupts = Interrupts()
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr] # it is a TextIOWrapper
    screen = Screen(sys.stdout)
    try:
        introduce(screen)
        # Imported here because the vendors' libraries take a second to load.
        from .show import Show

        return Show(screen, interrupts, options.keep).run()
    except Interrupted as interrupted:
        return 128 + interrupted.number
    except OutputClosed:
        return 1


def introduce(screen: Screen) -> None:
    """Print the introduction."""
    screen.say(("preppath-workers: one interview through three queues", "bold"))
    if os.environ.get("OPENAI_API_KEY"):
        first, *rest = _WITH_OPENAI.splitlines()
        screen.say((first, "yellow"))
    else:
        rest = _WITH_OUR_SERVER.splitlines()
    for line in [*rest, ""]:
        screen.say(line)


if __name__ == "__main__":
    sys.exit(main())
