"""`python -m tests.integration.worker.refusing_app`: the real supervisor on a machine short of
a resource.

`REFUSED` names a function, `module.name`; its first calls in the supervisor fail with EAGAIN. With
`BUG_AFTER=N`, the first N calls succeed, and the others have a bug.
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


def fail_after(name: str, calls: int) -> None:
    module, _, function = name.rpartition(".")
    call = getattr(import_module(module), function)
    supervisor, left = os.getpid(), [*range(calls)]

    def failing(*args: Any, **kwargs: Any) -> Any:
        if os.getpid() == supervisor:
            if not left:
                raise RuntimeError("a bug")
            left.pop()
        return call(*args, **kwargs)

    setattr(import_module(module), function, failing)


if __name__ == "__main__":
    if "BUG_AFTER" in os.environ:
        fail_after(os.environ["REFUSED"], int(os.environ["BUG_AFTER"]))
    else:
        refuse(os.environ["REFUSED"], errno.EAGAIN)
    sys.exit(supervise({"alpha": scripted_handlers.handle, "beta": scripted_handlers.handle}))
