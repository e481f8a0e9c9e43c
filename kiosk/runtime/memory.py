"""How the C library keeps memory that Python has given back."""

from __future__ import annotations

import ctypes

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_ARENAS = 1
_APART = 512 * 1024
_LARGEST_KEPT = 32 * 1024 * 1024
"""The most that glibc takes."""
_MOST_KEPT = 64 * 1024 * 1024


def share_heaps() -> None:
    """Keeps a server with many threads small: its threads share one heap, and large photos are kept outside of it.

    By default glibc gives each thread a heap of its own, and photos of a few hundred kilobytes leave each of them tens of
    megabytes large. `python -m bench.recognize` shows what it comes to. Does nothing with another C library.
    """
    _mallopt(_M_ARENA_MAX, _ARENAS)
    _mallopt(_M_MMAP_THRESHOLD, _APART)


def keep_heap() -> None:
    """Lets a process that looks at pictures keep the memory of the last one for the next.

    By default glibc gives large arrays back to the system when they are freed, and each page of the next ones has to be asked
    for and emptied again: a twentieth of the time that a photo takes. At most 64 MB are kept; what is larger than 32 MB never is.
    """
    _mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
    _mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT)


def give_back() -> None:
    """Returns freed memory to the system, after work that needed much of it for a moment; takes some milliseconds."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return


def _mallopt(option: int, value: int) -> None:
    """glibc's; nothing with another C library."""
    try:
        ctypes.CDLL(None).mallopt(option, value)
    except (OSError, AttributeError):
        return
