"""Whether and where a picture shows something else than an earlier one: cuts between scenes, and the parts worth another look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.boxes import BoxXYXY, joined, meet
from analytics.video.types import Frame

_SIZE = (128, 72)
"""Cells, whatever the picture's shape. The smallest face that a detector finds in a whole picture is two of them wide."""
_CUT = 28.0
"""Mean difference of brightness, 0 to 255, between two looks half a second apart, from which they show different scenes."""
_CHANGE, _CHANGE_SHARE = 10.0, 0.08
"""Levels, and share of its own, by which a cell must differ: compression and noise, averaged over a cell, change it by less."""
_MIN_CELLS = 2
_NOTHING = np.float32(-1000)
"""In the place of a brightness: like no other."""
_SAMPLE = (slice(None, None, 2), slice(None, None, 2))
"""Of the cells, for the exposure."""
_REMEMBERED = 3
"""Things that a cell has shown: what is there always, and who comes and goes."""
_REACH_CELLS = 2
"""What has changed and lies nearer than twice that is one part."""
_MARGIN = 0.1
"""Of a part's size, added on each side: what has changed may be the edge of something."""
_WHOLE = 0.6
"""Of the picture: parts that cover more are looked at as one, the whole."""

Mask = npt.NDArray[np.uint8]
"""72 x 128 cells of 0 and 1."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a picture, in whole pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def whole(cls, size: tuple[int, int]) -> Part:
        return cls(0, 0, *size)

    @property
    def size(self) -> tuple[int, int]:
        return self.right - self.left, self.bottom - self.top

    @property
    def box(self) -> BoxXYXY:
        return float(self.left), float(self.top), float(self.right), float(self.bottom)

    @property
    def area(self) -> int:
        return (self.right - self.left) * (self.bottom - self.top)

    def meets(self, box: BoxXYXY) -> bool:
        return meet(self.box, box)


@dataclass(frozen=True, slots=True)
class Glance:
    """A picture as small as it takes to compare it."""

    grey: npt.NDArray[np.float32]

    @classmethod
    def of(cls, frame: Frame) -> Glance:
        return cls(np.asarray(frame.grey(*_SIZE), np.float32))

    def is_cut_from(self, earlier: Glance) -> bool:
        """Whether there is another scene now. Light that changes alone, everywhere by the same, is no cut."""
        difference = self.grey - earlier.grey
        return float(np.abs(difference - _median(difference)).mean()) > _CUT


class Seen:
    """What a video has shown, place by place, when it was looked at there for nothing: the last few things of each.

    So that a place is not looked at again because somebody has left it.
    """

    def __init__(self) -> None:
        self._shown: npt.NDArray[np.float32] | None = None
        """_REMEMBERED x 72 x 128, as the first glance was exposed."""
        self._noted: npt.NDArray[np.int32] = np.zeros((_REMEMBERED, *_SIZE[::-1]), np.int32)
        """When each was last seen, in looks."""
        self._looks = 0
        self._open: npt.NDArray[np.bool_] = np.zeros(_SIZE[::-1], np.bool_)
        """Where there was something: to be looked at again, whatever it shows."""

    def changed(self, glance: Glance) -> Mask:
        """The cells that show something new; an exposure that has changed everything by one factor counts for nothing."""
        if self._shown is None:
            return np.ones_like(glance.grey, np.uint8)
        return np.asarray((self._strangeness(self._exposed_as_first(glance)).min(axis=0) > 0) | self._open, np.uint8)

    def note(self, glance: Glance, parts: Iterable[Part], size: tuple[int, int]) -> None:
        """Those parts, of a picture of `size`, were looked at."""
        self._looks += 1
        if self._shown is None:
            self._shown = np.repeat(glance.grey[np.newaxis], _REMEMBERED, axis=0)
            self._noted[:] = self._looks
            return
        grey = self._exposed_as_first(glance)
        for part in parts:
            inside = (slice(None), *_cells(part.box, size))
            self._open[inside[1:]] = False
            strangeness = self._strangeness(grey[inside[1:]], inside)
            # Known: renewed. New: instead of what was not seen for longest.
            place = np.where(strangeness.min(axis=0) > 0, self._noted[inside].argmin(axis=0), strangeness.argmin(axis=0))
            np.put_along_axis(self._shown[inside], place[np.newaxis], grey[inside[1:]][np.newaxis], axis=0)
            np.put_along_axis(self._noted[inside], place[np.newaxis], self._looks, axis=0)

    def keep_open(self, glance: Glance, boxes: Iterable[BoxXYXY], size: tuple[int, int]) -> None:
        """There was something in these boxes, as this glance showed them: that is not remembered as nothing.

        They are to be looked at again, whatever they show, until `note` says otherwise.
        """
        if self._shown is None:
            return
        grey = self._exposed_as_first(glance)
        for box in boxes:
            inside = (slice(None), *_cells(box, size))
            self._open[inside[1:]] = True
            self._shown[inside][self._strangeness(grey[inside[1:]], inside) <= 0] = _NOTHING

    def _strangeness(self, grey: npt.NDArray[np.float32], inside: tuple[slice, ...] = (slice(None),)) -> npt.NDArray[np.float32]:
        """How far cells are from each thing that is remembered of them, _REMEMBERED x rows x columns; the same up to 0."""
        assert self._shown is not None, "there is something to compare with"
        shown = self._shown[inside]
        return np.asarray(np.abs(grey - shown) - _CHANGE_SHARE * shown - _CHANGE, np.float32)

    def _exposed_as_first(self, glance: Glance) -> npt.NDArray[np.float32]:
        """The glance as bright as it would have been in the light of the first one."""
        assert self._shown is not None, "there is something to compare with"
        grey, first = glance.grey[_SAMPLE], self._shown[0][_SAMPLE]
        known = first != _NOTHING
        if not known.any():
            return glance.grey
        return glance.grey / np.float32(_median((grey[known] + 1) / (first[known] + 1)))


def mark(mask: Mask, boxes: Iterable[BoxXYXY], size: tuple[int, int], value: int = 1) -> None:
    """Adds the cells of some boxes, in pixels of a picture of `size`; takes them away with 0."""
    for box in boxes:
        mask[_cells(box, size)] = value


def parts_of(mask: Mask, size: tuple[int, int]) -> list[Part]:
    """The parts of a picture of `size` that hold the marked cells, apart from each other; the whole where they are most of it.

    A few scattered cells are noise.
    """
    import cv2

    reach = 2 * _REACH_CELLS + 1
    near = cv2.dilate(mask, np.ones((reach, reach), np.uint8))
    count, labels, boxes, _centres = cv2.connectedComponentsWithStats(near, connectivity=8)
    marked = np.bincount(labels[mask > 0], minlength=count)
    cells = [(int(left), int(top), int(across), int(down)) for left, top, across, down in boxes[:, :4]]
    found = [_in_pixels(cells[label], size) for label in range(1, count) if marked[label] >= _MIN_CELLS]
    parts = [Part(*corners) for corners in joined(found)]
    if sum(part.area for part in parts) > _WHOLE * size[0] * size[1]:
        return [Part.whole(size)]
    return parts


def _in_pixels(cells: tuple[int, int, int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """A box of cells (left, top, width, height) with a margin, in a picture of `size`."""
    left, top, across, down = cells
    width, height = size
    x, y = width / _SIZE[0], height / _SIZE[1]
    more_x, more_y = across * _MARGIN, down * _MARGIN
    return (
        max(0, int((left - more_x) * x)),
        max(0, int((top - more_y) * y)),
        min(width, int((left + across + more_x) * x + 1)),
        min(height, int((top + down + more_y) * y + 1)),
    )


def _median(values: npt.NDArray[np.float32]) -> float:
    """The upper one; numpy's own takes several times as long."""
    return float(np.partition(values, values.size // 2, axis=None)[values.size // 2])


def _cells(box: BoxXYXY, size: tuple[int, int]) -> tuple[slice, slice]:
    x, y = _SIZE[0] / size[0], _SIZE[1] / size[1]
    return (
        slice(max(0, int(box[1] * y)), max(0, int(np.ceil(box[3] * y)))),
        slice(max(0, int(box[0] * x)), max(0, int(np.ceil(box[2] * x)))),
    )
