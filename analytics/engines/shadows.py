"""Objects and their shadows: which part of what differs from the background is body, and which is only less light."""

from __future__ import annotations

import numpy as np

from analytics.engines.arrays import Mask, Picture, Truth, split

BRIGHTNESS = (0.45, 0.97)
"""Of a shaded pixel, as a share of the same pixel in the light."""
COLOUR = 0.09
"""Largest difference of that share between the colours."""
TEXTURE = 0.06
"""Largest unevenness of that share around the pixel."""
SPAN_SHARE = 0.6
"""Of the box around an object and its shadow, what the object alone must span for the shadow to be a part of its body."""
CONVEX = 0.88
"""Area to that of the convex hull, from which a part is one body."""
ONE_PIECE_SHARE = 0.8
STACKED_SHARE = 0.5

_WINDOW = np.ones((3, 3), np.uint8)


def shaded(expected: Picture, frame: Picture) -> Truth:
    """Where the frame shows the background with less light: the same colour and the same texture, only darker."""
    import cv2

    ratio = cv2.divide(frame, np.maximum(expected, 1), dtype=cv2.CV_32F)
    blue, green, red = split(ratio)
    unlike = cv2.subtract(cv2.max(cv2.max(blue, green), red), cv2.min(cv2.min(blue, green), red))
    grey = (blue + green + red) / 3
    mean = cv2.blur(grey, (3, 3))
    uneven = cv2.blur(grey * grey, (3, 3)) - mean * mean
    low, high = BRIGHTNESS
    shade: Truth = (grey > low) & (grey < high) & (unlike < COLOUR) & (uneven < TEXTURE**2)
    return shade


def bodies(differs: Mask, shade: Truth, strong: Truth) -> tuple[Mask, Mask]:
    """The connected parts of `differs` that hold something `strong` out of the shade: without their shadows, and with them.

    A grey car on grey ground has the colour of shadow all over, but windows and edges at both ends; a shadow lies on one side of
    what throws it, or between two. So where what is lit spans most of a part, and is one body or the part is convex, the whole
    part is the object; else only what is lit. `differs` is 0 and 1, the answers 0 and 255.
    """
    import cv2

    lit = cv2.morphologyEx((differs & ~shade).astype(np.uint8), cv2.MORPH_OPEN, _WINDOW)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(differs, connectivity=8)
    without, with_shadows = np.zeros_like(differs), np.zeros_like(differs)
    for label in np.flatnonzero(np.bincount(labels[strong & (lit > 0)])):
        left, top, width, height, _area = stats[label]
        window = (slice(top, top + height), slice(left, left + width))
        part = (labels[window] == label).astype(np.uint8)
        lit_part = lit[window] & part
        whole = _spans(lit_part, width * height) and (_is_one_body(lit_part) or _solidity(part) >= CONVEX)
        without[window][(part if whole else lit_part) > 0] = 255
        with_shadows[window][part > 0] = 255
    return without, with_shadows


def _spans(lit: Mask, box_area: int) -> bool:
    import cv2

    _, _, width, height = cv2.boundingRect(lit)
    return bool(width * height >= SPAN_SHARE * box_area)


def _is_one_body(lit: Mask) -> bool:
    """Whether nearly all of it hangs together, or its two largest pieces stand one on the other, as a head and legs do."""
    import cv2

    stats = cv2.connectedComponentsWithStats(lit, connectivity=8)[2][1:]
    areas = stats[:, cv2.CC_STAT_AREA]
    order = np.argsort(areas)[::-1]
    if len(order) == 1 or areas[order[0]] >= ONE_PIECE_SHARE * areas.sum():
        return True
    (left_a, _, width_a, _, _), (left_b, _, width_b, _, _) = stats[order[:2]]
    overlap = min(left_a + width_a, left_b + width_b) - max(left_a, left_b)
    return bool(overlap >= STACKED_SHARE * min(width_a, width_b))


def _solidity(part: Mask) -> float:
    """The area to that of the convex hull."""
    import cv2

    hull = cv2.convexHull(cv2.findNonZero(part))
    return float(np.count_nonzero(part)) / max(1.0, cv2.contourArea(hull))
