"""Runs `preppath-workers` as `python -m preppath_workers`."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
