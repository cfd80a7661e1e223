"""What a supervisor asks of the C library's malloc before it forks."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from preppath_workers.worker.processes.malloc import fill_holes

#: Whether a block is in the heap, which shrinks at its end only, after a larger block was freed.
_LARGE_BLOCK = """
import ctypes, re
from pathlib import Path
from preppath_workers.worker.processes.malloc import return_freed_memory
{call}
bytearray(16 * 2**20)
block = bytearray(8 * 2**20)
address = ctypes.addressof(ctypes.c_char.from_buffer(block))
heap = re.search(r"(\\w+)-(\\w+) .*\\[heap\\]", Path("/proc/self/maps").read_text())
print(int(heap[1], 16) <= address < int(heap[2], 16))
"""

#: Whether the heap keeps more than 100 KiB at its end, after 500 were freed there (mallinfo(3)).
_END_OF_HEAP = """
import ctypes
from preppath_workers.worker.processes.malloc import return_freed_memory
class Usage(ctypes.Structure):
    _fields_ = [("numbers", ctypes.c_size_t * 10)]
usage = ctypes.CDLL(None).mallinfo2
usage.restype = Usage
{call}
before = [bytearray(10_000) for _ in range(300)]
blocks = [bytearray(10_000) for _ in range(50)]
blocks.clear()
print(usage().numbers[9] > 100 * 1024)
"""


#: Whether a new block is between old ones, after every second of them was freed.
_HOLES = """
import ctypes
from preppath_workers.worker.processes.malloc import fill_holes
blocks = [bytearray(3_000) for _ in range(1_000)]
last = max(ctypes.addressof(ctypes.c_char.from_buffer(block)) for block in blocks)
del blocks[::2]
{call}
new = [bytearray(3_000) for _ in range(100)]
print(any(ctypes.addressof(ctypes.c_char.from_buffer(block)) < last for block in new))
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="other C libraries are left alone"
)


@pytest.mark.parametrize("program", [_LARGE_BLOCK, _END_OF_HEAP], ids=["large block", "end of heap"])
@pytest.mark.parametrize(("call", "is_kept"), [("", "True"), ("return_freed_memory()", "False")])
def test_return_freed_memory_keeps_little_in_the_heap(program: str, call: str, is_kept: str) -> None:
    assert _printed(program.format(call=call)) == is_kept


@pytest.mark.parametrize(("call", "is_used"), [("", "True"), ("fill_holes()", "False")])
def test_fill_holes_leaves_no_hole_for_new_blocks(call: str, is_used: str) -> None:
    assert _printed(_HOLES.format(call=call)) == is_used


def test_fill_holes_takes_no_memory_of_an_allocator_outside_the_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    libc, taken = ctypes.CDLL(None), []

    def allocate(size: int) -> int:
        taken.append(size)
        assert len(taken) < 10_000, "it would take all memory"
        return 2**41  # where mimalloc has its blocks, which is below the heap

    library = SimpleNamespace(
        malloc=allocate, free=lambda _: None, sbrk=libc.sbrk, malloc_trim=libc.malloc_trim
    )
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    fill_holes()


def _printed(program: str) -> str:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
