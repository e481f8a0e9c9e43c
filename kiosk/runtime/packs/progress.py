"""How long work with large files tells how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeAlias

Advance: TypeAlias = Callable[[int], object]
"""Called with the number of bytes that were done since the last call."""


class Progress(Protocol):
    """Shows one piece of work while its context lasts."""

    def __call__(self, title: str, total: int | None, done: int) -> AbstractContextManager[Advance]:
        """`total` bytes where known, of which `done` were done before."""
        ...


@contextmanager
def silent(title: str, total: int | None, done: int) -> Iterator[Advance]:  # noqa: ARG001 - the signature of Progress
    """Shows nothing."""
    yield lambda _count: None
