"""How actors call transitions, and how they add to the trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from preppath_workers.store.scripts import scripts

from .proxy import Proxy

#: Adds a line to the trace.
Say = Callable[[str], None]


@dataclass
class Caller:
    """Calls transitions as a producer, a janitor or an operator does."""

    proxy: Proxy
    base: str

    def __post_init__(self) -> None:
        self.proxy.load(scripts().values())

    def __call__(self, name: str, *arguments: str | int) -> Any:
        script = scripts()[name]
        words = ("EVALSHA", script.digest, "1", self.base, "", *map(str, arguments))
        return self.proxy.exchange([words])[0]
