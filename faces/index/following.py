"""Keeps an index in step with the rows it is a cache of, whatever the rows are."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable
from typing import Generic, Protocol, TypeVar

logger = logging.getLogger(__name__)

Entry = TypeVar("Entry")
Added_co = TypeVar("Added_co", covariant=True)
Applied_contra = TypeVar("Applied_contra", contravariant=True)


class RowSource(Protocol[Added_co]):
    """Rows whose every change has a version that grows in the order in which changes are committed."""

    def current(self) -> int:
        """The version of the last committed change; 0 before the first."""
        ...

    def added_since(self, version: int) -> Iterable[Added_co]:
        """What was added or changed after this version; may be a generator over millions of rows."""
        ...

    def removed_since(self, version: int) -> Collection[int]:
        """The numbers of what was removed after this version, where it is not below `forgotten`."""
        ...

    def forgotten(self) -> int:
        """The version up to which removals are not noted any more; 0 while all are."""
        ...


class FollowingIndex(Protocol[Applied_contra]):
    """What a follower asks of an index; the contract is that of faces.index.base.VectorIndex."""

    @property
    def version(self) -> int: ...

    def apply(self, *, upto: int, added: Iterable[Applied_contra], removed: Collection[int]) -> None: ...

    def clear(self) -> None: ...


class Follower(Generic[Entry]):
    """One index and the rows it follows."""

    def __init__(self, index: FollowingIndex[Entry], rows: RowSource[Entry]) -> None:
        self._index = index
        self._rows = rows
        self._catching_up = threading.Lock()

    def catch_up(self) -> None:
        """Applies to the index every committed change that it does not know. Raises IndexUnavailable."""
        if self._index.version == self._rows.current():
            return
        with self._catching_up:
            # In this order: what the index knows was committed before, so it can't be ahead of a later look at the database.
            known = self._index.version
            current = self._rows.current()
            if known > current:
                logger.warning("An index is ahead of the database, which was restored or replaced; it is built anew")
                self._index.clear()
                known = 0
            if known == current:
                return
            removed = self._rows.removed_since(known) if known else []
            # In this order: notes that were deleted before they could be read are below what is forgotten now.
            if known and known < self._rows.forgotten():
                logger.info("An index has not followed the database for so long that it is built anew")
                self._index.clear()
                known, removed = 0, []
            self._index.apply(upto=current, added=self._rows.added_since(known), removed=removed)
