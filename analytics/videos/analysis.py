"""One video analysed whole: counted and drawn by the pipeline, faces and plates collected on the way. Saves no rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from analytics.engines.base import Detector
from analytics.models import FaceSighting, PlateSighting, Video, VideoInterval
from analytics.pipeline import Hooks, Observation, Report, analyse, run_to_end
from analytics.plates.reader import PlateReader
from analytics.plates.search import search_key
from analytics.videos.engines import VideoEngines, video_limits
from analytics.videos.faces import FaceCollector, FoundFace
from analytics.videos.jobs import Outcome
from analytics.videos.marks import Passages, read_lines, read_zones
from analytics.videos.plates import FoundPlate, PlateCollector
from analytics.videos.sightings import Sightings
from faces.engines.base import FaceEngine
from faces.gallery import Gallery, open_index
from faces.types import Embedding


@dataclass(slots=True)
class LoadedEngines:
    """The engines of a worker process, for one video at a time."""

    detector: Detector
    faces: FaceEngine | None
    plates: PlateReader | None
    gallery: Gallery | None = field(default=None, repr=False)
    """Of the enrolled people whom faces are compared with."""

    @classmethod
    def load(cls, engines: VideoEngines) -> LoadedEngines:
        """Raises DetectorUnavailable, EngineUnavailable or PlateReaderUnavailable."""
        from analytics.engines.registry import create_detector
        from faces.engines.registry import create_engine

        detector = create_detector(engines.detector)
        faces = None if engines.faces is None else create_engine(engines.faces)
        plates: PlateReader | None = None
        if engines.plates:
            from analytics.plates.reader import RapidPlateReader

            plates = RapidPlateReader(max(1, settings.KIOSK.video_threads))
        people = None if faces is None else Gallery(faces.info, open_index(faces.info))
        return cls(detector, faces, plates, people)

    def recognise(self, embedding: Embedding) -> tuple[int, float] | None:
        """The nearest enrolled person from KIOSK_FACE_THRESHOLD on, and the similarity."""
        threshold: float = settings.KIOSK.face_threshold
        if self.gallery is None:
            return None
        near = self.gallery.nearest(embedding, limit=1, at_least=threshold)
        if not near or near[0].similarity < threshold:
            return None
        return near[0].person.pk, near[0].similarity


def analyse_whole(
    video: Video,
    source: Path,
    folder: Path,
    engines: LoadedEngines,
    *,
    on_progress: Callable[[float], None],
    cancelled: Callable[[], bool],
) -> Outcome:
    """Everything there is in a video; files are written into `folder`.

    Raises what pipeline.analyse does, and DetectionFailed of the faces, PlateReadingFailed, IndexUnavailable.
    """
    if engines.gallery is not None:
        engines.gallery.catch_up()
    passages = Passages(read_lines(video.lines), read_zones(video.zones))
    processed = folder / "processed.mp4"
    with _sightings(engines, folder) as sightings:

        def observe(observation: Observation) -> None:
            for track in observation.finished:
                passages.add(track, observation.frame.size)
            sightings.take(observation)

        report = run_to_end(
            analyse(
                source,
                interval_ms=video.interval_ms,
                detector=engines.detector,
                hooks=Hooks(on_progress, observe, cancelled),
                output=processed,
                limits=video_limits(),
                threads=settings.KIOSK.video_threads,
            )
        )
        faces, plates = sightings.finish()
    return Outcome(
        fields=_fields(report, passages.plain()),
        intervals=_intervals(video, report),
        faces=[(_face_row(video, engines, face), face.picture) for face in faces],
        plates=[(_plate_row(video, plate), plate.picture) for plate in plates],
        processed=processed,
    )


def _sightings(engines: LoadedEngines, folder: Path) -> Sightings:
    every_ms = settings.KIOSK.video_face_every_ms
    faces = None
    if engines.faces is not None:
        faces = FaceCollector(engines.faces, folder, every_ms=every_ms, min_size_px=settings.KIOSK.video_face_min_size)
    plates = None if engines.plates is None else PlateCollector(engines.plates, folder)
    return Sightings(faces, plates, face_every_ms=every_ms)


def _fields(report: Report, passages: dict[str, Any]) -> dict[str, Any]:
    return {
        "detector": report.detector,
        "width": report.info.width,
        "height": report.info.height,
        "fps": report.info.fps,
        "duration_ms": report.duration_ms,
        "broken_at_ms": report.broken_at_ms,
        "people": report.total.people,
        "vehicles": report.total.vehicles,
        "passages": passages,
    }


def _intervals(video: Video, report: Report) -> list[VideoInterval]:
    columns = zip(
        report.people_counts,
        report.vehicle_counts,
        report.people_per_interval,
        report.vehicles_per_interval,
        strict=True,
    )
    return [
        VideoInterval(
            video=video,
            position=position,
            start_ms=position * video.interval_ms,
            people=people,
            vehicles=vehicles,
            people_passed=people_passed,
            vehicles_passed=vehicles_passed,
        )
        for position, (people, vehicles, people_passed, vehicles_passed) in enumerate(columns)
    ]


def _face_row(video: Video, engines: LoadedEngines, face: FoundFace) -> FaceSighting:
    assert engines.faces is not None, "faces come from an engine"
    info = engines.faces.info
    person_id, similarity = engines.recognise(face.embedding) or (None, None)
    return FaceSighting(
        video=video,
        time_ms=face.time_ms,
        track=face.track,
        bbox_x=face.box.x,
        bbox_y=face.box.y,
        bbox_w=face.box.w,
        bbox_h=face.box.h,
        person_id=person_id,
        score=similarity,
        quality=face.quality,
        embedding=np.asarray(face.embedding, "<f4").tobytes(),
        dimension=info.dimension,
        metric=info.metric,
        engine=info.identity,
    )


def _plate_row(video: Video, plate: FoundPlate) -> PlateSighting:
    return PlateSighting(
        video=video,
        time_ms=plate.time_ms,
        track=plate.track,
        bbox_x=plate.box.x,
        bbox_y=plate.box.y,
        bbox_w=plate.box.w,
        bbox_h=plate.box.h,
        text=plate.verdict.text,
        key=search_key(plate.verdict.text),
        kind=str(plate.verdict.kind),
        colour=plate.colour,
        confidence=min(1.0, max(0.0, plate.verdict.confidence)),
        frames=plate.verdict.agreeing,
    )
