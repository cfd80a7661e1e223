"""Run the demo: `python -m tests.demo`, or `bin/demo`, which first installs what it needs."""

from __future__ import annotations

import sys

from preppath_workers.cli.terminal import run_with_output

from .options import parse


def main() -> int:
    """Run the demo; return its exit code."""
    options = parse()
    # Imported here because the vendors' libraries take a second to load.
    from .show import show

    return show(options.light, options.away, options.report, options.keep)


if __name__ == "__main__":
    sys.exit(run_with_output("bin/demo", main))
