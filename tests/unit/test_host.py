"""The limits that a supervisor sets before it forks."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

#: Whether a block is in the heap, which shrinks at its end only, after a larger block was freed.
_PROGRAM = """
import ctypes, re
from pathlib import Path
from preppath_workers.worker.processes.host import return_large_blocks
{call}
bytearray(16 * 2**20)
block = bytearray(8 * 2**20)
address = ctypes.addressof(ctypes.c_char.from_buffer(block))
heap = re.search(r"(\\w+)-(\\w+) .*\\[heap\\]", Path("/proc/self/maps").read_text())
print(int(heap[1], 16) <= address < int(heap[2], 16))
"""


@pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="other C libraries never keep blocks"
)
@pytest.mark.parametrize(("call", "is_kept"), [("", "True"), ("return_large_blocks()", "False")])
def test_return_large_blocks_keeps_none_in_the_heap(call: str, is_kept: str) -> None:
    command = [sys.executable, "-c", _PROGRAM.format(call=call)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [is_kept]
