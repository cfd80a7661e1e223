"""`python -m preppath_workers` is the same as `preppath-workers`."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
