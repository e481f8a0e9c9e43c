"""Which frames are worth looking at: the faster things move, the more of them.

Somebody who walks covers a quarter of their own size in a sixth of a second; looking more often costs time and tells nothing.
A car that shoots past, or something that has just come into view, is looked at as often as is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from analytics.tracking import PathPoint, Track

MAX_PER_SECOND = 15.0
"""More frames a second tell nothing new about people and cars."""
MIN_PER_SECOND = 6.0
"""Even where nobody is."""
STEP_SIZES = 0.25
"""What something may move between two looks, in its own sizes."""
BEGINNING_MS = 2000
"""So long everything is looked at as often as is allowed: the background is being learnt."""
_JITTER_MS = 5
_SPEED_MS = 250


class Pace:
    """When to look again, in one video."""

    def __init__(self) -> None:
        self._earliest_ms = 0.0
        self._best_ms = 0.0
        self._asked_ms: int | None = None
        self._first_ms: int | None = None

    def is_due(self, time_ms: int) -> bool:
        """Whether to look at a frame; times grow from call to call."""
        gap_ms = 0 if self._asked_ms is None else time_ms - self._asked_ms
        self._asked_ms = time_ms
        # The frame that is nearest to the best time, not the first one behind it.
        return time_ms >= self._earliest_ms - _JITTER_MS and time_ms + gap_ms / 2 >= self._best_ms

    def looked(self, time_ms: int, detections: int, visible: Sequence[Track]) -> None:
        """A frame was looked at: so many detections were in it, of which these are tracks."""
        if self._first_ms is None:
            self._first_ms = time_ms
        seconds = 1 / MIN_PER_SECOND
        if detections > len(visible) or time_ms - self._first_ms < BEGINNING_MS:
            seconds = 1 / MAX_PER_SECOND
        for track in visible:
            seconds = min(seconds, STEP_SIZES / max(1e-6, _sizes_per_second(track)))
        self._earliest_ms = time_ms + 1000 / MAX_PER_SECOND
        self._best_ms = time_ms + 1000 * seconds


def _sizes_per_second(track: Track) -> float:
    """How fast the track is, in its own sizes; infinitely where it is too new to tell."""
    last = track.path[-1]
    then = next((point for point in reversed(track.path) if last.time_ms - point.time_ms >= _SPEED_MS), None)
    if then is None:
        return math.inf
    return _moved(then, last) / track.size * 1000 / (last.time_ms - then.time_ms)


def _moved(a: PathPoint, b: PathPoint) -> float:
    (left, top, right, bottom), (left_b, top_b, right_b, bottom_b) = a.bbox_xyxy, b.bbox_xyxy
    return math.hypot(left_b + right_b - left - right, top_b + bottom_b - top - bottom) / 2
