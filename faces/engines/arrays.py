"""What every engine asks of the arrays it is given, so that a wrong one is named where it enters."""

from __future__ import annotations

import math

import numpy as np

from faces.types import DetectedFace, Embedding, ImageRGB

_CHANNELS = 3
_LANDMARKS_SHAPE = (5, 2)


def require_image(image_rgb: ImageRGB) -> ImageRGB:
    """The picture in contiguous memory, as vendors want it. Raises ValueError unless it is height x width x 3 of uint8."""
    if not isinstance(image_rgb, np.ndarray):
        raise ValueError(f"a picture must be a numpy array, not {type(image_rgb).__name__}")  # noqa: TRY004 - base.py says so
    shape = image_rgb.shape
    if image_rgb.dtype != np.uint8 or len(shape) != 3 or shape[2] != _CHANNELS or 0 in shape:  # noqa: PLR2004
        raise ValueError(f"a picture must be height x width x 3 of uint8, not {shape} of {image_rgb.dtype}")
    return np.ascontiguousarray(image_rgb)


def require_face(face: DetectedFace, image_rgb: ImageRGB) -> None:
    """Raises ValueError for a face that can't have been found in the picture: not finite, empty or wholly outside."""
    left, top, right, bottom = face.bbox_xyxy
    height, width = image_rgb.shape[:2]
    if not all(map(math.isfinite, face.bbox_xyxy)) or not (left < right and top < bottom):
        raise ValueError(f"a face's box must be finite with left < right and top < bottom, not {face.bbox_xyxy}")
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        raise ValueError(f"the face's box {face.bbox_xyxy} lies outside the picture of {width} x {height}")
    if face.landmarks.shape != _LANDMARKS_SHAPE or not np.isfinite(face.landmarks).all():
        raise ValueError(f"a face's landmarks must be finite and of shape {_LANDMARKS_SHAPE}, not {face.landmarks.shape}")


def largest_first(faces: list[DetectedFace]) -> list[DetectedFace]:
    return sorted(faces, key=lambda face: face.area, reverse=True)


def is_usable(embedding: Embedding) -> bool:
    """Whether the numbers can be compared: all finite, and not all zero."""
    return bool(np.isfinite(embedding).all() and embedding.any())
