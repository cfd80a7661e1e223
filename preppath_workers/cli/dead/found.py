"""What was found of the jobs that a command selects."""

from __future__ import annotations

from argparse import Namespace

from ...store.job import Job
from ..arguments import EXIT_FAILED
from ..terminal import print_error


class Found:
    """Notes which jobs were found: by id only if ids were asked for, to keep those of all would take much
    memory."""

    def __init__(self, args: Namespace) -> None:
        self._args = args
        self._missing = dict.fromkeys(args.ids)
        self._is_empty = True

    def add(self, *jobs: Job) -> None:
        """Note that these jobs were found."""
        for job in jobs:
            self._is_empty = False
            self._missing.pop(job.id, None)

    def report(self) -> int:
        """Report selected jobs that were not found, and return the exit code: a missing --id is a failure."""
        args = self._args
        where = "any queue" if args.all else f"queue {args.queue}"
        for job_id in self._missing:
            print_error(f"dead {args.verb}: no dead job {job_id!r} of {where} matches")
        if self._is_empty and not args.ids:
            print_error(f"dead {args.verb}: no dead job of {where} matches")
        return EXIT_FAILED if self._missing else 0
