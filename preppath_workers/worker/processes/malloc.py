"""Makes glibc's malloc keep little memory in each process, and workers copy less of what they share.

Other C libraries have none of these functions, or ignore them: nothing changes there.
"""

from __future__ import annotations

import ctypes
import re
from contextlib import suppress
from pathlib import Path

#: Options of mallopt(3), by their numbers in malloc.h, and their values in bytes: the smallest block that is
#: returned when it is freed (M_MMAP_THRESHOLD); how much of the heap's end may be free (M_TRIM_THRESHOLD),
#: and what is kept of more than that (M_TOP_PAD).
_OPTIONS = {-3: 2**17, -1: 2**15, -2: 2**14}

#: The sizes of blocks that fill holes, in bytes: malloc's blocks differ by 16.
_SIZES = range(2**16, 0, -16)


def return_freed_memory() -> None:
    """Make malloc return memory to the system soon after it was freed, for as long as the process lives.

    glibc would keep all blocks up to the size of the largest that was freed, and 128 KiB at the end of the
    heap: a worker would keep what a recording and its encoder once took.
    """
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in _OPTIONS.items():
            mallopt(option, value)


def fill_holes() -> None:
    """Take every free block inside the heap, for as long as this process and those that it forks live.

    Call it once, just before workers are forked. New blocks are then beside each other, at the heap's end.
    Otherwise a worker would put them into holes all over the heap, and copy a page that it shares for each.
    """
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        malloc, free, sbrk = libc.malloc, libc.free, libc.sbrk
        malloc.argtypes, malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
        free.argtypes = [ctypes.c_void_p]
        sbrk.argtypes, sbrk.restype = [ctypes.c_ssize_t], ctypes.c_void_p
        libc.malloc_trim(ctypes.c_size_t(0))
        start, end = _start_of_heap(), sbrk(0)
        for size in _SIZES:
            while block := malloc(size):
                # No hole of this size is left, or a preloaded allocator has its blocks elsewhere.
                if not start <= block < end:
                    free(block)
                    break


def _start_of_heap() -> int:
    """Return its first address. Raises OSError if this process has no heap."""
    heap = re.search(rb"^(\w+)-.*\[heap\]$", Path("/proc/self/maps").read_bytes(), re.MULTILINE)
    if not heap:
        raise OSError("no heap")
    return int(heap[1], 16)
