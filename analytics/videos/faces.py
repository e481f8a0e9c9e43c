"""The faces of a video: looked for a few times a second, followed, and compared on the best frames of each appearance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from analytics.boxes import BoxXYXY
from analytics.plates.voting import BestFrames
from analytics.video.types import Frame
from analytics.videos.face_finder import FaceFinder, Look
from analytics.videos.face_tracks import MISSED_LOOKS, FaceTracks
from analytics.videos.scenes import Glance, Part, Seen, mark, parts_of
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
"""Where no face was, only every third look searches for one, unless the scene changed: an empty picture takes the longest.
A detector that looks at several small parts together looks every time."""
_UPPER_LOOKS = 7
"""Of somebody who stands the upper part alone is looked at, so often; then all, for it may be two people in a row."""
_UPPER_WIDTHS, _UPPER_WIDTHS_CUT = 0.7, 1.1
"""How high it is, in widths of the body; and where the picture's lower edge cuts the body off."""
_STANDING = 1.7
"""Height to width."""
_SHADOW = 0.3
"""Of the width: how far around the feet their shadow changes the floor."""
_EDGE_PX = 4
_LOOKS_TOGETHER = 16
"""So many at most, and no older: their frames are kept until then, and what was seen is not known."""


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


@dataclass(frozen=True, slots=True)
class _Shot:
    """One frame's view of a face, cut out with what is around it."""

    face: DetectedFace
    """In pixels of `image_rgb`."""
    image_rgb: ImageRGB = field(repr=False)
    box: Box = field(repr=False)
    """In pixels of the frame."""
    quality: FaceQuality


