"""The commands, each in a module that is imported only if it is needed, so that they start faster."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from types import ModuleType

#: The commands of each module, in the order of the help.
COMMANDS: Mapping[str, Sequence[str]] = {
    "run": ["run"],
    "enqueue": ["enqueue"],
    "queues": ["queues"],
    "top": ["top"],
    "jobs": ["jobs"],
    "show": ["show", "status"],
    "group": ["group"],
    "cancel": ["cancel"],
    "control": ["retry", "promote", "prioritize", "pause", "resume"],
    "dead": ["dead"],
    "costs": ["costs"],
    "health": ["health"],
    "check": ["check"],
    "script": ["script"],
    "import_bullmq": ["import-bullmq"],
    "init_db": ["init-db"],
    "web": ["web"],
    "offline": ["offline"],
}


def modules_for(words: Collection[str]) -> list[ModuleType]:
    """Return the modules of all commands that the command line's words name, or of all if they name none."""
    return [import_module(f"{__package__}.{module}") for module in named(words) or COMMANDS]


def named(words: Collection[str]) -> list[str]:
    """Return the names of the modules of all commands that the command line's words name."""
    return [module for module, commands in COMMANDS.items() if not {*commands}.isdisjoint(words)]
