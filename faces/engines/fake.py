"""A deterministic engine for tests: its "faces" are printed codes that say who they are and what shall go wrong.

A face is a magenta square of at least MIN_SIZE_PX pixels; inside its frame, an eighth of the side wide, stand 5 x 5 grey cells,
a light one for a 1 and a dark one for a 0. The corners are 1 (top left), 0, 0, 0; the others, read row by row, carry the fields
of FakeFace, their highest bit first, and a checksum. Grey and few, they survive JPEG compression, scaling and a change of
brightness; a code that is rotated or mirrored is no face. tests/media.py draws them.

The engine runs in a worker process, so what shall happen must stand in the picture. It is chosen only by name, never by "auto".
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from faces.engines.arrays import largest_first, require_face, require_image
from faces.engines.base import DetectionFailed, EmbeddingFailed
from faces.types import DetectedFace, Embedding, EngineInfo, ImageRGB, Metric

DIMENSION = 256
MIN_SIZE_PX = 32
CELLS = 5
FRAME = 1 / 8
"""Width of the frame, as a share of the side."""
VARIATION_DEGREES = 6.0
LANDMARKS = ((0.34, 0.46), (0.66, 0.46), (0.5, 0.64), (0.37, 0.82), (0.63, 0.82))
"""The five landmarks, as shares of the square inside the frame."""
LANDMARKS_TURNED = ((0.34, 0.46), (0.66, 0.46), (0.72, 0.64), (0.37, 0.82), (0.63, 0.82))

_FIELD_BITS = {"person": 7, "variation": 4, "behaviour": 3, "magnitude": 4}
_CHECKSUM_BITS = 3
_FRAME_CHROMA = 24
_CELL_CONTRAST = 12
_FOUND_SIZE_PX = 24
_CRASH_STATUS = 70


class Behaviour(IntEnum):
    """What the engine does on meeting the face."""

    NORMAL = 0
    TURNED_AWAY = 1
    """The landmarks are those of a face that looks aside."""
    DETECTION_FAILS = 2
    EMBEDDING_FAILS = 3
    DETECTION_SLEEPS = 4
    """`detect` takes 0.1 s x 2^magnitude longer: from 0.1 s to almost an hour."""
    EMBEDDING_SLEEPS = 5
    CRASHES = 6
    """`detect` ends the process at once, as a crash in native code does."""


@dataclass(frozen=True, slots=True)
class FakeFace:
    """What one code says."""

    person: int
    """0 to 127; the embeddings of two persons are orthogonal."""
    variation: int = 0
    """0 to 15: the cosine of two faces of one person is cos(6 degrees x the difference of their variations)."""
    behaviour: Behaviour = Behaviour.NORMAL
    magnitude: int = 0
    """0 to 15."""

    def cells(self) -> npt.NDArray[np.bool_]:
        """(5, 5), True for the light cells. Raises ValueError for a field that is out of its range."""
        bits = "".join(_bits(name, getattr(self, name), count) for name, count in _FIELD_BITS.items())
        bits += _bits("checksum", self._checksum(), _CHECKSUM_BITS)
        corners_inserted = f"1{bits[:3]}0{bits[3:18]}0{bits[18:]}0"
        return np.array([bit == "1" for bit in corners_inserted]).reshape(CELLS, CELLS)

    @classmethod
    def from_cells(cls, cells: npt.NDArray[np.bool_]) -> FakeFace | None:
        """What the cells say; None where they are no code."""
        text = "".join("1" if cell else "0" for cell in cells.ravel())
        bits = text[1:4] + text[5:20] + text[21:24]
        values, start = {}, 0
        for name, count in _FIELD_BITS.items():
            values[name] = int(bits[start : start + count], 2)
            start += count
        if values["behaviour"] not in set(Behaviour):
            return None
        face = cls(values["person"], values["variation"], Behaviour(values["behaviour"]), values["magnitude"])
        return face if np.array_equal(face.cells(), cells) else None

    def _checksum(self) -> int:
        return (1 + self.person + 3 * self.variation + 5 * self.behaviour + 7 * self.magnitude) % (1 << _CHECKSUM_BITS)

    @property
    def sleep_seconds(self) -> float:
        return 0.1 * 2.0**self.magnitude

    def embedding(self) -> Embedding:
        """(256,), unit length, with all its components in use as a real engine's are."""
        angle = math.radians(VARIATION_DEGREES * self.variation)
        cosine, sine = np.float32(math.cos(angle)), np.float32(math.sin(angle))
        embedding: Embedding = cosine * _direction(2 * self.person) + sine * _direction(2 * self.person + 1)
        return embedding


