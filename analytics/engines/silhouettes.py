"""The outlines of what moves, and what they tell: a person or a vehicle.

Pure functions of masks. The features are the field's own (Lipton, Fujiyoshi and Patil 1998: dispersedness; Cutler and Davis 2000:
rigid and articulated motion) and have no unit, so that they hold for any camera, distance and resolution:

- A vehicle is one convex piece of metal; a person has arms, legs and a neck.
- A vehicle keeps its outline while it moves; a person's changes with every step.
- What is much wider than high is a vehicle from the side. What is higher than wide may be either: a car driving up the picture,
  seen from above, is as tall and narrow as somebody who walks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from analytics.boxes import BoxXYXY
from analytics.engines.arrays import Mask, window_of

SMALLEST_SHARE = 0.0012
"""Of the frame's area, the least that is looked at."""
MERGE_GAP = 0.15
"""Of the taller part's height, the widest gap between two parts one above the other that are one body."""
MERGE_OVERLAP = 0.5
"""Of the narrower part's width."""
BORDER_PX = 2
TALL, WIDE = 1.3, 0.75
"""Height to width from which something stands upright, and below which it lies along the ground."""


@dataclass(frozen=True, slots=True)
class Border:
    """Which sides of the frame an outline touches, so that a part of it is out of sight."""

    left: bool
    top: bool
    right: bool
    bottom: bool

    @property
    def touched(self) -> bool:
        return self.left or self.top or self.right or self.bottom


@dataclass(frozen=True, slots=True)
class Silhouette:
    """One outline, in pixels of the mask it was found in."""

    left: int
    top: int
    width: int
    height: int
    area: float
    border: Border
    solidity: float
    """Area to that of the convex hull: 0.95 a car from above, 0.8 a car from the side, 0.6 to 0.85 somebody who walks."""
    rectangularity: float
    """Area to that of the smallest rectangle around it, turned as fits."""
    dispersedness: float
    """Square of the outline's length to the area, a circle being 1."""
    head: float
    """Mean width of the top seventh to the greatest width."""
    mask: Mask = field(repr=False)
    """height x width of 0 and 1, filled."""

    @property
    def bbox_xyxy(self) -> BoxXYXY:
        return self.left, self.top, self.left + self.width, self.top + self.height

    @property
    def centre(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2

    @property
    def size(self) -> float:
        return math.sqrt(self.width * self.height)


def find_silhouettes(foreground: Mask) -> list[Silhouette]:
    """The outlines in a mask of 0 and 255, specks left out, parts of one body put together."""
    import cv2

    height, width = foreground.shape
    unit = max(height, width) / 128
    # Higher than wide: heads come off necks and feet off trousers, but two people side by side are two.
    bridge = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_odd(2 * unit), _odd(3.5 * unit)))
    rows, columns = window_of(foreground, max(bridge.shape))
    opened = cv2.morphologyEx(foreground[rows, columns], cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, bridge)
    contours, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(columns.start, rows.start))
    least = SMALLEST_SHARE * height * width
    parts = [contour for contour in contours if cv2.contourArea(contour) >= least / 3]
    bodies = _joined(parts)
    return [_describe(body, width, height) for body in bodies if sum(cv2.contourArea(part) for part in body) >= least]


def _odd(length: float) -> int:
    return max(3, round(length) | 1)


def _joined(parts: list[npt.NDArray[Any]]) -> list[list[npt.NDArray[Any]]]:
    """The parts in groups that are one body: one above the other with little between them."""
    import cv2

    boxes = [cv2.boundingRect(part) for part in parts]
    group = list(range(len(parts)))
    for a in range(len(parts)):
        for b in range(a):
            if _one_above_the_other(boxes[a], boxes[b]):
                group = [group[b] if mark == group[a] else mark for mark in group]
    return [[part for part, of in zip(parts, group, strict=True) if of == mark] for mark in sorted(set(group))]


def _one_above_the_other(a: Sequence[int], b: Sequence[int]) -> bool:
    overlap = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    gap = max(a[1], b[1]) - min(a[1] + a[3], b[1] + b[3])
    return overlap >= MERGE_OVERLAP * min(a[2], b[2]) and gap <= MERGE_GAP * max(a[3], b[3])


def _describe(body: list[npt.NDArray[Any]], frame_width: int, frame_height: int) -> Silhouette:
    import cv2

    points = np.concatenate(body)
    left, top, width, height = cv2.boundingRect(points)
    mask = np.zeros((height, width), np.uint8)
    cv2.drawContours(mask, [part - (left, top) for part in body], -1, 1, -1)
    area = max(1.0, sum(cv2.contourArea(part) for part in body))
    length = sum(cv2.arcLength(part, closed=True) for part in body)
    _, (long, short), _ = cv2.minAreaRect(points)
    rows = mask.sum(axis=1)
    return Silhouette(
        left=left,
        top=top,
        width=width,
        height=height,
        area=area,
        border=Border(
            left <= BORDER_PX,
            top <= BORDER_PX,
            left + width >= frame_width - BORDER_PX,
            top + height >= frame_height - BORDER_PX,
        ),
        solidity=area / max(1.0, cv2.contourArea(cv2.convexHull(points))),
        rectangularity=min(1.0, area / max(1.0, long * short)),
        dispersedness=length * length / (4 * math.pi * area),
        head=float(rows[: max(1, height // 7)].mean() / rows.max()),
        mask=mask,
    )


def rigidity(now: Silhouette, before: Silhouette) -> float:
    """How much of the two outlines is the same once one lies on the other by their middles: 1 for a stiff thing, 0.6 for legs."""
    import cv2

    height = max(now.height, before.height) + 2
    width = max(now.width, before.width) + 2
    laid = []
    for silhouette in (now, before):
        moments = cv2.moments(silhouette.mask, binaryImage=True)
        x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
        canvas = np.zeros((2 * height, 2 * width), np.uint8)
        left, top = width - round(x), height - round(y)
        canvas[top : top + silhouette.height, left : left + silhouette.width] = silhouette.mask
        laid.append(canvas)
    both = int(np.count_nonzero(laid[0] & laid[1]))
    return both / max(1, int(np.count_nonzero(laid[0] | laid[1])))


def vehicle_evidence(silhouette: Silhouette, rigid: float | None) -> float:
    """Above 0 for a vehicle, below for a person; 3 is as sure as one frame gets.

    `rigid` is the rigidity against the same thing a step ago, None where that is not known or where it did not move.
    """
    aspect = silhouette.height / silhouette.width
    evidence = _between((silhouette.solidity - 0.88) / 0.05, 1.2)
    evidence += _between((2.2 - silhouette.dispersedness) / 0.5, 1.2)
    evidence += _between((silhouette.rectangularity - 0.75) / 0.08, 0.8)
    if rigid is not None:
        evidence += _between((rigid - 0.83) / 0.06, 2.0)
    cut_upright = silhouette.border.top or silhouette.border.bottom
    cut_across = silhouette.border.left or silhouette.border.right
    if not cut_upright:
        evidence += _between((WIDE - aspect) / 0.12, 2.0) if aspect < WIDE else 0.0
    if aspect > TALL and not cut_across:
        evidence -= _between((aspect - TALL) / 0.6, 0.7)
        if not cut_upright:
            evidence += _between((silhouette.head - 0.55) / 0.12, 0.8)
    return evidence


def _between(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))
