"""`preppath-workers costs --store`: write a row of PostgreSQL for each paid request."""

from __future__ import annotations

from argparse import Namespace
from functools import partial

from ..config.load import load_database_url, load_ledger_rows
from ..errors import JobError
from ..log.escaping import escaped
from ..queue.formatting import counted
from ..store.cost_rows import is_full, left_out, store_listed
from .arguments import EXIT_FAILED
from .job_types import variables_of
from .queue_argument import open_all
from .terminal import print_error, print_line


def store_rows(args: Namespace) -> int:
    """Store what every queue has listed, and print a line for each that has new rows. Raises ConfigError."""
    # Imported here, because other commands need no database library.
    from ..clients.postgres.client import Database
    from ..clients.postgres.cost_rows import store_calls

    variables = variables_of(args)
    if not load_ledger_rows(variables):
        print_error("costs: LEDGER_ROWS is not true, so workers list no requests to store")
    store = partial(store_calls, Database(load_database_url(variables)))
    for queue in open_all(args):
        was_full = is_full(queue)
        try:
            changed = store_listed(queue, store, partial(_tell_skipped, queue.name))
        except JobError as error:
            print_error(f"costs: cannot store rows of {queue.name}: {error}")
            return EXIT_FAILED
        if changed:
            print_line(f"{queue.name}: {counted(changed, 'row')} stored")
        if was_full:
            print_error(
                f"costs: the list of {queue.name} was full: {counted(left_out(queue), 'request')} so far "
                "left out. Store rows more often"
            )
    return 0


def _tell_skipped(queue: str, entry: str) -> None:
    print_error(f"costs: left out an entry of {queue} that isn't a request: {escaped(entry[:80])}")