def _bits(name: str, value: int, count: int) -> str:
    if not 0 <= value < 1 << count:
        raise ValueError(f"{name} must be from 0 to {(1 << count) - 1}, not {value}")
    return format(value, f"0{count}b")


def _direction(index: int) -> Embedding:
    """One row of the Hadamard matrix of order 256, at unit length: the rows are orthogonal, and no component is zero."""
    columns = np.arange(DIMENSION, dtype=np.uint16)
    odd = np.bitwise_count(columns & np.uint16(index)) % 2 == 1
    return np.where(odd, -1, 1).astype(np.float32) / np.float32(math.sqrt(DIMENSION))


class FakeEngine:
    """FaceEngine that reads FakeFace codes. `sleep` is what makes time pass."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(name="fake", identity="fake:v1", dimension=DIMENSION, metric=Metric.COSINE)

    def detect(self, image_rgb: ImageRGB, *, expects_none: bool = False) -> list[DetectedFace]:  # noqa: ARG002 - as small as they are
        image = require_image(image_rgb)
        faces = []
        for box in _frames(image):
            code = _read(image, box)
            if code is None:
                continue
            if code.behaviour is Behaviour.CRASHES:
                os._exit(_CRASH_STATUS)
            if code.behaviour is Behaviour.DETECTION_SLEEPS:
                self._sleep(code.sleep_seconds)
            if code.behaviour is Behaviour.DETECTION_FAILS:
                raise DetectionFailed("the picture asks the detector to fail")
            shares = LANDMARKS_TURNED if code.behaviour is Behaviour.TURNED_AWAY else LANDMARKS
            faces.append(DetectedFace(bbox_xyxy=box, score=1.0, landmarks=_landmarks(box, shares)))
        return largest_first(faces)

    def embed(self, image_rgb: ImageRGB, face: DetectedFace) -> Embedding:
        image = require_image(image_rgb)
        require_face(face, image)
        code = _read(image, face.bbox_xyxy)
        if code is None:
            raise EmbeddingFailed("there is no readable code in the face's box")
        if code.behaviour is Behaviour.EMBEDDING_SLEEPS:
            self._sleep(code.sleep_seconds)
        if code.behaviour is Behaviour.EMBEDDING_FAILS:
            raise EmbeddingFailed("the picture asks the network to fail")
        return code.embedding()


def _frames(image: ImageRGB) -> list[tuple[float, float, float, float]]:
    """The boxes of what is magenta and about square."""
    import cv2

    red, green, blue = (image[:, :, channel].astype(np.int16) for channel in range(3))
    chroma = np.minimum(red, blue) - green
    # JPEG smears colour over a few pixels: the edge is where half of it is left.
    magenta = chroma > max(_FRAME_CHROMA, int(chroma.max()) // 2)
    count, _, stats, _ = cv2.connectedComponentsWithStats(magenta.astype(np.uint8))
    boxes = []
    for component in range(1, count):  # 0 is the background
        x, y, width, height = (int(value) for value in stats[component][:4])
        if min(width, height) >= _FOUND_SIZE_PX and max(width, height) < 1.2 * min(width, height):
            boxes.append((float(x), float(y), float(x + width), float(y + height)))
    return boxes


def _inside(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Left, top, width, height of the square inside the frame."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    return left + FRAME * width, top + FRAME * height, (1 - 2 * FRAME) * width, (1 - 2 * FRAME) * height


def _landmarks(box: tuple[float, float, float, float], shares: tuple[tuple[float, float], ...]) -> npt.NDArray[np.float32]:
    left, top, width, height = _inside(box)
    return np.array([(left + x * width, top + y * height) for x, y in shares], dtype=np.float32)


def _read(image: ImageRGB, box: tuple[float, float, float, float]) -> FakeFace | None:
    left, top, width, height = _inside(box)
    levels = np.zeros((CELLS, CELLS))
    for row, column in np.ndindex(CELLS, CELLS):
        # The middle half of the cell, at least one pixel of it: its edges run into its neighbours.
        x, y = left + (column + 0.25) * width / CELLS, top + (row + 0.25) * height / CELLS
        across, down = max(1, round(width / CELLS / 2)), max(1, round(height / CELLS / 2))
        middle = image[max(0, round(y)) : round(y) + down, max(0, round(x)) : round(x) + across]
        if middle.size == 0:
            return None
        levels[row, column] = middle.mean()
    light, dark = levels[0, 0], (levels[0, -1] + levels[-1, 0] + levels[-1, -1]) / 3
    if light - dark < _CELL_CONTRAST:
        return None
    return FakeFace.from_cells(levels > (light + dark) / 2)
