"""Which faces of successive looks are one appearance. Pure geometry: a face is followed by its place, its size and no more.

A detector of people sees whole bodies; faces in close-ups have none. So faces are followed on their own, from one look at them to
the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analytics.boxes import BoxXYXY, area

_MAX_RATIO = 1.8
"""How many times larger or smaller a face may be at the next look."""
_REACH = 1.2
"""How far its middle may have moved, in its own sizes, and for each further look missed as much again."""
MISSED_LOOKS = 3
"""So many looks without it, and it is gone."""


@dataclass(slots=True)
class _Open:
    track_id: int
    bbox_xyxy: BoxXYXY
    missed: int = 0


@dataclass(frozen=True, slots=True)
class FaceLook:
    """What one look brought."""

    track_ids: tuple[int, ...]
    """Of each face that was given, in order."""
    ended: tuple[int, ...]
    """Tracks that nobody will see again."""


class FaceTracks:
    """The faces of one video."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._count = 0

    def look(self, faces: Sequence[BoxXYXY], *, is_cut: bool) -> FaceLook:
        """Takes the faces of the next look; after a cut nobody is where they were."""
        ended = self.finish() if is_cut else ()
        pairs = sorted(
            (_distance(track, face), index, track.track_id)
            for track in self._open
            for index, face in enumerate(faces)
            if _may_be(track, face)
        )
        by_id = {track.track_id: track for track in self._open}
        taken: dict[int, int] = {}
        for _far, index, track_id in pairs:
            if index not in taken and track_id not in taken.values():
                taken[index] = track_id
        for index, face in enumerate(faces):
            if index not in taken:
                self._count += 1
                taken[index] = self._count
                by_id[self._count] = _Open(self._count, face)
        for track_id, track in by_id.items():
            track.missed = 0 if track_id in taken.values() else track.missed + 1
        for index, track_id in taken.items():
            by_id[track_id].bbox_xyxy = faces[index]
        ended += tuple(track.track_id for track in by_id.values() if track.missed > MISSED_LOOKS)
        self._open = [track for track in by_id.values() if track.missed <= MISSED_LOOKS]
        return FaceLook(tuple(taken[index] for index in range(len(faces))), ended)

    def finish(self) -> tuple[int, ...]:
        """Ends all tracks; returns them."""
        ended, self._open = tuple(track.track_id for track in self._open), []
        return ended


def _may_be(track: _Open, face: BoxXYXY) -> bool:
    ratio = _size(face) / _size(track.bbox_xyxy)
    return 1 / _MAX_RATIO <= ratio <= _MAX_RATIO and _distance(track, face) <= _REACH * (1 + track.missed)


def _distance(track: _Open, face: BoxXYXY) -> float:
    """Between the middles, in sizes of the face."""
    (ax, ay), (bx, by) = _middle(track.bbox_xyxy), _middle(face)
    return math.hypot(ax - bx, ay - by) / max(_size(track.bbox_xyxy), _size(face))


def _middle(box: BoxXYXY) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _size(box: BoxXYXY) -> float:
    return math.sqrt(max(1.0, area(box)))
