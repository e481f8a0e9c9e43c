"""Lines and zones as requests and devices write them, and what passed them.

    lines: [{"name": "door", "start": [0.1, 0.5], "end": [0.9, 0.5]}]
    zones: [{"name": "queue", "corners": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}]

Points are shares of the frame, from its upper left corner (analytics.zones).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from analytics.tracking import Track
from analytics.zones import Direction, Line, Point, Zone, crossings, visits

MAX_MARKS = 20
MAX_CORNERS = 64
MAX_NAME = 64


class BadMarks(ValueError):
    """No list of lines or zones; the message says in Chinese what is wrong."""


def read_lines(value: object) -> tuple[Line, ...]:
    """The lines of a decoded JSON value. Raises BadMarks."""
    return tuple(_line(name, entry) for name, entry in _entries(value))


def read_zones(value: object) -> tuple[Zone, ...]:
    """The zones of a decoded JSON value. Raises BadMarks."""
    return tuple(_zone(name, entry) for name, entry in _entries(value))


def plain_lines(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """As read_lines reads them."""
    return [{"name": line.name, "start": list(line.start), "end": list(line.end)} for line in lines]


def plain_zones(zones: Sequence[Zone]) -> list[dict[str, Any]]:
    """As read_zones reads them."""
    return [{"name": zone.name, "corners": [list(corner) for corner in zone.corners]} for zone in zones]


@dataclass(slots=True)
class Passages:
    """Who crossed which line and stayed in which zone, told track by track as they end."""

    lines: tuple[Line, ...]
    zones: tuple[Zone, ...]
    _crossed: dict[str, dict[str, int]] = field(default_factory=dict)
    _dwell_ms: dict[str, list[int]] = field(default_factory=dict)

    def add(self, track: Track, size: tuple[int, int]) -> None:
        """Takes a track that is over, of a video of `size`. One that never counted as somebody is passed over."""
        if track.counted_ms is None:
            return
        for line in self.lines:
            tally = self._crossed.setdefault(line.name, {"in": 0, "out": 0})
            for crossing in crossings(line, track, *size):
                tally["in" if crossing.direction is Direction.IN else "out"] += 1
        for zone in self.zones:
            self._dwell_ms.setdefault(zone.name, []).extend(visit.dwell_ms for visit in visits(zone, track, *size))

    def plain(self) -> dict[str, Any]:
        """As Video.passages keeps it; {} where there is neither line nor zone."""
        if not self.lines and not self.zones:
            return {}
        stays = {zone.name: self._dwell_ms.get(zone.name, []) for zone in self.zones}
        return {
            "lines": {line.name: self._crossed.get(line.name, {"in": 0, "out": 0}) for line in self.lines},
            "zones": {name: {"visits": len(dwell), "dwell_ms": dwell} for name, dwell in stays.items()},
        }


def _entries(value: object) -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(value, list) or len(value) > MAX_MARKS:
        raise BadMarks(f"应为至多 {MAX_MARKS} 项的列表")
    entries: list[tuple[str, dict[str, Any]]] = []
    for entry in value:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not 1 <= len(name.strip()) <= MAX_NAME:
            raise BadMarks(f"每一项都应有 1 至 {MAX_NAME} 个字符的 name")
        entries.append((name.strip(), entry))
    if len({name for name, _entry in entries}) != len(entries):
        raise BadMarks("name 不能重复")
    return entries


def _line(name: str, entry: dict[str, Any]) -> Line:
    try:
        return Line(name, _point(entry.get("start")), _point(entry.get("end")))
    except BadMarks:
        raise
    except ValueError:
        raise BadMarks("start 与 end 应为画面内不同的两点，坐标为 0 到 1 的比例") from None


def _zone(name: str, entry: dict[str, Any]) -> Zone:
    corners = entry.get("corners")
    if not isinstance(corners, list) or len(corners) > MAX_CORNERS:
        raise BadMarks(f"corners 应为至多 {MAX_CORNERS} 个点的列表")
    try:
        return Zone(name, tuple(_point(corner) for corner in corners))
    except BadMarks:
        raise
    except ValueError:
        raise BadMarks("corners 至少应有三个不同的点，坐标为 0 到 1 的比例") from None


def _point(value: object) -> Point:
    if (
        isinstance(value, list)
        and len(value) == 2  # noqa: PLR2004 - x and y
        and all(isinstance(share, int | float) and not isinstance(share, bool) and math.isfinite(share) for share in value)
    ):
        return float(value[0]), float(value[1])
    raise BadMarks("点应为 [x, y] 两个数")
