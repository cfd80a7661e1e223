"""Start the demo, for `bin/demo`: with any Python, which installs nothing for --help or wrong options."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from preppath_workers.cli.terminal import run_with_output

from .options import parse

_ROOT = Path(__file__).parents[2]
_SETUP = _ROOT / "bin/setup-venv"
_PYTHON = _ROOT / ".venv/bin/python"


def main() -> int:
    """Install what the demo needs and become it; return an exit code if that fails."""
    options = parse()
    try:
        code = subprocess.run([_SETUP, "demo"], check=False).returncode
        if not code and not options.light and not os.environ.get("OPENAI_API_KEY"):
            # If that fails, the demo says so and uses its stand-in.
            subprocess.run([_SETUP, "offline"], check=False)
    except KeyboardInterrupt:
        return 130
    if not code:
        os.execv(_PYTHON, [str(_PYTHON), "-P", "-m", "tests.demo", *sys.argv[1:]])  # noqa: S606
    return code


if __name__ == "__main__":
    sys.exit(run_with_output("bin/demo", main))
