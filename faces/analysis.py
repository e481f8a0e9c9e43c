"""What an engine worker does with one photo: decode, detect, measure, embed. Runs in worker processes only.

Bytes come in, small frozen values go out. Errors leave as AnalysisError, which survives the way back between processes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from faces.engines.base import DetectionFailed, EmbeddingFailed, EngineUnavailable, FaceEngine
from faces.errors import FaceErrorCode
from faces.types import Box, DetectedFace, Embedding, EngineInfo, ImageRGB
from kiosk.runtime.imaging import (
    DecodedImage,
    ImageError,
    ImageFault,
    ImageLimits,
    crop_with_margin,
    decode_image,
    encode_jpeg,
    thumbnail,
)

if TYPE_CHECKING:
    from faces.engines.registry import EngineSpec
    from faces.quality import FaceQuality

_STORED_MARGIN = 0.25
_UNPARSED = {ImageFault.UNREADABLE, ImageFault.UNSUPPORTED_FORMAT}


class AnalysisError(Exception):
    """Why a photo could not be analysed; `code` says which part failed."""

    def __init__(self, code: FaceErrorCode, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


@dataclass(frozen=True, slots=True)
class ProbeFace:
    """A face found in a photo. `embedding` is None where the face is too small to be compared."""

    box: Box
    embedding: Embedding | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class FrameFace:
    """A face found in a frame of a camera. `embedding` and `quality` are None where the face is too small to be compared."""

    bbox_xyxy: tuple[float, float, float, float]
    """In pixels of the frame, clipped to it."""
    embedding: Embedding | None = field(repr=False)
    quality: FaceQuality | None


@dataclass(frozen=True, slots=True)
class Examination:
    """What an enrolment check needs to know of a photo."""

    faces: int
    """Faces that compete for being the one: those of at least a quarter of the largest one's area."""
    box: Box | None
    """Of the largest face, in pixels of `photo_jpeg`."""
    quality: FaceQuality | None
    embedding: Embedding | None = field(repr=False)
    photo_jpeg: bytes | None = field(repr=False)
    """The upright picture without its metadata, as it is to be stored; None where there is no face."""


_RIVAL_AREA = 0.25

_engine: FaceEngine | None = None
_unavailable: str | None = None
_limits = ImageLimits()


def prepare(spec: EngineSpec, limits: ImageLimits) -> None:
    """Loads the engine of this worker process, once. One that can't be loaded is reported by every call."""
    global _engine, _limits, _unavailable  # noqa: PLW0603 - a worker process has one engine, given to it at its start
    import cv2

    from faces.engines.registry import create_engine

    _limits = limits
    # One core a worker: OpenCV would otherwise start threads of its own in each.
    cv2.setNumThreads(1)
    try:
        _engine = create_engine(spec)
    except EngineUnavailable as error:
        _unavailable = str(error)


def describe() -> EngineInfo:
    """Which engine this process runs."""
    return _loaded().info


def largest_face(photo: bytes, min_face: int) -> ProbeFace | None:
    """The largest face of a photo with its embedding; without one where it is smaller than `min_face` pixels; None if no face."""
    faces = _probe(photo, min_face, limit=1)
    return faces[0] if faces else None


def all_faces(photo: bytes, min_face: int, limit: int) -> list[ProbeFace]:
    """The `limit` largest faces of a photo, the largest first."""
    return _probe(photo, min_face, limit)


def faces_in_frame(pixels_rgb: bytes, height: int, width: int, min_face: int, limit: int) -> list[FrameFace]:
    """The `limit` largest faces of one frame, given as height x width x 3 bytes of RGB; embedded from `min_face` pixels on."""
    import numpy as np

    from faces.quality import measure

    frame = np.frombuffer(pixels_rgb, np.uint8).reshape(height, width, 3)
    image = DecodedImage(frame, 1.0, width, height)
    faces = []
    for face in _detect(frame)[:limit]:
        box = _box(face, image)
        corners = (float(box.x), float(box.y), float(box.x + box.w), float(box.y + box.h))
        if _too_small(box, min_face):
            faces.append(FrameFace(corners, None, None))
            continue
        try:
            faces.append(FrameFace(corners, _embed(frame, face), measure(frame, face)))
        except AnalysisError:
            # One face that can't be embedded must not hide the others; the next frame shows it another way.
            faces.append(FrameFace(corners, None, None))
    return faces


