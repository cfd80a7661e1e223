"""The command line: `preppath-workers [COMMAND]`. Without a command it starts the workers."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from .commands import named
from .later_imports import import_later


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    if arguments is None:  # a program of its own
        gc.disable()  # until it has imported what it needs, none of which is garbage
    try:
        # The jobs of `run` may use redis-py's metrics.
        import_later(with_metrics=named(words) in ([], ["run"]))
        from .program import run  # with redis-py
    except KeyboardInterrupt:
        return 130
    return run(words)


if __name__ == "__main__":
    sys.exit(main())
