"""How the C library keeps memory that Python has given back."""

from __future__ import annotations

import ctypes

# Of glibc's malloc.h.
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_ARENAS = 1
_APART = 512 * 1024


def share_heaps() -> None:
    """Keeps a server with many threads small: its threads share one heap, and large photos are kept outside of it.

    By default glibc gives each thread a heap of its own, and photos of a few hundred kilobytes leave each of them tens of
    megabytes large. `python -m bench.recognize` shows what it comes to. Does nothing with another C library.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_ARENA_MAX, _ARENAS)
    mallopt(_M_MMAP_THRESHOLD, _APART)


def give_back() -> None:
    """Returns freed memory to the system, after work that needed much of it for a moment; takes some milliseconds."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return
