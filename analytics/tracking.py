"""Who is who from frame to frame: detections become tracks, and tracks become the people and vehicles that are counted.

The association is ByteTrack's, from Roboflow's `trackers` (Apache-2.0), with buffered IoU for low frame rates. What it is about
here lies on top, because a tracker's ids are not people: it gives a new one whenever it lost sight for a second.

- A track that begins where another was lost, by its motion or by standing still, goes on with the other's id.
- A track that comes out of another (two people who crossed as one outline) is the one that went into it.
- What left over the edge of the frame has left: who comes next is somebody else.
- A track counts once there is reason to believe in it: seen several times, for long enough, and, where it may be a change of
  light, moved. Its kind is the vote of all its detections.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analytics.boxes import BoxXYXY, area, meet
from analytics.engines.base import Detection, Kind, VehicleType


@dataclass(frozen=True, slots=True)
class TrackRules:
    """When a track counts, and when it is the same as an earlier one. Lengths are shares of the thing's own size."""

    min_hits: int = 3
    min_seen_ms: int = 350
    decided_weight: float = 2.0
    """Votes for a kind beyond those for the other after which it is taken at once."""
    patience_ms: int = 2000
    """After so long the kind is taken as the votes stand."""
    min_travel: float = 0.4
    """What a change must have moved to be a thing."""
    coast_ms: int = 1000
    """How long the association itself waits for a track that is out of sight."""
    lost_ms: int = 3000
    """How long something that moved is looked for where it would be by now, or where it was hidden."""
    still_ms: int = 60_000
    """How long something that stood still is looked for on its spot."""
    hidden_ms: int = 10_000
    """How long something that another one hid is looked for at that one's side."""
    hidden_near: float = 3.0
    """How far from where it went in it may come out again."""
    near: float = 1.0
    """How far from the expected place something may be found again."""
    leaving_travel: float = 0.1
    """What something at the edge must move outwards in half a second to be leaving."""
    leaving_shrink: float = 0.6
    """Of its full size, below which something at the edge has left."""
    alike: float = 2.2
    """How many times larger or smaller it may be found again."""
    apart_ms: int = 500
    """How long what came out of another must have been seen apart from it to be somebody of its own."""
    apart_gap: float = 0.2
    """How far that is."""
    edge_share: float = 0.015
    """Of the frame's longer side: this near to its edge something is leaving or coming."""


@dataclass(frozen=True, slots=True)
class PathPoint:
    """Where a track was."""

    time_ms: int
    bbox_xyxy: BoxXYXY


@dataclass(slots=True)
class Track:
    """One person or vehicle on its way through the picture."""

    track_id: int
    first_ms: int
    last_ms: int
    bbox_xyxy: BoxXYXY
    """Where it was last seen."""
    hits: int = 0
    counted_ms: int | None = None
    """When it was counted; None while it isn't."""
    counted_as: Kind | None = None
    """Doesn't change any more, whatever the vote says later: it was told."""
    path: list[PathPoint] = field(default_factory=list, repr=False)
    """Every detection, thinned out beyond `MAX_PATH`, the first and the last kept."""
    votes: dict[Kind, float] = field(default_factory=lambda: dict.fromkeys(Kind, 0.0), repr=False)
    types: dict[VehicleType, float] = field(default_factory=dict, repr=False)
    travelled: float = 0.0
    """The farthest it has been from where it began, in its own sizes."""
    needs_motion: bool = True
    """Nothing but changes have been seen of it."""
    hidden_by: int | None = None
    """The track behind or in which it was lost."""
    parent: Track | None = field(default=None, repr=False)
    """The track out of whose outline it came: a part of it, or somebody who came together with it."""
    apart_ms: int = 0
    """How long both have been seen with room between them."""

    @property
    def kind(self) -> Kind:
        """What it was counted as, or what the vote says so far."""
        if self.counted_as is not None:
            return self.counted_as
        return max(Kind, key=lambda kind: self.votes[kind])

    @property
    def vehicle_type(self) -> VehicleType | None:
        """Which vehicle, where the detector told."""
        return max(self.types, key=lambda one: self.types[one]) if self.types and self.kind is Kind.VEHICLE else None

    @property
    def size(self) -> float:
        left, top, right, bottom = self.bbox_xyxy
        return math.sqrt(max(1.0, (right - left) * (bottom - top)))


MAX_PATH = 2000
_VELOCITY_MS = 600
_RECENT_POINTS = 25


@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """What one frame brought."""

    visible: tuple[Track, ...]
    """Tracks that were detected in it, believed in or not."""
    present: tuple[Track, ...]
    """Those of them that are somebody, as far as one can tell yet: counted, or seen for long enough and no part of another."""
    counted: tuple[Track, ...]
    """Those that were counted just now."""
    finished: tuple[Track, ...]
    """Those that nobody will see again."""


