"""The command line: `preppath-workers [COMMAND]`. Without a command it starts the workers."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from .arguments import EXIT_UNAVAILABLE
from .commands import named
from .later_imports import import_later

#: What commands import of the packages in pyproject.toml.
_REQUIRED = ("boto3", "botocore", "dotenv", "hiredis", "lameenc", "openai", "psycopg2", "redis", "requests")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    if arguments is None:  # a program of its own
        gc.disable()  # until it has imported what it needs, none of which is garbage
    try:
        # The jobs of `run` may use redis-py's metrics.
        is_help = not {"-h", "--help"}.isdisjoint(words)
        import_later(with_metrics=not is_help and named(words) in ([], ["run"]))
        from .program import run  # with redis-py

        return run(words)
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _REQUIRED:
            raise
        # A producer has redis alone; a checkout without its .venv has nothing.
        problem = f"Python's package {package} is missing; `pip install .` installs what is needed"
        print(f"preppath-workers: {problem}", file=sys.stderr)
        return EXIT_UNAVAILABLE


if __name__ == "__main__":
    sys.exit(main())
