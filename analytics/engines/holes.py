"""Holes in the background: what was there when it was learnt, and has left since.

Somebody who stands in the first frame is learnt as background. Once they go, the place they stood on differs from it for ever.
Such a hole is told from somebody who stands there now by where the edges are: along its outline the background has an edge, and
the frame has none, because what is inside the outline is the same ground as outside.
"""

from __future__ import annotations

import numpy as np

from analytics.engines.arrays import Mask, Milliseconds, Picture, greatest, window_of

STILL_MS = 700
"""How long a place must not have changed before it may be a hole: while something moves there, it isn't."""
LOOK_MS = 300
LEAST_SHARE = 0.0008
"""Of the picture's area: smaller holes harm nobody."""
STILL_SHARE = 0.9
"""How much of a part must be still."""
STEP_SHARE = 1 / 3
"""Of its difference to the background, the step that something must show at its outline: a thing shows all of it."""
LEAST_STEP = 8.0
"""Levels of 255, of any colour, below which a step is none: light that has changed fades out without one."""

_SMALL = np.ones((3, 3), np.uint8)
_RIM = np.ones((5, 5), np.uint8)
_WIDE_RIM = np.ones((7, 7), np.uint8)
_MARGIN = 5
"""Pixels around a part that the steps at its outline depend on."""


class HoleFinder:
    """Finds the holes of one video. Frames and masks are all of one size."""

    def __init__(self) -> None:
        self._looked_ms = 0

    def find(self, frame: Picture, foreground: Mask, expected: Picture, still_ms: Milliseconds, time_ms: int) -> Mask | None:
        """The holes in this frame as a mask of 0 and 255, a little larger than they are; None where there is none.

        `expected` is the background as it would look now, `foreground` where the frame differs from it, `still_ms` how long each
        pixel has kept its colour.
        """
        import cv2

        if time_ms - self._looked_ms < LOOK_MS:
            return None
        self._looked_ms = time_ms
        found = np.zeros_like(foreground)
        window = window_of(foreground, _MARGIN)
        frame, expected, still, holes = frame[window], expected[window], still_ms[window] >= STILL_MS, found[window]
        opened = cv2.morphologyEx(foreground[window], cv2.MORPH_OPEN, _SMALL)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
        for label in range(1, count):
            if stats[label, cv2.CC_STAT_AREA] < LEAST_SHARE * foreground.size:
                continue
            part = (labels == label).astype(np.uint8)
            around = window_of(part, _MARGIN)
            # Still as a whole: a quiet chest ends at a moving arm without an edge, and the wall behind it may well have one.
            if still[part > 0].mean() >= STILL_SHARE and _is_hole(part[around], frame[around], expected[around]):
                holes |= part
        return cv2.dilate(found * 255, _WIDE_RIM) if holes.any() else None


def _is_hole(part: Mask, frame: Picture, expected: Picture) -> bool:
    """Whether the frame shows nothing that ends where the part, 0 and 1, ends. Of all three what is around the part, too."""
    import cv2

    outline = cv2.morphologyEx(part, cv2.MORPH_GRADIENT, _SMALL)
    outline[[0, 1, -2, -1]] = 0
    outline[:, [0, 1, -2, -1]] = 0
    if not outline.any():
        return False
    # The greatest step nearby: outlines are found to a pixel or two.
    steps = cv2.dilate(greatest(cv2.morphologyEx(frame, cv2.MORPH_GRADIENT, _SMALL)), _RIM)
    difference = float(greatest(cv2.absdiff(frame, expected))[part > 0].mean())
    return float(np.median(steps[outline > 0])) <= max(LEAST_STEP, STEP_SHARE * difference)