class Tracker:
    """Tracks one video of frames of width x height, of which about `fps` a second are given to `update`."""

    def __init__(self, width: int, height: int, fps: float, rules: TrackRules | None = None) -> None:
        import supervision
        from trackers import BIoU, ByteTrackTracker

        self._rules = rules or TrackRules()
        self._frame_size = (width, height)
        self._supervision = supervision
        self._association = ByteTrackTracker(
            lost_track_buffer=max(1, round(self._rules.coast_ms * 30 / 1000)),  # it counts in frames of 30 a second
            frame_rate=fps,
            track_activation_threshold=0.5,
            minimum_consecutive_frames=2,
            minimum_iou_threshold=0.15,
            high_conf_det_threshold=0.5,
            iou=BIoU(buffer_ratio=0.3),
        )
        self._live: dict[int, Track] = {}
        """By the association's id. Several ids may be one track."""
        self._lost: list[Track] = []
        self._next_id = 1
        self._time_ms: int | None = None

    def update(self, detections: Sequence[Detection], time_ms: int) -> TrackedFrame:
        """Takes the detections of the next frame; `time_ms` has to grow."""
        seen: dict[int, tuple[Track, Detection]] = {}
        elapsed_ms = 0 if self._time_ms is None else time_ms - self._time_ms
        self._time_ms = time_ms
        associated = self._associate(detections, time_ms)
        known = {association_id for association_id, _ in associated}
        for association_id, detection in associated:
            track = self._live.get(association_id)
            if track is None:
                track = self._begin_or_resume(detection, time_ms, known)
                self._live[association_id] = track
            other = seen.get(track.track_id)
            if other is None or detection.kind_weight * detection.score > other[1].kind_weight * other[1].score:
                seen[track.track_id] = (track, detection)
        for track, detection in seen.values():
            self._extend(track, detection, time_ms)
        self._part(seen, elapsed_ms)
        self._lose(time_ms, set(seen))
        visible = tuple(track for track, _ in seen.values())
        counted = tuple(track for track in visible if self._believes(track, time_ms))
        finished = self._forget(time_ms)
        late = tuple(track for track in finished if self._believes(track, time_ms, ended=True))
        return TrackedFrame(visible, tuple(filter(self._is_present, visible)), self._count(counted + late, time_ms), finished)

    def finish(self, time_ms: int) -> TrackedFrame:
        """The video is over: tracks still waiting for their kind are counted as the votes stand."""
        finished = (*{track.track_id: track for track in self._live.values()}.values(), *self._lost)
        self._live, self._lost = {}, []
        counted = tuple(track for track in finished if self._believes(track, time_ms, ended=True))
        return TrackedFrame((), (), self._count(counted, time_ms), finished)

    def _associate(self, detections: Sequence[Detection], time_ms: int) -> list[tuple[int, Detection]]:
        """The association's ids of the detections it has seen at least twice."""
        given = self._supervision.Detections(
            xyxy=np.array([one.bbox_xyxy for one in detections], np.float32).reshape(-1, 4),
            confidence=np.array([one.score for one in detections], np.float32),
            data={"index": np.arange(len(detections))},
        )
        tracked: Any = self._association.update(given, timestamp=time_ms / 1000)
        if len(tracked) == 0:
            return []
        ids, indices = tracked.tracker_id.tolist(), tracked.data["index"].tolist()
        return [(one, detections[index]) for one, index in zip(ids, indices, strict=True) if one >= 0]

    def _begin_or_resume(self, detection: Detection, time_ms: int, known: set[int]) -> Track:
        """The track out of sight that this is, or a new one. `known` are the association's ids in this frame."""
        coasting = {one: track for one, track in self._live.items() if one not in known}
        away = [*self._lost, *coasting.values()]
        seen = [track for one, track in self._live.items() if one in known]
        beside = {track.track_id: track for track in seen if _touched(track, detection, time_ms)}
        hidden = [track for track in away if track.hidden_by in beside]
        for candidates, fits in ((hidden, self._may_come_out), (away, self._may_be)):
            found = min(
                (track for track in candidates if fits(track, detection, time_ms)),
                key=lambda track: _distance_to_way(track, time_ms, detection.bbox_xyxy),
                default=None,
            )
            if found is not None:
                self._lost = [track for track in self._lost if track is not found]
                self._live = {one: track for one, track in self._live.items() if track is not found}
                found.hidden_by = None
                return found
        parent = max(beside.values(), key=lambda one: one.hits, default=None)
        track = Track(self._next_id, time_ms, time_ms, detection.bbox_xyxy, parent=parent)
        self._next_id += 1
        return track

    def _may_come_out(self, track: Track, detection: Detection, time_ms: int) -> bool:
        """Whether a track that went into another is what appears at the other's side."""
        rules = self._rules
        full_size = _recent_size(track)
        near = _distance(track.bbox_xyxy, detection.bbox_xyxy) <= rules.hidden_near * full_size
        return near and time_ms - track.last_ms <= rules.hidden_ms and _size(detection.bbox_xyxy) <= rules.alike * full_size

    def _may_be(self, track: Track, detection: Detection, time_ms: int) -> bool:
        """Whether the track out of sight is what appears here."""
        rules = self._rules
        gone_ms = time_ms - track.last_ms
        full_size = _recent_size(track)
        if not self._is_seen_enough(track) or self._is_leaving(track):
            return False
        # It may be as small as it likes: what comes out from behind something is a sliver at first.
        if _size(detection.bbox_xyxy) > rules.alike * full_size:
            return False
        if gone_ms <= rules.lost_ms:
            return _distance_to_way(track, time_ms, detection.bbox_xyxy) <= rules.near * full_size
        spot = _distance(track.bbox_xyxy, detection.bbox_xyxy) <= rules.near * full_size / 2
        return gone_ms <= rules.still_ms and spot and not self._at_edge(detection.bbox_xyxy)

    def _is_leaving(self, track: Track) -> bool:
        """Whether it was lost on its way over the edge; one may stand at the edge, or walk along it, and leave nowhere."""
        if not self._at_edge(track.bbox_xyxy):
            return False
        expected = expected_box(track, track.last_ms + _VELOCITY_MS)
        moved = _distance(expected, track.bbox_xyxy) > self._rules.leaving_travel * track.size
        return track.size < self._rules.leaving_shrink * _recent_size(track) or (moved and self._sticks_out(expected, track))

    def _sticks_out(self, expected: BoxXYXY, track: Track) -> bool:
        """Whether it is bound further out of the frame than it is."""
        width, height = self._frame_size
        out = max(-expected[0], -expected[1], expected[2] - width, expected[3] - height)
        return out > self._rules.leaving_travel * track.size

    def _at_edge(self, box: BoxXYXY) -> bool:
        width, height = self._frame_size
        margin = self._rules.edge_share * max(width, height)
        return box[0] <= margin or box[1] <= margin or box[2] >= width - margin or box[3] >= height - margin

    def _extend(self, track: Track, detection: Detection, time_ms: int) -> None:
        track.last_ms = time_ms
        track.bbox_xyxy = detection.bbox_xyxy
        track.hits += 1
        track.needs_motion &= detection.needs_motion
        track.votes[detection.kind] += detection.score * detection.kind_weight
        if detection.vehicle_type is not None:
            track.types[detection.vehicle_type] = track.types.get(detection.vehicle_type, 0.0) + detection.score
        track.path.append(PathPoint(time_ms, detection.bbox_xyxy))
        if len(track.path) > MAX_PATH:
            del track.path[1:-1:2]
        track.travelled = max(track.travelled, _travel(track.path[0].bbox_xyxy, detection.bbox_xyxy))

    def _part(self, seen: dict[int, tuple[Track, Detection]], elapsed_ms: int) -> None:
        """Notes who is seen apart from whom they came with."""
        for track, detection in seen.values():
            parent = track.parent
            if parent is None or parent.track_id not in seen:
                continue
            room = self._rules.apart_gap * max(_recent_size(parent), track.size)
            left, top, right, bottom = detection.bbox_xyxy
            if not meet(parent.bbox_xyxy, (left - room, top - room, right + room, bottom + room)):
                track.apart_ms += elapsed_ms

    def _lose(self, time_ms: int, seen: set[int]) -> None:
        """Moves what the association has given up to what is looked for, and notes what hides it."""
        visible = [track for track in self._live.values() if track.track_id in seen]
        for association_id, track in list(self._live.items()):
            if track.track_id in seen:
                continue
            if track.hidden_by is None and not self._is_leaving(track):
                hider = next((one for one in visible if meet(one.bbox_xyxy, track.bbox_xyxy)), None)
                track.hidden_by = hider.track_id if hider else None
            if time_ms - track.last_ms > self._rules.coast_ms:
                del self._live[association_id]
                if track not in self._lost:
                    self._lost.append(track)

    def _forget(self, time_ms: int) -> tuple[Track, ...]:
        """Takes out the lost tracks that are looked for no longer."""
        rules = self._rules
        gone = []
        for track in self._lost:
            away_ms = time_ms - track.last_ms
            if track.hidden_by is not None:
                over = away_ms > rules.hidden_ms
            elif self._is_leaving(track):
                over = True
            else:
                over = away_ms > rules.still_ms
            if over:
                gone.append(track)
        self._lost = [track for track in self._lost if track not in gone]
        return tuple(gone)

    def _believes(self, track: Track, time_ms: int, *, ended: bool = False) -> bool:
        """Whether an uncounted track is to be counted now."""
        rules = self._rules
        if track.counted_ms is not None or not self._is_seen_enough(track):
            return False
        if track.needs_motion and track.travelled < rules.min_travel:
            return False
        if track.parent is not None and track.apart_ms < rules.apart_ms and not self._came_to_nothing(track.parent, time_ms):
            return False
        margin = abs(track.votes[Kind.PERSON] - track.votes[Kind.VEHICLE])
        # Somebody who is still coming in tells more in a moment.
        patience_ms = rules.patience_ms * (3 if self._at_edge(track.bbox_xyxy) else 1)
        return ended or margin >= rules.decided_weight or time_ms - track.first_ms >= patience_ms

    def _is_seen_enough(self, track: Track) -> bool:
        return track.hits >= self._rules.min_hits and track.last_ms - track.first_ms >= self._rules.min_seen_ms

    def _is_present(self, track: Track) -> bool:
        own = track.parent is None or track.apart_ms >= self._rules.apart_ms
        return track.counted_ms is not None or (own and self._is_seen_enough(track))

    def _came_to_nothing(self, parent: Track, time_ms: int) -> bool:
        """Whether what something came out of was a hole or a shadow: gone, and never counted."""
        return parent.counted_ms is None and time_ms - parent.last_ms > self._rules.coast_ms

    @staticmethod
    def _count(tracks: tuple[Track, ...], time_ms: int) -> tuple[Track, ...]:
        for track in tracks:
            track.counted_as = track.kind
            track.counted_ms = time_ms
        return tracks


