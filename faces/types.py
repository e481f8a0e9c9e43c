"""What the faces app passes around: frozen values with no behaviour beyond their own geometry."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

ImageRGB: TypeAlias = npt.NDArray[np.uint8]
"""height x width x 3, uint8, RGB, upright (EXIF orientation applied)."""

Embedding: TypeAlias = npt.NDArray[np.float32]
"""(dimension,), float32, as the engine made it: unit length for COSINE, unnormalised for EUCLIDEAN."""


class Metric(StrEnum):
    """How two embeddings of one engine are compared."""

    COSINE = "cosine"
    EUCLIDEAN = "euclidean"


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Which engine made an embedding. Embeddings are compared only where `identity` is the same."""

    name: str
    """The family, as the protocols name it: "dlib", "insightface" or "fake"."""
    identity: str
    """The family, pack and weights, e.g. "dlib:resnet-v1" or "insightface:mobile@3f2a9c01"; at most 64 characters."""
    dimension: int
    metric: Metric
    has_fixed_input: bool = False
    """Its detector scales every picture to one size: a small one takes as long as a large one."""


@dataclass(frozen=True, slots=True)
class Box:
    """A face's place in a picture, in whole pixels of that picture, clipped to it."""

    x: int
    y: int
    w: int
    h: int

    @property
    def area(self) -> int:
        return self.w * self.h

    def as_dict(self) -> dict[str, int]:
        """The `bbox` object of /recognize 5.0."""
        return {"x": self.x, "y": self.y, "w": self.w, "h": self.h}


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Who a recognised face belongs to: what the protocols tell of a person, without the cost of a row."""

    pk: int
    entity_id: str
    number: str = field(repr=False)
    name: str = field(repr=False)
    user_type: str


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """One face an engine found."""

    bbox_xyxy: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels of the image given to the engine; may reach beyond it."""
    score: float
    """The detector's own confidence; larger is surer, scales differ between engines."""
    landmarks: npt.NDArray[np.float32] = field(repr=False)
    """(5, 2) x, y in pixels: the eye on the picture's left, the eye on its right, tip of the nose, mouth corner left, right."""

    @property
    def area(self) -> float:
        left, top, right, bottom = self.bbox_xyxy
        return max(0.0, right - left) * max(0.0, bottom - top)
