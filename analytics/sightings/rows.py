"""The rows of sightings as their indexes follow them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np

from analytics.models import FaceSighting, PlateSighting, RemovedSighting, SightingKind, SightingState
from analytics.sightings.plate_index.base import PlateEntry
from faces.index.base import Entry
from faces.types import EngineInfo

logger = logging.getLogger(__name__)

_ROWS_AT_ONCE = 2000


class _Rows:
    kind: SightingKind

    def current(self) -> int:
        return SightingState.current(self.kind)

    def removed_since(self, version: int) -> list[int]:
        removed = RemovedSighting.objects.filter(kind=self.kind, version__gt=version)
        return list(removed.values_list("sighting_id", flat=True))

    def forgotten(self) -> int:
        return SightingState.objects.filter(kind=self.kind).values_list("forgotten", flat=True).first() or 0


class FaceRows(_Rows):
    """The FaceSighting rows of one engine: embeddings of others are never compared with its."""

    kind = SightingKind.FACE

    def __init__(self, info: EngineInfo) -> None:
        self._info = info

    def added_since(self, version: int) -> Iterator[Entry]:
        rows = FaceSighting.objects.filter(engine=self._info.identity, version__gt=version).order_by("version", "pk")
        for pk, embedding in rows.values_list("pk", "embedding").iterator(chunk_size=_ROWS_AT_ONCE):
            vector = np.frombuffer(embedding, dtype="<f4")
            if vector.shape == (self._info.dimension,) and np.isfinite(vector).all() and vector.any():
                # The index answers with each person's nearest sample; here every sighting is an answer of its own.
                yield Entry(sample_id=pk, person_id=pk, embedding=vector)
            else:
                logger.error("Sighting %s has a damaged embedding and can't be found", pk)


class PlateRows(_Rows):
    """The PlateSighting rows."""

    kind = SightingKind.PLATE

    def added_since(self, version: int) -> Iterator[PlateEntry]:
        rows = PlateSighting.objects.filter(version__gt=version).order_by("version", "pk").values_list("pk", "key")
        for pk, key in rows.iterator(chunk_size=_ROWS_AT_ONCE):
            if key:
                yield PlateEntry(pk, key)
            else:
                logger.error("Sighting %s has no key and can't be found", pk)
