"""The faces of a video: looked for a few times a second, followed, and compared on the best frames of each appearance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from analytics.plates.voting import BestFrames
from analytics.video.types import Frame
from analytics.videos.face_tracks import FaceTracks
from analytics.videos.scenes import Glance
from faces.engines.base import EmbeddingFailed, FaceEngine
from faces.quality import FaceQuality, measure
from faces.similarity import similarities
from faces.types import Box, DetectedFace, Embedding, ImageRGB
from kiosk.runtime.imaging import crop_with_margin, encode_jpeg, thumbnail

FRAMES_COMPARED = 3
"""Of one appearance: the best ones are embedded."""
_MAX_YAW_DEGREES, _MAX_PITCH_DEGREES = 60.0, 50.0
_MIN_BRIGHTNESS = 30.0
"""Beyond these an embedding says nothing: a face in profile, or one in the dark."""
_SAME_SIMILARITY = 0.25
"""Below it two frames of one track show different people, although nothing else told them apart."""
_CONTEXT = 0.6
"""Of the face's size, kept around it on each side: what aligning it needs."""
_PICTURE_MARGIN = 0.35
_PICTURE_SIDE = 480
_EMPTY_LOOKS = 3
"""Where no face was, only every third look searches for one, unless the scene changed: an empty picture takes the longest."""
_NEVER = -(10**9)


@dataclass(frozen=True, slots=True)
class FoundFace:
    """One appearance of one person, on its best frame."""

    track: int
    time_ms: int
    box: Box
    quality: float
    """0 to 1."""
    embedding: Embedding = field(repr=False)
    picture: Path = field(repr=False)
    person_id: int | None = None
    similarity: float | None = None


Recognise = Callable[[Embedding], tuple[int, float] | None]
"""The enrolled person nearest to an embedding and the similarity, where that reaches the threshold."""


@dataclass(frozen=True, slots=True)
class _Shot:
    """One frame's view of a face, cut out with what is around it."""

    face: DetectedFace
    """In pixels of `image_rgb`."""
    image_rgb: ImageRGB = field(repr=False)
    box: Box = field(repr=False)
    """In pixels of the frame."""
    quality: float


