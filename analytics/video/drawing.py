"""Boxes, numbers and counts on a frame's planes of brightness and colour. Latin letters only: OpenCV draws no others."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from analytics.counting import Count
from analytics.engines.base import Kind
from analytics.tracking import Track, expected_box
from analytics.video.pictures import Plane, planes

if TYPE_CHECKING:
    import av

Colour = tuple[int, int, int]
"""Brightness, blue and red difference, as in a picture of limited range."""
Corner = tuple[int, int]
Canvas = tuple[Plane, Plane, Plane]

COLOURS: dict[Kind, Colour] = {Kind.PERSON: (138, 84, 84), Kind.VEHICLE: (146, 67, 195)}
"""Green and orange."""
TEXT = 235
SHADE: Colour = (16, 128, 128)
_REFERENCE_HEIGHT_PX = 720
"""Of a frame on which lines are two pixels thick."""
_LABELS = 64
"""Kept painted; more are seldom in view at once."""


def draw(frame: av.VideoFrame, time_ms: int, tracks: Iterable[Track], now: Count, total: Count) -> None:
    """Draws, in place, a box with its number around each track, and in the corner how many are there and how many there were.

    Boxes stand where the tracks are at that time, by their motion: not every frame is looked at.
    The frame is yuv420p of its own memory.
    """
    canvas = planes(frame)
    scale = max(0.5, frame.height / _REFERENCE_HEIGHT_PX)
    for track in tracks:
        left, top, right, bottom = (round(side) for side in expected_box(track, time_ms))
        colour = COLOURS[track.kind]
        _rectangle(canvas, (left, top), (right, bottom), colour, max(1, round(2 * scale)))
        _label(canvas, f"{track.vehicle_type or track.kind} {track.track_id}", (left, max(0, top)), colour, scale)
    counts = f"people {now.people} of {total.people}   vehicles {now.vehicles} of {total.vehicles}"
    _label(canvas, counts, (0, 0), SHADE, scale * 1.1)


def _rectangle(canvas: Canvas, start: Corner, end: Corner, colour: Colour, thickness: int) -> None:
    """A frame of lines."""
    import cv2

    cv2.rectangle(canvas[0], start, end, colour[0], thickness)
    half_start, half_end = (start[0] // 2, start[1] // 2), (end[0] // 2, end[1] // 2)
    for plane, level in zip(canvas[1:], colour[1:], strict=True):
        cv2.rectangle(plane, half_start, half_end, level, max(1, thickness // 2))


def _label(canvas: Canvas, text: str, corner: Corner, colour: Colour, scale: float) -> None:
    """Text in a filled box whose upper left corner is `corner`, moved so that it lies in the picture."""
    brightness = canvas[0]
    painted = _painted(text, colour[0], scale)[: brightness.shape[0], : brightness.shape[1]]
    height, width = painted.shape
    left = max(0, min(corner[0], brightness.shape[1] - width))
    top = max(0, min(corner[1], brightness.shape[0] - height))
    brightness[top : top + height, left : left + width] = painted
    for plane, level in zip(canvas[1:], colour[1:], strict=True):
        plane[top // 2 : (top + height + 1) // 2, left // 2 : (left + width + 1) // 2] = level


@lru_cache(maxsize=_LABELS)
def _painted(text: str, ground: int, scale: float) -> Plane:
    """The brightness of a label: they are the same from frame to frame."""
    import cv2

    font_scale, thickness = 0.6 * scale, max(1, round(1.5 * scale))
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, font_scale, thickness)
    plane = np.full((height + below, width), ground, np.uint8)
    cv2.putText(plane, text, (0, height), cv2.FONT_HERSHEY_SIMPLEX, font_scale, TEXT, thickness, cv2.LINE_AA)
    plane.flags.writeable = False
    return plane
