"""What the function of a job looks like: its parameters, and where it is defined."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

#: The parameters that a function may have after the context.
_OPTIONAL = ("data", "services")

_Parameter = inspect.Parameter


def parameters(function: Callable[..., Any]) -> set[str]:
    """Return which of `data` and `services` the function takes. Raises TypeError if it cannot run jobs."""
    name = getattr(function, "__name__", repr(function))
    called = defined(function)
    if inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called):
        raise TypeError(f"{name} must be a plain function; call asyncio.run in it for async code")
    if inspect.isgeneratorfunction(called):
        raise TypeError(f"{name} must be a plain function, without yield")
    taken = list(inspect.signature(function).parameters.values())
    if not taken or taken[0].kind not in (_Parameter.POSITIONAL_ONLY, _Parameter.POSITIONAL_OR_KEYWORD):
        raise TypeError(f"{name} must have a first parameter, which gets the JobContext")
    for parameter in taken[1:]:
        if parameter.name in _OPTIONAL:
            if parameter.kind not in (_Parameter.POSITIONAL_OR_KEYWORD, _Parameter.KEYWORD_ONLY):
                raise TypeError(f"{name} must take {parameter.name} as a parameter that is set by its name")
        elif parameter.default is parameter.empty:
            raise TypeError(
                f"{name} has a parameter {parameter.name!r}; after the context only data and services are set"
            )
    return {parameter.name for parameter in taken[1:] if parameter.name in _OPTIONAL}


def defined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that has the annotations, for an object that is called and for a `partial`."""
    while isinstance(function, partial):
        function = function.func
    if inspect.isroutine(function) or inspect.isclass(function):
        return function
    return type(function).__call__