class FaceCollector:
    """Takes the frames of one video in order; has the faces at the end."""

    def __init__(self, engine: FaceEngine, folder: Path, *, every_ms: int, min_size_px: int, recognise: Recognise) -> None:
        """`folder` takes the pictures."""
        self._engine = engine
        self._folder = folder
        self._every_ms = every_ms
        self._min_size_px = min_size_px
        self._recognise = recognise
        self._tracks = FaceTracks()
        self._best: dict[int, BestFrames[_Shot]] = {}
        self._looked_ms = _NEVER
        self._glance: Glance | None = None
        self._saw_faces = False
        self._passed_over = 0
        self.found: list[FoundFace] = []

    def look(self, frame: Frame) -> None:
        """Looks at the frame if it is time to. Raises DetectionFailed."""
        if frame.time_ms - self._looked_ms < self._every_ms:
            return
        self._looked_ms = frame.time_ms
        glance, before = Glance.of(frame), self._glance
        is_cut = before is not None and glance.is_cut_from(before)
        if before is not None and not is_cut and not self._saw_faces:
            self._passed_over += 1
            if self._passed_over < _EMPTY_LOOKS or glance.is_as(before):
                return
        self._glance, self._passed_over = glance, 0
        image_rgb = np.ascontiguousarray(frame.image_bgr[:, :, ::-1])
        faces = [face for face in self._engine.detect(image_rgb) if _short_side(face) >= self._min_size_px]
        self._saw_faces = bool(faces)
        is_cut = before is not None and glance.is_cut_from(before)
        look = self._tracks.look([face.bbox_xyxy for face in faces], is_cut=is_cut)
        for track_id in look.ended:
            self._close(track_id)
        for track_id, face in zip(look.track_ids, faces, strict=True):
            self._keep(track_id, frame.time_ms, image_rgb, face)

    def finish(self) -> list[FoundFace]:
        """All faces of the video, by time."""
        for track_id in self._tracks.finish():
            self._close(track_id)
        return sorted(self.found, key=lambda face: (face.time_ms, face.track))

    def _keep(self, track_id: int, time_ms: int, image_rgb: ImageRGB, face: DetectedFace) -> None:
        quality = measure(image_rgb, face)
        best = self._best.setdefault(track_id, BestFrames(FRAMES_COMPARED, apart_ms=self._every_ms // 2))
        promise = _promise(quality, _short_side(face))
        if best.wants(time_ms, promise):
            shot = _shot(image_rgb, face, quality.score)
            if shot is not None:
                best.offer(time_ms, promise, shot)

    def _close(self, track_id: int) -> None:
        kept: list[tuple[int, _Shot, Embedding]] = []
        for time_ms, shot in self._best.pop(track_id, BestFrames()).best_first():
            try:
                embedding = self._engine.embed(shot.image_rgb, shot.face)
            except EmbeddingFailed:
                continue
            if all(self._differ(embedding, other) for _time, _shot, other in kept):
                kept.append((time_ms, shot, embedding))
        for time_ms, shot, embedding in kept:
            self.found.append(self._face(track_id, time_ms, shot, embedding))

    def _differ(self, one: Embedding, other: Embedding) -> bool:
        return float(similarities(self._engine.info.metric, one, other[np.newaxis])[0]) < _SAME_SIMILARITY

    def _face(self, track_id: int, time_ms: int, shot: _Shot, embedding: Embedding) -> FoundFace:
        picture = self._folder / f"face-{track_id}-{time_ms}.jpg"
        crop = crop_with_margin(shot.image_rgb, shot.face.bbox_xyxy, _PICTURE_MARGIN)
        picture.write_bytes(encode_jpeg(thumbnail(crop, _PICTURE_SIDE)))
        person = self._recognise(embedding)
        return FoundFace(
            track=track_id,
            time_ms=time_ms,
            box=shot.box,
            quality=shot.quality,
            embedding=embedding,
            picture=picture,
            person_id=None if person is None else person[0],
            similarity=None if person is None else person[1],
        )


def _promise(quality: FaceQuality, size_px: float) -> float:
    """How much a frame promises to a comparison, beside others of its track: size, sharpness, pose; 0 for nothing at all."""
    yaw, pitch = abs(quality.yaw_degrees), abs(quality.pitch_degrees)
    if yaw > _MAX_YAW_DEGREES or pitch > _MAX_PITCH_DEGREES or quality.brightness < _MIN_BRIGHTNESS:
        return 0.0
    facing = math.cos(math.radians(yaw)) * math.cos(math.radians(pitch))
    return size_px * facing * (0.3 + quality.sharpness) * quality.visible


def _shot(image_rgb: ImageRGB, face: DetectedFace, quality: float) -> _Shot | None:
    """The face and what is around it; None for one outside of the picture."""
    height, width = image_rgb.shape[:2]
    left, top, right, bottom = face.bbox_xyxy
    extra_x, extra_y = (right - left) * _CONTEXT, (bottom - top) * _CONTEXT
    x0, y0 = max(0, int(left - extra_x)), max(0, int(top - extra_y))
    x1, y1 = min(width, int(right + extra_x) + 1), min(height, int(bottom + extra_y) + 1)
    inside = (max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom))
    if inside[2] - inside[0] < 1 or inside[3] - inside[1] < 1:
        return None
    moved = replace(
        face,
        bbox_xyxy=(left - x0, top - y0, right - x0, bottom - y0),
        landmarks=(face.landmarks - np.array([x0, y0], np.float32)).astype(np.float32),
    )
    box = Box(int(inside[0]), int(inside[1]), max(1, int(inside[2] - inside[0])), max(1, int(inside[3] - inside[1])))
    return _Shot(moved, np.ascontiguousarray(image_rgb[y0:y1, x0:x1]), box, quality)


def _short_side(face: DetectedFace) -> float:
    left, top, right, bottom = face.bbox_xyxy
    return min(right - left, bottom - top)
