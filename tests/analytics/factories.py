"""Makers of the rows that an analysed video leaves."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

from analytics.models import FaceSighting, PlateSighting, Video, VideoState
from analytics.plates.search import search_key
from faces.engines.fake import FakeEngine, FakeFace
from faces.types import EngineInfo

_numbers = itertools.count(1)


def make_video(**fields: Any) -> Video:
    """A video that was analysed; its files do not exist."""
    name = uuid.uuid4().hex
    return Video.objects.create(
        **{"name": "hall.mp4", "file": f"videos/{name}", "sha256": name * 2, "size_bytes": 1, "state": VideoState.DONE} | fields
    )


def face_row(video: Video, face: FakeFace, time_ms: int, *, info: EngineInfo | None = None, **fields: Any) -> FaceSighting:
    """An unsaved sighting of one of the fake engine's faces."""
    info = FakeEngine().info if info is None else info
    embedding = fields.pop("vector", face.embedding())
    return FaceSighting(
        **{
            "video": video, "time_ms": time_ms, "track": next(_numbers), "quality": 0.9,
            "bbox_x": 10, "bbox_y": 10, "bbox_w": 90, "bbox_h": 90, "picture": f"sightings/{uuid.uuid4().hex}.jpg",
            "embedding": embedding.astype("<f4").tobytes(), "dimension": len(embedding),
            "metric": info.metric, "engine": info.identity,
        } | fields
    )  # fmt: skip


def make_face(video: Video, face: FakeFace, time_ms: int, **fields: Any) -> FaceSighting:
    sighting = face_row(video, face, time_ms, **fields)
    sighting.save()
    return sighting


def plate_row(video: Video, text: str, time_ms: int, **fields: Any) -> PlateSighting:
    """An unsaved sighting of a plate."""
    return PlateSighting(
        **{
            "video": video, "time_ms": time_ms, "track": next(_numbers), "text": text, "key": search_key(text), "confidence": 0.9,
            "bbox_x": 10, "bbox_y": 10, "bbox_w": 90, "bbox_h": 90, "picture": f"sightings/{uuid.uuid4().hex}.jpg",
        } | fields
    )  # fmt: skip


def make_plate(video: Video, text: str, time_ms: int, **fields: Any) -> PlateSighting:
    sighting = plate_row(video, text, time_ms, **fields)
    sighting.save()
    return sighting
