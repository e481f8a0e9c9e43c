"""The indexes of this process: embedded in the data folder, or in Elasticsearch where ELASTICSEARCH_URL names a server."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from analytics.sightings.plate_index.base import PlateEntry, PlateIndex
from analytics.sightings.rows import FaceRows, PlateRows
from faces.index.base import Entry, VectorIndex
from faces.index.following import Follower
from faces.models import GalleryState
from faces.types import EngineInfo
from faces.workers import face_workers

_TIMEOUT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class FaceIndex:
    """The index of face sightings of the running engine."""

    info: EngineInfo
    vectors: VectorIndex
    follower: Follower[Entry]


@dataclass(frozen=True, slots=True)
class Plates:
    """The index of plate sightings."""

    plates: PlateIndex
    follower: Follower[PlateEntry]


_lock = threading.Lock()
_faces: FaceIndex | None = None
_plates: Plates | None = None


def face_index() -> FaceIndex:
    """The first call may wait for the engine's models to load. Raises EngineUnavailable, FaceError or IndexUnavailable."""
    global _faces  # noqa: PLW0603 - one mapped index a process
    with _lock:
        if _faces is None:
            info = face_workers().info
            vectors = open_face_index(info)
            _faces = FaceIndex(info, vectors, Follower(vectors, FaceRows(info)))
        return _faces


def plate_index() -> Plates:
    """Raises IndexUnavailable."""
    global _plates  # noqa: PLW0603 - one mapped index a process
    with _lock:
        if _plates is None:
            plates = open_plate_index()
            _plates = Plates(plates, Follower(plates, PlateRows()))
        return _plates


def close_indexes() -> None:
    """Lets go of both; the next call opens them again."""
    global _faces, _plates  # noqa: PLW0603 - as above
    with _lock:
        faces, plates = _faces, _plates
        _faces = _plates = None
    if faces is not None:
        faces.vectors.close()
    if plates is not None:
        plates.plates.close()


def uses_elasticsearch() -> bool:
    return bool(settings.KIOSK.elasticsearch_url.get_secret_value())


def open_face_index(info: EngineInfo) -> VectorIndex:
    """The index that the settings choose, of this engine's sightings in this database."""
    database = _database()
    if uses_elasticsearch():
        from faces.index.elasticsearch import ElasticsearchIndex

        return ElasticsearchIndex(
            settings.KIOSK.elasticsearch_url.get_secret_value(),
            name_prefix=f"kiosk-sightings-{database}",
            engine_identity=info.identity,
            dimension=info.dimension,
            metric=info.metric,
            timeout_seconds=_TIMEOUT_SECONDS,
        )
    from faces.index.embedded import EmbeddedIndex
    from faces.index.nearest import ALL_NEAR_SCORED

    return EmbeddedIndex(settings.KIOSK.data_dir / "sightings" / database / "faces", info, least_scored=ALL_NEAR_SCORED)


def open_plate_index() -> PlateIndex:
    """The index that the settings choose, of the plates in this database."""
    database = _database()
    if uses_elasticsearch():
        from analytics.sightings.plate_index.elasticsearch import ElasticsearchPlateIndex

        return ElasticsearchPlateIndex(
            settings.KIOSK.elasticsearch_url.get_secret_value(),
            name=f"kiosk-plates-{database}",
            timeout_seconds=_TIMEOUT_SECONDS,
        )
    from analytics.sightings.plate_index.embedded import EmbeddedPlateIndex

    return EmbeddedPlateIndex(settings.KIOSK.data_dir / "sightings" / database / "plates")


def _database() -> str:
    """Names this database: an index made from another one is never taken for its own."""
    return str(GalleryState.objects.values_list("identity", flat=True).get(pk=1).hex[:8])
