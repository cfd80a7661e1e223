"""Runs the demo: `bin/demo`, or `python -m tests.demo`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter

from .crash_scene import CrashScene, Interrupted
from .introduction import introduce
from .screen import NobodyReads, Screen

_DESCRIPTION = """\
Runs one interview through the three queues, on servers of its own: Redis,
PostgreSQL, S3 and an OpenAI-compatible server, all on loopback and in one
temporary folder. The workers are the real ones. It takes 15 to 20 seconds and
leaves nothing behind.
"""

_EPILOG = """\
With OPENAI_API_KEY set, OpenAI is used instead of the server of our own, and
OPENAI_BASE_URL, OPENAI_MODEL and the like are respected. Nothing else of the
product's environment is: not REDIS_URL, DATABASE_URL, S3_* nor AWS_*.

exit codes: 0 every job ended as it should; 1 something failed; 130 Ctrl-C
"""


def main() -> int:
    """Runs the demo and returns its exit code."""
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
    interruptions = CrashScene()
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr] # it is a TextIOWrapper
    screen = Screen(sys.stdout)
    try:
        introduce(screen)
        # Imported only now, because the vendors' libraries take a second to load.
        from .show import Show

        return Show(screen, interruptions, options.keep).run()
    except Interrupted as interrupted:
        return 128 + interrupted.number
    except NobodyReads:
        return 1


if __name__ == "__main__":
    sys.exit(main())
