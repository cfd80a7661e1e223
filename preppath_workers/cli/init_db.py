"""`preppath-workers init-db`: create missing tables."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from ..config.load import load_database_url, load_ledger_rows
from ..errors import JobError
from .arguments import EXIT_FAILED, add_command
from .job_types import variables_of
from .terminal import print_error, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "init-db",
        "create missing database tables",
        """
        example: preppath-workers init-db --config .env

        exit codes: 0 every table exists; 1 the database refused; 78 the configuration is wrong
        """,
    )
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Create missing tables in one transaction and print a line for each table. Raises ConfigError."""
    # Imported here, because other commands need no database library.
    from ..clients.postgres.client import Database
    from ..clients.postgres.schema import COSTS, NO_SCHEMA, TABLES, create_missing, has_schema, missing_tables

    variables = variables_of(args)
    tables = (*TABLES, COSTS) if load_ledger_rows(variables) else TABLES
    database = Database(load_database_url(variables))
    missing: list[str] = []
    created: list[str] = []
    try:
        with database.transaction() as cursor:
            if not has_schema(cursor):
                print_error(f"init-db: cannot create tables: {NO_SCHEMA}")
                return EXIT_FAILED
            missing = missing_tables(cursor, tables)
            created = create_missing(cursor, tables)
    except JobError as error:
        what = f"cannot create {', '.join(missing)}: " if missing else ""
        print_error(f"init-db: {what}{error}")
        return EXIT_FAILED
    for table in tables:
        print_line(f"{table}: {'created' if table in created else 'already exists'}")
    return 0
