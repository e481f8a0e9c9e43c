"""How the C library keeps memory that Python has given back."""

from __future__ import annotations

import ctypes

# Of glibc's malloc.h.
_M_ARENA_MAX = -8

_ARENAS = 2


def share_heaps() -> None:
    """Keeps a server with many threads small: its threads share two heaps.

    By default glibc gives each thread a heap of its own, and photos of a few hundred kilobytes leave each of them tens of
    megabytes large. Does nothing with another C library.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_ARENA_MAX, _ARENAS)
