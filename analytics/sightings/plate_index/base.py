"""The interface of an index of plates: a cache of the PlateSighting rows, searched by what somebody remembers of a plate.

The rows are the truth; the index follows them as a vector index does (faces.index.base, faces.index.following). Scores are
those of analytics.plates.search. Whoever asks reads the rows of the answer and scores them again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

MIN_THRESHOLD: Final = 0.7
"""Below, half of a city's plates would be worth a look."""


@dataclass(frozen=True, slots=True)
class PlateEntry:
    """One sighting to be found."""

    sighting_id: int
    key: str = field(repr=False)
    """analytics.plates.search.search_key of the plate; 1 to 16 characters."""


@dataclass(frozen=True, slots=True)
class PlateHit:
    """One sighting that fits."""

    sighting_id: int
    score: float
    """0 to 1; 1 for the same plate."""


class PlateIndex(Protocol):
    """All methods may be called from any thread, and several processes may share one store. All raise IndexUnavailable."""

    @property
    def version(self) -> int:
        """The version up to which this index is complete; 0 when new."""
        ...

    def __len__(self) -> int: ...

    def apply(self, *, upto: int, added: Iterable[PlateEntry], removed: Collection[int]) -> None:
        """As faces.index.base.VectorIndex.apply."""
        ...

    def search(self, query: str, *, limit: int, threshold: float) -> list[PlateHit]:
        """The `limit` sightings that fit best, exact ones first, then by score, the newest first where it is the same.

        A query without wildcards finds what analytics.plates.search.search would find at this threshold, which is at least
        MIN_THRESHOLD; one with wildcards finds what fits it without a difference. Raises BadQuery, and ValueError for a limit
        below 1 or a threshold out of bounds.
        """
        ...

    def create(self) -> None:
        """Makes what is missing of it, empty."""
        ...

    def clear(self) -> None: ...

    def close(self) -> None: ...
