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


#: The options that are accepted without a command.
_OPTIONS = {"--config", "--queue"}


def modules_for(words: Sequence[str]) -> list[ModuleType]:
    """Return the modules of all commands that the command line's words name. If they name none, return that
    of the default command, or of all if the help or a usage error may have to list them."""
    is_default = not len(words) % 2 and {*words[::2]} <= _OPTIONS
    wanted = named(words) or (["run"] if is_default else COMMANDS)
    return [import_module(f"{__package__}.{module}") for module in wanted]


def named(words: Collection[str]) -> list[str]:
    """Return the names of the modules of all commands that the command line's words name."""
    return [module for module, commands in COMMANDS.items() if not {*commands}.isdisjoint(words)]
