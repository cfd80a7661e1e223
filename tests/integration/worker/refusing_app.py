"""`python -m tests.integration.worker.refusing_app`: the real supervisor on a machine short of
a resource.

`REFUSED` names a function, `module.name`; its first calls in the supervisor fail with EAGAIN.
"""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import Any

from . import scripted_handlers
from .starting import supervise

#: Calls that fail.
REFUSALS = 4


def refuse(name: str, error: int) -> None:
    module, _, function = name.rpartition(".")
    call = getattr(import_module(module), function)
    supervisor, left = os.getpid(), [error] * REFUSALS

    def refusing(*args: Any, **kwargs: Any) -> Any:
        if left and os.getpid() == supervisor:
            raise OSError(left.pop(), "refused")
        return call(*args, **kwargs)

    setattr(import_module(module), function, refusing)


if __name__ == "__main__":
    refuse(os.environ["REFUSED"], errno.EAGAIN)
    sys.exit(supervise({"alpha": scripted_handlers.handle, "beta": scripted_handlers.handle}))
