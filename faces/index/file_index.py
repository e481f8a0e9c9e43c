"""What the indexes in files have in common, whatever rows they keep and however they search them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import ClassVar, Generic, TypeVar

import numpy as np

from faces.index.base import IndexUnavailable
from faces.index.file_store import FileStore, SnapshotT, WriterT

MOST_THREADS = 4
"""So many work on one search at most; more would only compete for the memory's bandwidth."""
_ATTEMPTS = 4

EntryT = TypeVar("EntryT")
FoundT = TypeVar("FoundT")


class FileIndex(ABC, Generic[EntryT, SnapshotT, WriterT]):
    """A FollowingIndex (see `following`) in the files of one store. Open it in each process that uses it, after any fork.

    `apply` and `clear` raise IndexUnavailable where another process has been writing for longer than the store's lock timeout.
    What `apply` adds has to start at the version that `version` last gave here: where the index was cleared in between, `apply`
    raises IndexUnavailable once.
    """

    _what: ClassVar[str]
    """As FileStore.what."""
    _rows_at_once: ClassVar[int]
    """`apply` writes so many entries at a time."""

    def __init__(self, store: FileStore[SnapshotT, WriterT], *, threads: int) -> None:
        self._store = store
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="index-scan")
        self._life: int | None = None
        """The life of the store, between two `clear`, in which this process last saw it; None before it did."""

    @abstractmethod
    def _put(self, writer: WriterT, batch: list[EntryT]) -> None:
        """Adds the entries, in place of those of the same numbers; of entries with the same number the last one counts."""

    @property
    def version(self) -> int:
        with self._errors_reported():
            header = self._store.header()
        self._life = header.life
        return header.version

    def __len__(self) -> int:
        with self._errors_reported():
            return self._store.header().count

    def apply(self, *, upto: int, added: Iterable[EntryT], removed: Collection[int]) -> None:
        with ExitStack() as held:
            with self._errors_reported():
                writer = held.enter_context(self._store.writing())
            known, self._life = self._life, writer.header.life
            if known not in {None, writer.header.life}:
                raise IndexUnavailable("the index was cleared meanwhile: read its version again and apply what came later")
            if upto < writer.header.version:
                return  # another process was faster, and went further
            with self._errors_reported():
                writer.erase(np.fromiter(removed, np.int64, len(removed)))
            entries = iter(added)
            while batch := list(islice(entries, self._rows_at_once)):  # an error of theirs is not the disk's
                with self._errors_reported():
                    self._put(writer, batch)
            with self._errors_reported():
                writer.finish(upto)

    def clear(self) -> None:
        with self._errors_reported(), self._store.writing() as writer:
            writer.clear()
            self._life = writer.header.life

    def close(self) -> None:
        self._store.close()
        self._threads.shutdown()

    def _unchanged(self, look: Callable[[SnapshotT], FoundT]) -> FoundT:
        """What `look` finds in rows that were neither cleared nor rebuilt meanwhile."""
        with self._errors_reported():
            for _ in range(_ATTEMPTS):
                snapshot = self._store.snapshot()
                found = look(snapshot)
                if self._store.header().key == snapshot.key:
                    return found
        raise IndexUnavailable(f"the {self._what} is being cleared or rebuilt all the time")

    @classmethod
    @contextmanager
    def _errors_reported(cls) -> Iterator[None]:
        """The disk's errors as IndexUnavailable."""
        try:
            yield
        except OSError as error:
            raise IndexUnavailable(f"the files of the {cls._what} can't be used: {error.strerror}") from error
