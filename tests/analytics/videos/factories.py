"""Videos as they stand in the database once they are done."""

from __future__ import annotations

import numpy as np
from django.core.files.base import ContentFile

from analytics.models import FaceSighting, PlateSighting, Video, VideoInterval, VideoState
from analytics.plates.search import search_key
from faces.models import Person
from tests.media import as_jpeg, blank

PICTURE = as_jpeg(blank(64, 64))


def make_video(**fields: object) -> Video:
    """A video that is done, with its files stored."""
    defaults: dict[str, object] = {
        "name": "大厅.mp4",
        "sha256": "0" * 64,
        "size_bytes": 5,
        "state": VideoState.DONE,
        "progress": 1.0,
        "duration_ms": 3000,
        "width": 64,
        "height": 48,
        "fps": 25.0,
        "detector": "motion",
    }
    video = Video(**{**defaults, **fields})
    video.file.save("video", ContentFile(b"video"), save=False)
    if video.state == VideoState.DONE:
        video.processed.save("video", ContentFile(b"0123456789"), save=False)
    video.save()
    return video


def add_interval(video: Video, position: int, *counts: int) -> VideoInterval:
    """people, vehicles, people passed, vehicles passed."""
    people, vehicles, people_passed, vehicles_passed = counts
    return VideoInterval.objects.create(
        video=video,
        position=position,
        start_ms=position * video.interval_ms,
        people=people,
        vehicles=vehicles,
        people_passed=people_passed,
        vehicles_passed=vehicles_passed,
    )


def add_face(video: Video, time_ms: int = 0, person: Person | None = None) -> FaceSighting:
    face = FaceSighting(
        video=video,
        person=person,
        score=None if person is None else 0.71,
        time_ms=time_ms,
        track=1,
        bbox_x=1,
        bbox_y=2,
        bbox_w=30,
        bbox_h=40,
        quality=0.5,
        embedding=np.ones(4, "<f4").tobytes(),
        dimension=4,
        metric="cosine",
        engine="fake:1",
    )
    face.picture.save("face", ContentFile(PICTURE), save=False)
    face.save()
    return face


def add_plate(video: Video, text: str = "粤B12345", time_ms: int = 0) -> PlateSighting:
    plate = PlateSighting(
        video=video,
        text=text,
        key=search_key(text),
        kind="ordinary",
        colour="blue",
        confidence=0.9,
        frames=3,
        time_ms=time_ms,
        track=1,
        bbox_x=0,
        bbox_y=0,
        bbox_w=60,
        bbox_h=40,
    )
    plate.picture.save("car", ContentFile(PICTURE), save=False)
    plate.save()
    return plate