def _size(box: BoxXYXY) -> float:
    return math.sqrt(max(1.0, area(box)))


def _centre(box: BoxXYXY) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _distance(a: BoxXYXY, b: BoxXYXY) -> float:
    (ax, ay), (bx, by) = _centre(a), _centre(b)
    return math.hypot(ax - bx, ay - by)


def _touched(track: Track, detection: Detection, time_ms: int) -> bool:
    """Whether the detection lies where the track was just now: two that come apart are apart when the second one is noticed."""
    recent = (point.bbox_xyxy for point in reversed(track.path[-_RECENT_POINTS:]) if time_ms - point.time_ms <= _VELOCITY_MS)
    return any(meet(box, detection.bbox_xyxy) for box in recent)


def _travel(start: BoxXYXY, now: BoxXYXY) -> float:
    """How far a thing has moved, in its own sizes: the least that any of its sides has, since one side alone may be a limb."""
    size = max(_size(start), _size(now))
    across = _shift(now[0] - start[0], now[2] - start[2])
    down = _shift(now[1] - start[1], now[3] - start[3])
    return math.hypot(across, down) / size


def _shift(one_side: float, other_side: float) -> float:
    """How far both sides have moved the same way; what grows to both sides has not moved."""
    return min(abs(one_side), abs(other_side)) if one_side * other_side > 0 else 0.0


