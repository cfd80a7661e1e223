"""The process's environment, where libraries look for certificates and proxies.

What the `--config` file says about those is put there too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

#: Holds the names of the variables that this process has set, so that a reload can replace them.
_EXPORTED = "PREPPATH_EXPORTED"


def real_environment() -> dict[str, str]:
    """Return the variables that this process was started with, without empty ones."""
    ours = {_EXPORTED, *os.environ.get(_EXPORTED, "").split()}
    return {name: value for name, value in os.environ.items() if value and name not in ours}


def export(chosen: Mapping[str, str]) -> None:
    """Put these variables into the environment, in place of those of the call before."""
    real = real_environment()
    for name in os.environ.pop(_EXPORTED, "").split():
        os.environ.pop(name, None)
    os.environ.update(chosen)
    if exported := [name for name in chosen if name not in real]:
        os.environ[_EXPORTED] = " ".join(exported)
