"""The process's memory."""

from __future__ import annotations

import ctypes

#: glibc's M_ARENA_MAX (malloc.h).
_ARENA_MAX = -8
_ARENAS = 2


def limit_malloc_arenas() -> None:
    """Let all threads share two of glibc's memory pools. By default each thread has its own, which keeps what
    a large request needed, some 400 MB in all. No-op with another C library."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_ARENA_MAX, _ARENAS)