def _recent_size(track: Track) -> float:
    """Its greatest size of the last while: what is half hidden is not half as large."""
    return max(_size(point.bbox_xyxy) for point in track.path[-_RECENT_POINTS:])


def _distance_to_way(track: Track, time_ms: int, box: BoxXYXY) -> float:
    """How far the box is from where the track may be: between where it was last seen and where it would be, had it gone on."""
    (x0, y0), (x1, y1), (x, y) = _centre(track.bbox_xyxy), _centre(expected_box(track, time_ms)), _centre(box)
    length_squared = (x1 - x0) ** 2 + (y1 - y0) ** 2
    share = 0.0 if length_squared == 0 else ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length_squared
    share = max(0.0, min(1.0, share))
    return math.hypot(x - x0 - share * (x1 - x0), y - y0 - share * (y1 - y0))


def expected_box(track: Track, time_ms: int) -> BoxXYXY:
    """Where the track would be now, had it gone on as it did; a tracker's own tracks have a path."""
    if time_ms == track.last_ms:
        return track.bbox_xyxy
    last = track.path[-1]
    then = next((point for point in reversed(track.path) if last.time_ms - point.time_ms >= _VELOCITY_MS), track.path[0])
    elapsed = last.time_ms - then.time_ms
    if elapsed <= 0:
        return track.bbox_xyxy
    share = (time_ms - track.last_ms) / elapsed
    (x, y), (x0, y0) = _centre(last.bbox_xyxy), _centre(then.bbox_xyxy)
    dx, dy = (x - x0) * share, (y - y0) * share
    left, top, right, bottom = track.bbox_xyxy
    return left + dx, top + dy, right + dx, bottom + dy
