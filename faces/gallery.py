"""The gallery: FaceSample rows of the running engine, searched through the vector index that caches them.

Every search first asks the database for the gallery's version and applies what the index does not know yet, so that what one
process enrols all others find at once. The index says who may be near; the few it names are scored again, exactly, from their
rows, so that a row that is gone is never an answer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection

from faces.index.base import Entry, VectorIndex
from faces.index.following import Follower
from faces.models import FaceSample, GalleryState, RemovedSample
from faces.similarity import from_scores, similarities
from faces.types import Embedding, EngineInfo, KnownPerson
from faces.workers import face_workers

logger = logging.getLogger(__name__)

_ROWS_AT_ONCE = 2000
_INDEX_ERROR = 0.05
"""How far an index's similarity may lie below the exact one: many times what int8 codes lose."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A person near a probe, by the best of their samples."""

    person: KnownPerson
    sample_id: int
    similarity: float
    """0 to 1, exact."""


class _Samples:
    """The FaceSample rows of one engine, as the index follows them."""

    def __init__(self, info: EngineInfo) -> None:
        self._info = info

    def current(self) -> int:
        return GalleryState.current()

    def removed_since(self, version: int) -> list[int]:
        return list(RemovedSample.objects.filter(version__gt=version).values_list("sample_id", flat=True))

    def forgotten(self) -> int:
        return GalleryState.objects.values_list("forgotten", flat=True).get(pk=1)

    def added_since(self, version: int) -> Iterator[Entry]:
        rows = (
            FaceSample.objects.filter(engine=self._info.identity, version__gt=version)
            .order_by("version", "pk")
            .values_list("pk", "person_id", "embedding")
        )
        for sample_id, person_id, embedding in rows.iterator(chunk_size=_ROWS_AT_ONCE):
            vector = np.frombuffer(embedding, dtype="<f4")
            if vector.shape == (self._info.dimension,) and np.isfinite(vector).all() and vector.any():
                yield Entry(sample_id, person_id, vector)
            else:
                # One damaged row must not keep the others from being found.
                logger.error("Sample %s has a damaged embedding and can't be found; run manage.py reembed --all", sample_id)


class Gallery:
    """The enrolled samples of one engine."""

    def __init__(self, info: EngineInfo, index: VectorIndex) -> None:
        self.info = info
        self._index = index
        self._follower = Follower(index, _Samples(info))

    def __len__(self) -> int:
        return len(self._index)

    def catch_up(self) -> None:
        """Applies to the index every committed change that it does not know. Raises IndexUnavailable."""
        self._follower.catch_up()

    def forget_other_engines(self) -> None:
        """Forgets what indexes of engines that don't run keep. Raises IndexUnavailable."""
        self._index.forget_other_engines()

    def nearest(
        self, probe: Embedding, *, limit: int, at_least: float = 0.0, person_ids: Collection[int] | None = None
    ) -> list[Neighbour]:
        """The `limit` persons nearest to the probe, nearest first; only among `person_ids` where given.

        Those who are surely less similar than `at_least` are left out. The index has to be caught up before. Raises
        IndexUnavailable.
        """
        hits = self._index.search(probe, limit=limit, person_ids=person_ids)
        likely = from_scores(self.info.metric, [hit.score for hit in hits]) >= at_least - _INDEX_ERROR
        return self._exact(probe, [hit.sample_id for hit, keep in zip(hits, likely, strict=True) if keep])

    def _exact(self, probe: Embedding, sample_ids: Sequence[int]) -> list[Neighbour]:
        if not sample_ids:
            return []
        rows = _rows_of(sample_ids, self.info)
        if not rows:
            return []
        vectors = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f4").reshape(len(rows), self.info.dimension)
        best: dict[int, Neighbour] = {}
        for (sample_id, _embedding, *person), score in zip(
            rows, similarities(self.info.metric, probe, vectors).tolist(), strict=True
        ):
            known = best.get(person[0])
            if known is None or score > known.similarity:
                best[person[0]] = Neighbour(KnownPerson(*person), sample_id, score)
        return sorted(best.values(), key=lambda neighbour: (-neighbour.similarity, neighbour.person.pk))


def _rows_of(sample_ids: Sequence[int], info: EngineInfo) -> list[tuple[Any, ...]]:
    """(sample, embedding, person, entity_id, number, name, user_type) of the samples that are still this engine's.

    Asked at every recognition; written out, because the ORM spends longer writing it than the database answering.
    """
    places = ", ".join(["%s"] * len(sample_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id, s.embedding, p.id, p.entity_id, p.number, p.name, p.user_type"  # noqa: S608 - places are our own
            " FROM faces_facesample s JOIN faces_person p ON p.id = s.person_id"
            f" WHERE s.engine = %s AND s.dimension = %s AND s.id IN ({places})",
            [info.identity, info.dimension, *sample_ids],
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


_lock = threading.Lock()
_gallery: Gallery | None = None


def gallery() -> Gallery:
    """The gallery of the running engine. The first call may wait for the engine's models to load."""
    global _gallery  # noqa: PLW0603 - one mapped index a process
    with _lock:
        if _gallery is None:
            info = face_workers().info
            _gallery = Gallery(info, open_index(info))
        return _gallery


def opened() -> Gallery | None:
    """The gallery as far as this process has opened it; waits for nothing."""
    return _gallery


def close_gallery() -> None:
    """Lets go of the index; the next gallery() opens it again."""
    global _gallery
    with _lock:
        closing, _gallery = _gallery, None
    if closing is not None:
        closing._index.close()  # noqa: SLF001 - this module owns both


def open_index(info: EngineInfo) -> VectorIndex:
    """The index that the settings choose, for one engine and this database."""
    environment = settings.KIOSK
    identity = GalleryState.objects.values_list("identity", flat=True).get(pk=1)
    if environment.face_index == "elasticsearch":
        from faces.index.elasticsearch import ElasticsearchIndex

        return ElasticsearchIndex(
            environment.elasticsearch_url.get_secret_value(),
            name_prefix=f"kiosk-{identity.hex[:8]}",
            engine_identity=info.identity,
            dimension=info.dimension,
            metric=info.metric,
        )
    from faces.index.embedded import EmbeddedIndex

    return EmbeddedIndex(environment.data_dir / "index" / identity.hex[:8], info)
