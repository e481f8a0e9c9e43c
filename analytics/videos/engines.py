"""Which engines work on a video, as the settings choose them. Loads none."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from analytics.engines import registry as detectors
from analytics.engines.registry import DetectorSpec
from analytics.video.types import VideoLimits
from faces.engines import registry as face_engines
from faces.engines.registry import EngineSpec

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class VideoEngines:
    """What it takes to make the engines of one analysis in another process; can be pickled."""

    detector: DetectorSpec
    faces: EngineSpec | None
    """None where faces are not looked for."""
    plates: bool


def detector_spec() -> tuple[DetectorSpec, str]:
    """The detector and why it. Raises DetectorUnavailable."""
    environment = settings.KIOSK
    return detectors.resolve(
        environment.video_detector,
        detection_root=environment.model_dir / "detection",
        pack=environment.video_pack,
        threads=environment.video_threads,
    )


def video_engines() -> VideoEngines:
    """Raises DetectorUnavailable or EngineUnavailable where one that is chosen can't run here."""
    environment = settings.KIOSK
    faces = None
    if environment.video_faces:
        faces, _reason = face_engines.resolve(
            environment.face_engine,
            insightface_root=environment.insightface_root,
            pack=environment.insightface_pack,
            cache_dir=environment.model_dir,
        )
    return VideoEngines(detector_spec()[0], faces, environment.video_plates)


def engines_key() -> list[str]:
    """What distinguishes results of other engines and settings, for jobs.analysis_key."""
    engines = video_engines()
    detector, faces = engines.detector, engines.faces
    return [
        f"{detector.name}:{detector.model.name if detector.model else ''}",
        f"{faces.name}:{faces.pack}:{settings.KIOSK.video_face_every_ms}" if faces else "",
        str(engines.plates),
    ]


def video_limits() -> VideoLimits:
    """What a video may be."""
    environment = settings.KIOSK
    return VideoLimits(max_bytes=environment.upload_mb * _MEBIBYTE, max_seconds=environment.video_seconds)
