"""Workers share the memory of what the supervisor has loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: An object of each kind that a worker uses: in lists, dicts and code; and one from after the fork.
_PROGRAM = """
import sys
from preppath_workers.worker.processes import shared_memory

class Old:
    def __init__(self):
        self.values = {"key-of-a-dict-": ["%d" % len("value")]}

    def method(self):
        return ("a constant", 12_345_678)

old = Old()
assert shared_memory.immortalize()
later = Old()
things = [old, Old, Old.method, Old.method.__code__, *Old.method.__code__.co_consts, old.values, *old.values,
          old.values["key-of-a-dict-"][0]]
print(*[sys.getrefcount(thing) == sys.getrefcount(None) for thing in things])
print(sys.getrefcount(later) < 10, sys.getrefcount(later.values) < 10)
old.values["another"] = later
del later, things
print(len(old.values), Old().method())
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="this Python counts all references")
def test_shared_memory_makes_what_exists_immortal_and_nothing_else() -> None:
    lines = _printed(_PROGRAM)
    assert "False" not in lines[0]
    assert lines[1:] == ["True True", "2 ('a constant', 12345678)"]


def test_shared_memory_is_not_examined_by_the_garbage_collector() -> None:
    program = """
import gc
gc.disable()  # as while the supervisor loads
from preppath_workers.worker.processes import shared_memory
shared_memory.freeze()
print(gc.get_freeze_count() > 1_000, len(gc.get_objects()) < 1_000, gc.isenabled())
shared_memory.immortalize()
print(gc.get_freeze_count() > 1_000, len(gc.get_objects()) < 1_000)
"""
    assert _printed(program) == ["True True True", "True True"]


def test_shared_memory_is_examined_again_once_the_configuration_is_reloaded() -> None:
    program = """
import gc, weakref
from preppath_workers.worker.processes import shared_memory
class Old: pass
def garbage():
    old = Old()
    old.itself = old
    return weakref.ref(old)
first = garbage()
shared_memory.freeze()
second = garbage()
gc.collect()
print(first() is None, second() is None)
shared_memory.freeze(again=True)
print(first() is None)
"""
    assert _printed(program) == ["False True", "True"]


def _printed(program: str) -> list[str]:
    """Run the program and return its lines; it must also end well."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
