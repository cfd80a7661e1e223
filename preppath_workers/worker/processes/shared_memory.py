"""Keeps forked processes from copying the memory that they share with the supervisor.

A page is copied when it is written to, and CPython writes to an object whenever it is used: it counts the
references. Since 3.12 it does not count those of immortal objects (PEP 683), such as None. Most of what a
worker uses existed before the fork. If all of that is immortal too, a worker copies less than half as much.

CPython has no function for it. So it is done by writing to the objects' counts, only in versions in which it
was tried, and only if an object of this very process takes it.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import sysconfig
from sys import getrefcount
from types import CodeType
from typing import Any

#: Versions in which it was tried: their objects begin with their count, and since 3.14 with flags in the same
#: 64 bits, which say that an object is immortal too.
_KNOWN = ((3, 12), (3, 13), (3, 14), (3, 15))

#: Objects whose referents are listed at once: short lists stay in the processor's cache.
_PORTION = 300

#: The length of an array of 64-bit numbers that covers all addresses of a process: Linux uses 47 or 48 bits.
_ADDRESSES = 2**48 // 8


def freeze(again: bool = False) -> None:
    """Exempt the objects of today from garbage collection, here and in processes that are forked later.

    `again`: collect garbage first, also among what is exempt, such as an earlier configuration.
    """
    if again:
        gc.unfreeze()
        gc.collect()
    gc.freeze()
    gc.enable()  # it is disabled while the supervisor loads what it needs


def immortalize() -> bool:
    """Make the objects of today immortal: none of them is ever freed. Return whether this Python can."""
    if not _can_immortalize():
        return False
    gc.unfreeze()  # else the collector does not list them
    _immortalize()
    gc.freeze()
    return True


def _immortalize() -> None:
    """Make all objects immortal that the garbage collector knows, and all that they refer to."""
    heads, immortal, count = _heads(), _immortal_head(), getrefcount(None)

    def mark(objects: list[Any]) -> list[Any]:
        """Make these objects immortal; return those that were not."""
        marked = []
        for item in objects:
            if getrefcount(item) < count:
                heads[id(item) >> 3] = immortal
                marked.append(item)
        return marked

    known = gc.get_objects()
    # First all of them, then what they refer to: most of it is known, and is not looked into again.
    mark(known)
    for begin in range(0, len(known), _PORTION):
        objects = known[begin : begin + _PORTION]
        while objects:
            objects = mark(_referents(objects))


def _referents(objects: list[Any]) -> list[Any]:
    """Return what the objects refer to, except what never changes its count: names in code are immortal."""
    found = gc.get_referents(*objects)
    # What get_referents leaves out, because it cannot be part of a cycle.
    for item in objects:
        kind = type(item)
        if kind is dict:
            found += item
        elif kind is CodeType:
            found += item.co_consts
            found.append(item.co_qualname)
    return found


def _heads() -> ctypes.Array[ctypes.c_uint64]:
    """Return an array that has, at an object's address, its count and flags."""
    # An array is the fastest way to write to an address.
    return (ctypes.c_uint64 * _ADDRESSES).from_address(0)


def _immortal_head() -> int:
    """Return the count and flags of an immortal object; names in code are immortal."""
    head = _heads()[id(_immortal_head.__code__.co_names[0]) >> 3]
    # Since 3.14 a loop takes its reference back without looking whether the object has become immortal.
    return head + (sys.version_info >= (3, 14))


def _can_immortalize() -> bool:
    if (
        sys.implementation.name != "cpython"
        or sys.version_info[:2] not in _KNOWN
        or (sys.byteorder, sys.maxsize) != ("little", 2**63 - 1)
        # Free-threaded builds count in two fields.
        or sysconfig.get_config_var("Py_GIL_DISABLED")
    ):
        return False
    item, heads = object(), _heads()
    place = id(item) >> 3
    before = heads[place]
    references = [item] * 5
    if heads[place] != before + 5:
        return False
    immortal = heads[place] = _immortal_head()
    references += references
    del references[4:]
    return heads[place] == immortal
