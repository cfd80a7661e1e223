"""Keeps forked processes from copying the memory that they share with the supervisor.

A page is copied when it is written to, and CPython writes to an object whenever it is used: it counts the
references. Since 3.12 it does not count those of immortal objects (PEP 683), such as None. Most of what a
worker uses existed before the fork, so all of that is made immortal too. With 3.11 a worker copies two to
three times as much.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import sysconfig
from collections.abc import Iterable
from itertools import chain
from sys import getrefcount
from types import CodeType
from typing import Any

#: The length of an array of 32-bit numbers that covers all addresses of a process: Linux uses 47 or 48 bits.
_ADDRESSES = 2**48 // 4


def share(*, forever: bool) -> None:
    """Make forked processes share the objects of today, without garbage collection in any of them.

    `forever`: also make them immortal, if this Python can. None of them is ever freed then.
    """
    gc.unfreeze()  # those of an earlier configuration can be freed
    gc.collect()
    if forever and _can_immortalize():
        _immortalize()
    gc.freeze()


def _immortalize() -> None:
    """Make all objects immortal that the garbage collector knows, and all that they refer to."""
    # An object begins with its count, of which the lower half decides. None's is what this Python's immortal
    # objects have.
    # As one array, because an array is the fastest way to write to an address.
    counts = (ctypes.c_uint32 * _ADDRESSES).from_address(0)
    immortal, count = counts[id(None) >> 2], getrefcount(None)
    objects = gc.get_objects()
    while objects:
        new = []
        for item in objects:
            if getrefcount(item) != count:
                counts[id(item) >> 2] = immortal
                new.append(item)
        objects = gc.get_referents(*new)
        # What get_referents leaves out, because it cannot be part of a cycle.
        objects += chain.from_iterable(item for item in new if type(item) is dict)
        objects += chain.from_iterable(_parts(item) for item in new if type(item) is CodeType)


def _parts(code: CodeType) -> Iterable[Any]:
    return (code.co_consts, code.co_names, code.co_varnames, code.co_filename, code.co_qualname)


def _can_immortalize() -> bool:
    return (
        sys.implementation.name == "cpython"
        and sys.version_info >= (3, 12)
        and (sys.byteorder, sys.maxsize) == ("little", 2**63 - 1)
        # Free-threaded builds count in two fields.
        and not sysconfig.get_config_var("Py_GIL_DISABLED")
    )
