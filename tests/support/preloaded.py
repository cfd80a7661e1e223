"""Import what the programs of `forked` import. The server that they fork from does it once."""

from __future__ import annotations

import gc
from contextlib import suppress
from importlib import import_module

from preppath_workers.store.scripts import scripts

#: Modules that the programs import. One that fails to import is imported by the program itself.
MODULES = (
    "preppath_workers.cli.program",
    "preppath_workers.config.database_url",
    "preppath_workers.web.server",
    "preppath_workers.worker.run",
    "preppath_workers.worker.supervisor",
    "tests.integration.worker.scripted_handlers",
    "tests.integration.worker.starting",
)

# What is imported here stays: no collection need visit it, neither now nor in the programs.
gc.disable()
for _module in MODULES:
    with suppress(ImportError):
        import_module(_module)
dict(scripts())  # reads each
gc.freeze()
gc.enable()

_unfreeze = gc.unfreeze


def _unfreeze_next_time() -> None:
    gc.unfreeze = _unfreeze


# Before it forks, a supervisor visits all objects, for what an earlier configuration left. When it starts,
# there is nothing yet, and the visit would take most of its start.
gc.unfreeze = _unfreeze_next_time
