"""The interface of a vector index: a cache of the FaceSample rows of one engine, searched by nearness.

The rows are the truth. Every change of the gallery has a version, a number that only grows; an index remembers the last version
it has applied, and `faces.gallery` feeds it what came later. Scores are the metric's own (a cosine, where larger is nearer, or a
Euclidean distance, where smaller is nearer) and may be approximate: the gallery scores the few best again from their rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from faces.types import Embedding


class IndexUnavailable(Exception):
    """The index can't answer now (its server is away, its files can't be written); the message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One enrolled sample to be found."""

    sample_id: int
    person_id: int
    embedding: Embedding = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hit:
    """One sample near the probe."""

    sample_id: int
    person_id: int
    score: float


class VectorIndex(Protocol):
    """One engine's gallery. All methods may be called from any thread, and several processes may share one store."""

    @property
    def version(self) -> int:
        """The gallery version up to which this index is complete, as all processes that share its store see it; 0 when new."""
        ...

    def __len__(self) -> int:
        """How many samples can be found now."""
        ...

    def apply(self, *, upto: int, added: Iterable[Entry], removed: Collection[int]) -> None:
        """Removes the samples `removed`, adds `added` (replacing those of the same sample_id), then says version `upto`.

        Applying what is already there again changes nothing, so that a crash between the two is mended by the next call.
        `added` may be a generator over millions of rows: it is read once, in batches.

        The changes have to start at the version that `version` last gave here. Where the index was cleared since, it would seem
        complete without what came before: IndexUnavailable is raised instead, until `version` has been read again. The version
        never goes back: a process that was overtaken by another changes nothing that the other made later.
        """
        ...

    def search(self, probe: Embedding, *, limit: int, person_ids: Collection[int] | None = None) -> list[Hit]:
        """The nearest sample of each of the `limit` nearest persons, nearest first; only among `person_ids` where given."""
        ...

    def clear(self) -> None:
        """Forgets everything, on disk too, and goes back to version 0."""
        ...

    def forget_other_engines(self) -> None:
        """Forgets what indexes of other engines keep of this database's gallery.

        An engine that no longer runs is not told whose samples were deleted since: what it knew must not outlive it. One that is
        chosen again later builds its index anew from the rows.
        """
        ...

    def close(self) -> None: ...
