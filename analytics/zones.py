"""Who crossed a line, which way, and who stayed in a zone for how long: pure functions of a track's path.

Coordinates are shares of the frame, 0 to 1, so that a line drawn on a thumbnail holds for every resolution. A track is where the
middle of its box is. (supervision's LineZone and PolygonZone want every detection of every frame as it comes and know no time;
dwell and a band against trembling on the line would have to be put around them.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from analytics.tracking import PathPoint, Track

Point = tuple[float, float]
"""x from the left, y from the top, shares of the frame."""

MIN_POLYGON = 3


class Direction(StrEnum):
    """Which way a line was crossed."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Line:
    """A line from `start` to `end`. Looking along it, from the left to the right is in."""

    name: str
    start: Point
    end: Point
    band: float = 0.02
    """How far from the line, in shares of the frame, one must have been on both sides: who stands on it crosses nothing."""

    def __post_init__(self) -> None:
        _require_points(self.start, self.end)
        if self.start == self.end:
            raise ValueError(f"the line {self.name!r} has no length")


@dataclass(frozen=True, slots=True)
class Zone:
    """A polygon, closed from the last corner to the first."""

    name: str
    corners: tuple[Point, ...]

    def __post_init__(self) -> None:
        _require_points(*self.corners)
        if len(set(self.corners)) < MIN_POLYGON:
            raise ValueError(f"the zone {self.name!r} needs at least {MIN_POLYGON} different corners")


@dataclass(frozen=True, slots=True)
class Crossing:
    """One track's crossing of a line."""

    track_id: int
    time_ms: int
    direction: Direction


@dataclass(frozen=True, slots=True)
class Visit:
    """One track's stay in a zone."""

    track_id: int
    entered_ms: int
    left_ms: int

    @property
    def dwell_ms(self) -> int:
        return self.left_ms - self.entered_ms


def crossings(line: Line, track: Track, width: int, height: int) -> list[Crossing]:
    """Every time the track crossed the line, in order; `width` and `height` are the frame's, in pixels."""
    found = []
    before: tuple[int, Point] | None = None
    for time_ms, place in _places(track.path, width, height):
        distance = _distance_right_of(line, place)
        if abs(distance) < line.band:
            continue
        side = 1 if distance > 0 else -1
        if before is not None and side != before[0] and _within_ends(line, before[1], place):
            found.append(Crossing(track.track_id, time_ms, Direction.IN if side > 0 else Direction.OUT))
        before = (side, place)
    return found


def visits(zone: Zone, track: Track, width: int, height: int, *, gap_ms: int = 1000) -> list[Visit]:
    """Every stay of the track in the zone, in order; leaving it for less than `gap_ms` is no leaving."""
    found: list[Visit] = []
    for time_ms, place in _places(track.path, width, height):
        if not _inside(zone.corners, place):
            continue
        if found and time_ms - found[-1].left_ms <= gap_ms:
            found[-1] = Visit(track.track_id, found[-1].entered_ms, time_ms)
        else:
            found.append(Visit(track.track_id, time_ms, time_ms))
    return found


def _places(path: Sequence[PathPoint], width: int, height: int) -> Iterable[tuple[int, Point]]:
    for point in path:
        left, top, right, bottom = point.bbox_xyxy
        yield point.time_ms, ((left + right) / 2 / width, (top + bottom) / 2 / height)


def _distance_right_of(line: Line, place: Point) -> float:
    """How far to the right of the line, looking along it, a place lies; y grows downwards."""
    along_x, along_y = line.end[0] - line.start[0], line.end[1] - line.start[1]
    return (along_x * (place[1] - line.start[1]) - along_y * (place[0] - line.start[0])) / math.hypot(along_x, along_y)


def _within_ends(line: Line, a: Point, b: Point) -> bool:
    """Whether the way from a to b, which lie on different sides, leads through the line and not past its ends."""
    from_a, from_b = abs(_distance_right_of(line, a)), abs(_distance_right_of(line, b))
    share = from_a / (from_a + from_b)
    crossing = (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]))
    along = (line.end[0] - line.start[0], line.end[1] - line.start[1])
    reached = (crossing[0] - line.start[0]) * along[0] + (crossing[1] - line.start[1]) * along[1]
    return 0 <= reached <= along[0] ** 2 + along[1] ** 2


def _inside(corners: Sequence[Point], place: Point) -> bool:
    """Whether a ray from the place to the right crosses the polygon's sides an odd number of times."""
    x, y = place
    odd = False
    for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            odd = not odd
    return odd


def _require_points(*points: Point) -> None:
    for point in points:
        if not all(math.isfinite(share) and 0 <= share <= 1 for share in point):
            raise ValueError(f"a point of a line or zone is two shares of the frame from 0 to 1, not {point}")
