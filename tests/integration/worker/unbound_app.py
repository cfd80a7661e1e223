"""`python -m tests.integration.worker.unbound_app`: the real supervisor on a kernel without
PR_SET_PDEATHSIG. Its idle workers look up from an empty queue more often."""

from __future__ import annotations

import sys

from preppath_workers.store.consuming import consumer
from preppath_workers.worker import child

from . import scripted_handlers
from .starting import supervise

if __name__ == "__main__":
    child.set_pdeathsig = lambda: lambda: None
    consumer.BLOCK = 1
    sys.exit(supervise({"alpha": scripted_handlers.handle, "beta": scripted_handlers.handle}))
