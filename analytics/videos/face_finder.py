"""Faces in parts of frames, for the price of the parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from analytics.video.types import Frame
from analytics.videos.scenes import Part
from faces.engines.base import FaceEngine
from faces.types import DetectedFace, ImageRGB

_SHEET = (640, 640)
"""Width and height of a sheet: what detectors of a fixed input size look at."""
_GAP = 8
_FULL_SHARE = 0.7
"""Of a sheet: more than that seldom finds room on it."""
_AVERAGED_BELOW = 0.6
"""The scale at which pixels have to be averaged; above it that takes longer and shows no more."""
_LONGEST_SIDE, _LONGEST_SIDE_ON_SHEETS = 960, 640
"""Parts are looked at as large as if their frame had this longer side at most: as a detector sees a whole frame."""


@dataclass(frozen=True, slots=True)
class Look:
    """A frame of its own and the parts of it that are to be looked at."""

    frame: Frame
    parts: tuple[Part, ...]
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a look, cut out and reduced."""

    number: int
    """Of the look."""
    part: Part
    scale: float
    image_rgb: ImageRGB = field(repr=False)


@dataclass(slots=True)
class _Sheet:
    """Pieces side by side in one picture, filled row by row."""

    image_rgb: ImageRGB = field(default_factory=lambda: np.zeros((*_SHEET[::-1], 3), np.uint8))
    placed: list[tuple[_Piece, int, int]] = field(default_factory=list)
    """With the left upper corners."""
    x: int = 0
    y: int = 0
    row: int = 0

    def takes(self, piece: _Piece) -> bool:
        """Whether there was room."""
        height, width = piece.image_rgb.shape[:2]
        if self.x + width > _SHEET[0]:
            self.x, self.y, self.row = 0, self.y + self.row + _GAP, 0
        if self.x + width > _SHEET[0] or self.y + height > _SHEET[1]:
            return False
        self.image_rgb[self.y : self.y + height, self.x : self.x + width] = piece.image_rgb
        self.placed.append((piece, self.x, self.y))
        self.x, self.row = self.x + width + _GAP, max(self.row, height)
        return True

    def sorted_out(self, faces: Iterable[DetectedFace]) -> Iterator[tuple[int, DetectedFace]]:
        """Each face with the number of the look that it belongs to, that of the piece in which its middle lies."""
        for face in faces:
            left, top, right, bottom = face.bbox_xyxy
            x, y = (left + right) / 2, (top + bottom) / 2
            for piece, x0, y0 in self.placed:
                height, width = piece.image_rgb.shape[:2]
                if x0 <= x < x0 + width and y0 <= y < y0 + height:
                    offset = (piece.part.left - x0 / piece.scale, piece.part.top - y0 / piece.scale)
                    yield piece.number, _moved(face, 1 / piece.scale, offset)


def _sheets(pieces: Iterable[_Piece]) -> list[_Sheet]:
    """The highest first, so that rows waste little."""
    sheets: list[_Sheet] = []
    for piece in sorted(pieces, key=lambda piece: -piece.image_rgb.shape[0]):
        if not sheets or not sheets[-1].takes(piece):
            sheets.append(_Sheet())
            sheets[-1].takes(piece)
    return sheets


class FaceFinder:
    """Detects with a FaceEngine in parts of frames. Raises what the engine does."""

    def __init__(self, engine: FaceEngine) -> None:
        self._engine = engine
        self.gathers = engine.info.has_fixed_input
        """Whether several looks together cost less than each by itself."""
        self._longest_side = _LONGEST_SIDE_ON_SHEETS if self.gathers else _LONGEST_SIDE

    def fills(self, looks: Sequence[Look]) -> bool:
        """Whether the parts of these looks fill a sheet, so that waiting for more saves nothing."""
        scaled = sum(part.area * self._scale(look.frame) ** 2 for look in looks for part in look.parts)
        return scaled > _FULL_SHARE * _SHEET[0] * _SHEET[1]

    def find(self, looks: Sequence[Look], *, expects_none: bool = False) -> list[list[DetectedFace]]:
        """The faces of each look, in pixels of its frame. `expects_none`: as FaceEngine.detect."""
        found: list[list[DetectedFace]] = [[] for _look in looks]
        together: list[_Piece] = []
        for number, look in enumerate(looks):
            scale = self._scale(look.frame)
            for part in look.parts:
                if self.gathers and _fits(part, scale):
                    together.append(_Piece(number, part, scale, _cut_out(look.frame, part, scale)))
                else:
                    found[number] += self._find_in(look.frame, part, scale, expects_none)
        for sheet in _sheets(together):
            for number, face in sheet.sorted_out(self._engine.detect(sheet.image_rgb, expects_none=expects_none)):
                found[number].append(face)
        return found

    def _scale(self, frame: Frame) -> float:
        return min(1.0, self._longest_side / max(frame.size))

    def _find_in(self, frame: Frame, part: Part, scale: float, expects_none: bool) -> list[DetectedFace]:
        """By itself; a whole frame as it is, for the engine knows best how to look at one."""
        if part == Part.whole(frame.size):
            return self._engine.detect(np.ascontiguousarray(frame.image_bgr[:, :, ::-1]), expects_none=expects_none)
        image = _cut_out(frame, part, scale)
        faces = self._engine.detect(image, expects_none=expects_none)
        return [_moved(face, 1 / scale, (part.left, part.top)) for face in faces]


def _fits(part: Part, scale: float) -> bool:
    return part.size[0] * scale <= _SHEET[0] and part.size[1] * scale <= _SHEET[1]


def _cut_out(frame: Frame, part: Part, scale: float) -> ImageRGB:
    import cv2

    image_bgr = frame.part_bgr(part.left, part.top, part.right, part.bottom)
    if scale < 1:
        size = (max(1, int(part.size[0] * scale)), max(1, int(part.size[1] * scale)))
        method = cv2.INTER_AREA if scale < _AVERAGED_BELOW else cv2.INTER_LINEAR
        image_bgr = np.asarray(cv2.resize(image_bgr, size, interpolation=method), np.uint8)
    return np.ascontiguousarray(image_bgr[:, :, ::-1])


def _moved(face: DetectedFace, scale: float, offset: tuple[float, float]) -> DetectedFace:
    """The face in a picture so much larger, of which the old one's corner lies at `offset`."""
    x, y = offset
    left, top, right, bottom = (side * scale for side in face.bbox_xyxy)
    return replace(
        face,
        bbox_xyxy=(left + x, top + y, right + x, bottom + y),
        landmarks=(face.landmarks * scale + np.array([x, y])).astype(np.float32),
    )
