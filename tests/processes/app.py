"""`python -m tests.processes.app`: the real supervisor with the playbook for every queue."""

from __future__ import annotations

import sys

from tests.processes import playbook
from tests.processes.starting import supervise

if __name__ == "__main__":
    sys.exit(supervise({"alpha": playbook.handle, "beta": playbook.handle}))
