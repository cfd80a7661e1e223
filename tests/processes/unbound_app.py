"""`python -m tests.processes.unbound_app`: the real supervisor where the kernel does not end its children."""

from __future__ import annotations

import sys

from preppath_workers.processes import children
from tests.processes import playbook
from tests.processes.starting import supervise

if __name__ == "__main__":
    children.dies_with_us = lambda: lambda: None
    sys.exit(supervise({"alpha": playbook.handle, "beta": playbook.handle}))
