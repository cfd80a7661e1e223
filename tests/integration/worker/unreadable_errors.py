"""Errors of handlers that cannot be read, or have a delay that is none."""

from __future__ import annotations

from collections.abc import Mapping

from preppath_workers.errors import RateLimited, ServiceError, Snooze


class _Textless(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


class _Trap(Exception):
    def __getattr__(self, name: str) -> object:
        raise RuntimeError("no attributes")


class _Exit(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


class _ExitAsService(ServiceError):
    def __str__(self) -> str:
        raise KeyboardInterrupt


class _ExitTrap(Exception):
    """Ends the process if its notes or its class are looked at."""

    def __getattr__(self, name: str) -> object:
        raise SystemExit(3)


class _Nameless(type):
    @property
    def __name__(cls) -> str:
        raise GeneratorExit


class _OfNamelessClass(Exception, metaclass=_Nameless):
    pass


class _Late(Exception):
    """Has an attribute of that name, which means nothing to us."""

    retry_after = "soon"


class _Bare(ServiceError):
    """Leaves out what its base class needs."""

    def __init__(self) -> None:
        Exception.__init__(self, "bare")


_NAN = float("nan")

ERRORS: Mapping[str, BaseException] = {
    "textless": _Textless(),
    "trap": _Trap("trap"),
    "late": _Late("late"),
    "exit": _Exit(),
    "exit-as-service": _ExitAsService("vendor", "away"),
    "exit-trap": _ExitTrap("trap"),
    "nameless": _OfNamelessClass("no name"),
    "bare": _Bare(),
    "service": ServiceError("vendor", "away", retry_after=_NAN),
    "surrogate": ServiceError("vendor\udcff", "away"),
    "limited": RateLimited("slow down", retry_after=_NAN),
    "snooze": Snooze("later", seconds=float("inf")),
}