class FaceCollector:
    """Takes the frames of one video in order; has the faces at the end."""

    def __init__(self, engine: FaceEngine, folder: Path, *, every_ms: int, min_size_px: int) -> None:
        """`folder` takes the pictures."""
        self._engine = engine
        self._finder = FaceFinder(engine)
        self._folder = folder
        self._every_ms = every_ms
        self._min_size_px = min_size_px
        self._tracks = FaceTracks()
        self._best: dict[int, BestFrames[_Shot]] = {}
        self._settled_ms = 0
        self._glance: Glance | None = None
        self._seen = Seen()
        self._waiting: list[Look] = []
        self._glances: list[Glance] = []
        """Of what waits."""
        self._boxes: list[BoxXYXY] = []
        """Of the faces of the last look."""
        self._passed_over = 0
        self._upper_looks = 0
        self.found: list[FoundFace] = []

    def look(self, frame: Frame, tracked: Iterable[BoxXYXY] = ()) -> None:
        """Looks at a frame of its own, where it shows something new or faces were. Raises DetectionFailed.

        `tracked`: what is followed, and where. What stands upright is somebody, or may be: the face is in the upper part.
        """
        if self._waiting and frame.time_ms - self._waiting[0].frame.time_ms >= _LOOKS_TOGETHER * self._every_ms:
            self._settle()
        glance, before = Glance.of(frame), self._glance
        self._glance = glance
        is_cut = before is not None and glance.is_cut_from(before)
        changed = self._seen.changed(glance)
        if self._upper_looks < _UPPER_LOOKS and not changed.all():
            mark(changed, _lower_parts(tracked, frame.size), frame.size, 0)
            mark(changed, (_grown(box) for box in self._boxes), frame.size)
        parts = parts_of(changed, frame.size)
        if not parts or (before is not None and not is_cut and self._can_wait(parts, frame.size)):
            return
        self._passed_over = 0
        self._upper_looks = 0 if self._upper_looks == _UPPER_LOOKS else self._upper_looks + 1
        self._seen.note(glance, parts, frame.size)
        self._waiting.append(Look(frame, tuple(parts), is_cut))
        self._glances.append(glance)
        if self._boxes or not self._finder.gathers or len(self._waiting) == _LOOKS_TOGETHER or self._finder.fills(self._waiting):
            self._settle()

    def finish(self) -> list[FoundFace]:
        """All faces of the video, by time."""
        self._settle()
        for track_id in self._tracks.finish():
            self._close(track_id)
        return sorted(self.found, key=lambda face: (face.time_ms, face.track))

    def _can_wait(self, parts: Sequence[Part], size: tuple[int, int]) -> bool:
        """Whether a look at these parts may be left to one of the next looks: where no face was just before."""
        if self._boxes or (self._finder.gathers and Part.whole(size) not in parts):
            return False
        self._passed_over += 1
        return self._passed_over < _EMPTY_LOOKS

    def _settle(self) -> None:
        """Looks for the faces of what waits, and follows them."""
        looks, glances, self._waiting, self._glances = self._waiting, self._glances, [], []
        found_in = self._finder.find(looks, expects_none=not self._boxes)
        for look, glance, found in zip(looks, glances, found_in, strict=True):
            self._note_quiet(look.frame.time_ms)
            faces = [face for face in found if _short_side(face) >= self._min_size_px]
            # Where nothing has changed, a face still is what it was.
            still = [] if look.is_cut else [box for box in self._boxes if not any(part.meets(box) for part in look.parts)]
            self._boxes = [*(face.bbox_xyxy for face in faces), *still]
            self._seen.keep_open(glance, (_grown(box) for box in self._boxes), look.frame.size)
            followed = self._tracks.look(self._boxes, is_cut=look.is_cut)
            for track_id in followed.ended:
                self._close(track_id)
            for track_id, face in zip(followed.track_ids, faces, strict=False):
                self._keep(track_id, look.frame, face)

    def _note_quiet(self, time_ms: int) -> None:
        """Between the last look and this one nothing was new: whoever was gone then was gone all the time."""
        quiet_looks = (time_ms - self._settled_ms) // self._every_ms - 1
        self._settled_ms = time_ms
        if not self._boxes:
            for _ in range(min(quiet_looks, MISSED_LOOKS + 1)):
                for track_id in self._tracks.look([], is_cut=False).ended:
                    self._close(track_id)

    def _keep(self, track_id: int, frame: Frame, face: DetectedFace) -> None:
        shot = _shot(frame, face)
        if shot is None:
            return
        promise = _promise(shot.quality, _short_side(face))
        best = self._best.setdefault(track_id, BestFrames(FRAMES_COMPARED, apart_ms=self._every_ms // 2))
        best.offer(frame.time_ms, promise, shot)

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
        return FoundFace(
            track=track_id,
            time_ms=time_ms,
            box=shot.box,
            quality=shot.quality.score,
            embedding=embedding,
            picture=picture,
        )


def _promise(quality: FaceQuality, size_px: float) -> float:
    """How much a frame promises to a comparison, beside others of its track: size, sharpness, pose; 0 for nothing at all."""
    yaw, pitch = abs(quality.yaw_degrees), abs(quality.pitch_degrees)
    if yaw > _MAX_YAW_DEGREES or pitch > _MAX_PITCH_DEGREES or quality.brightness < _MIN_BRIGHTNESS:
        return 0.0
    facing = math.cos(math.radians(yaw)) * math.cos(math.radians(pitch))
    return size_px * facing * (0.3 + quality.sharpness) * quality.visible


def _shot(frame: Frame, face: DetectedFace) -> _Shot | None:
    """The face and what is around it; None for one outside of the picture."""
    width, height = frame.size
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
    image_rgb = np.ascontiguousarray(frame.part_bgr(x0, y0, x1, y1)[:, :, ::-1])
    return _Shot(moved, image_rgb, box, measure(image_rgb, moved))


def _lower_parts(tracked: Iterable[BoxXYXY], size: tuple[int, int]) -> Iterator[BoxXYXY]:
    """Of what stands upright all below head and shoulders, with the shadow around the feet."""
    for left, top, right, bottom in tracked:
        width = right - left
        if bottom - top >= _STANDING * width:
            upper = _UPPER_WIDTHS if bottom < size[1] - _EDGE_PX else _UPPER_WIDTHS_CUT
            yield left - width * _SHADOW, top + width * upper, right + width * _SHADOW, bottom + width * _SHADOW


def _grown(box: BoxXYXY) -> BoxXYXY:
    """With what is around it, where the face may be at the next look."""
    across, down = (box[2] - box[0]) * _CONTEXT, (box[3] - box[1]) * _CONTEXT
    return box[0] - across, box[1] - down, box[2] + across, box[3] + down


def _short_side(face: DetectedFace) -> float:
    left, top, right, bottom = face.bbox_xyxy
    return min(right - left, bottom - top)
