"""Where a picture may hold a line of characters at all: a few operations a pixel, before a network that takes thousands.

Characters side by side are strokes: within the length of a few of them, brightness rises and falls again and again, by most of
what lies between the darkest and the lightest there. Of 168 made-up plates of 45 to 220 pixels and of photos blurred, reduced and
darkened until they could just be read, all changed by more than 0.9 of that range; paint, sky, tarmac and faces stay below.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.boxes import joined
from analytics.plates.types import ImageBGR

_MOST_PIXELS: Final = 1.0e6
"""A larger picture is reduced to this first, as it is for the network."""
_WINDOW: Final = (28, 9)
"""Width and height of the place that is judged: a few characters of the smallest plate that can be read, 40 pixels wide.

Larger characters are found in the picture reduced by half, again and again.
"""
_ALTERNATION: Final = 0.7
"""Of the range of brightness in the window: how much it rises and falls, on average from pixel to pixel, by Sobel's weights."""
_MIN_ALTERNATION: Final = 12
"""And in levels: less is noise."""
_MIN_RANGE: Final = 12
_MIN_WIDTH, _MIN_AREA = 10, 70
"""Of the places in a row that must alternate so. Of the plates it was 15 and 165 at least."""
_MIN_ASPECT: Final = 0.9
_MAX_HEIGHT: Final = 60
"""Of the same. What is taller is texture, like floor boards or blinds; of the plates it was 41 at most."""
_SMALLEST_PLATE, _LARGE_PLATE = 40, 220
"""Widths: below the one none can be read; above the other the picture is reduced, so that its characters fit the window."""

Corners = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels of the picture."""


def text_boxes(image_bgr: ImageBGR, widest_px: float = math.inf) -> list[Corners]:
    """The places that may hold characters, with some room around them; places that overlap are one.

    `widest_px`: how wide a plate can be here.
    """
    import cv2

    height, width = int(image_bgr.shape[0]), int(image_bgr.shape[1])
    grey = np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY), np.uint8)
    scale = min(1.0, math.sqrt(_MOST_PIXELS / (height * width)))
    if scale < 1:
        grey = _reduced(grey, scale)
    found: list[Corners] = []
    widest = min(widest_px, width) * scale
    smallest = float(_SMALLEST_PLATE)
    while grey.shape[1] >= _WINDOW[0] and grey.shape[0] >= _WINDOW[1] and widest >= smallest:
        found += [_on_picture(box, grey.shape, (width, height)) for box in _lines(_strokes(grey))]
        grey, widest, smallest = _reduced(grey, 0.5), widest / 2, _LARGE_PLATE / 2
    return joined(found)


def _strokes(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Of each place whether brightness rises and falls around it as over characters: 0 or 1."""
    import cv2

    slope = np.asarray(cv2.Sobel(grey, cv2.CV_16S, 1, 0, ksize=3), np.int16)
    rises = cv2.blur(np.maximum(slope, 0), _WINDOW)
    falls = cv2.blur(np.maximum(-slope, 0), _WINDOW)
    alternation = 2 * np.minimum(rises, falls)
    kernel = np.ones(_WINDOW[::-1], np.uint8)
    spread = np.maximum(cv2.subtract(cv2.dilate(grey, kernel), cv2.erode(grey, kernel)), _MIN_RANGE)
    return np.asarray((alternation > np.maximum(_ALTERNATION * spread, _MIN_ALTERNATION)), np.uint8)


def _lines(strokes: npt.NDArray[np.uint8]) -> Iterator[Corners]:
    """The boxes of what may be a line, or a few."""
    import cv2

    _count, _labels, boxes, _centres = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    for left, top, across, down, area in boxes[1:].tolist():
        if across >= max(_MIN_WIDTH, _MIN_ASPECT * down) and area >= _MIN_AREA and down <= _MAX_HEIGHT:
            yield left, top, left + across, top + down


def _on_picture(box: Corners, shape: tuple[int, ...], size: tuple[int, int]) -> Corners:
    """A box of windows' middles with what the windows saw and some room, most above, on a picture of another size.

    There the upper line of two may stand, which is but two characters wide.
    """
    x, y = size[0] / shape[1], size[1] / shape[0]
    return (
        max(0, int((box[0] - _WINDOW[0]) * x)),
        max(0, int((box[1] - 2.5 * _WINDOW[1]) * y)),
        min(size[0], int((box[2] + _WINDOW[0]) * x) + 1),
        min(size[1], int((box[3] + 1.5 * _WINDOW[1]) * y) + 1),
    )


def _reduced(grey: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.uint8]:
    import cv2

    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