def examine(photo: bytes, min_face: int) -> Examination:
    """Everything an enrolment check asks of a photo; the largest face is embedded unless it is smaller than `min_face`."""
    from faces.quality import measure

    image = _decode(photo)
    found = _detect(image.pixels_rgb)
    if not found:
        return Examination(faces=0, box=None, quality=None, embedding=None, photo_jpeg=None)
    largest = found[0]
    # Measured on the picture that is stored, which is smaller than a huge source.
    box = _box(largest, replace(image, scale=1.0, width=image.pixels_rgb.shape[1], height=image.pixels_rgb.shape[0]))
    return Examination(
        faces=sum(face.area >= _RIVAL_AREA * largest.area for face in found),
        box=box,
        quality=measure(image.pixels_rgb, largest),
        embedding=None if _too_small(box, min_face) else _embed(image.pixels_rgb, largest),
        photo_jpeg=encode_jpeg(image.pixels_rgb),
    )


def embed_again(photo: bytes) -> ProbeFace | None:
    """The largest face of a stored photo with its embedding, whatever its size: for re-embedding a gallery."""
    return largest_face(photo, min_face=1)


def face_crop(photo: bytes, box: Box, max_side: int | None = None) -> bytes:
    """A JPEG of the face in `box` with some margin, no side longer than `max_side` where that is given."""
    image = _decode(photo)
    corners = tuple(value / image.scale for value in (box.x, box.y, box.x + box.w, box.y + box.h))
    assert len(corners) == 4  # noqa: PLR2004 - for the type checker
    crop = crop_with_margin(image.pixels_rgb, corners, _STORED_MARGIN)
    return encode_jpeg(crop if max_side is None else thumbnail(crop, max_side))


def _probe(photo: bytes, min_face: int, limit: int) -> list[ProbeFace]:
    image = _decode(photo)
    faces = []
    for face in _detect(image.pixels_rgb)[:limit]:
        box = _box(face, image)
        faces.append(ProbeFace(box, None if _too_small(box, min_face) else _embed(image.pixels_rgb, face)))
    return faces


def _loaded() -> FaceEngine:
    if _engine is None:
        raise AnalysisError(FaceErrorCode.DETECTION_FAILED, _unavailable or "the engine is not loaded")
    return _engine


def _decode(photo: bytes) -> DecodedImage:
    try:
        return decode_image(photo, _limits)
    except ImageError as error:
        code = FaceErrorCode.BAD_PHOTO if error.fault in _UNPARSED else FaceErrorCode.ABNORMAL_PHOTO
        raise AnalysisError(code, error.detail) from None


def _detect(image_rgb: ImageRGB) -> list[DetectedFace]:
    try:
        return _loaded().detect(image_rgb)
    except DetectionFailed as error:
        raise AnalysisError(FaceErrorCode.DETECTION_FAILED, str(error)) from None


def _embed(image_rgb: ImageRGB, face: DetectedFace) -> Embedding:
    try:
        return _loaded().embed(image_rgb, face)
    except EmbeddingFailed as error:
        raise AnalysisError(FaceErrorCode.EMBEDDING_FAILED, str(error)) from None


def _too_small(box: Box, min_face: int) -> bool:
    return min(box.w, box.h) < min_face


def _box(face: DetectedFace, image: DecodedImage) -> Box:
    """The face's box in whole pixels of the upright source picture, clipped to it, at least one pixel large."""
    left, top, right, bottom = (value * image.scale for value in face.bbox_xyxy)
    x = min(max(0, round(left)), image.width - 1)
    y = min(max(0, round(top)), image.height - 1)
    return Box(x, y, max(1, min(round(right), image.width) - x), max(1, min(round(bottom), image.height) - y))
