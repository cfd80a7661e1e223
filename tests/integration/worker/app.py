"""`python -m tests.integration.worker.app`: the real supervisor with the scripted handlers."""

from __future__ import annotations

import sys

from . import scripted_handlers
from .starting import supervise

if __name__ == "__main__":
    sys.exit(supervise({"alpha": scripted_handlers.handle, "beta": scripted_handlers.handle}))
