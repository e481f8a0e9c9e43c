"""Faces followed from frame to frame of one camera, and who they are, decided over several frames.

The association of boxes is ByteTrack's, from Roboflow's `trackers`, as in analytics.tracking. What lies on top:

- A face that is not like the track it was put to is somebody else: a cut in a film, or one who stepped before another.
- A track is the mean of its embeddings, each weighted by how large, sharp and frontal the face was. That mean, not one frame, is
  compared with the gallery. Faces that tell nothing (tiny, blurred, turned away) weigh nothing and are never decided on.
- A stranger is looked up again while in view: later frames may show a person well, and staff may enrol one meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np

from faces.analysis import FrameFace
from faces.quality import FaceQuality
from faces.similarity import similarity
from faces.types import Embedding, KnownPerson, Metric

BoxXYXY = tuple[float, float, float, float]

_MOST_WEIGHT: Final = 20.0
"""Of a track's mean: beyond, the past counts half, so that the mean follows a face that is in view for an hour."""


@dataclass(frozen=True, slots=True)
class FollowRules:
    """When a track is decided on."""

    threshold: float = 0.4
    """Similarity from which a face is a person's."""
    rival_margin: float = 0.05
    """Two persons this near to each other are waited on, for as long as a stranger would be."""
    person_frames: int = 3
    person_weight: float = 0.4
    stranger_frames: int = 5
    stranger_weight: float = 1.0
    stranger_seconds: float = 1.0
    """Nobody is a stranger before so many frames, of so much weight together, over so long a time."""
    doubt_share: float = 0.7
    doubt_factor: float = 3.0
    """Who is almost a person's likeness, from this share of the threshold on, is waited on so much longer."""
    again_seconds: float = 1.0
    """How often a stranger in view is looked up again."""
    same_similarity: float = 0.15
    """Below it, a face is not that of the track it was put to."""
    lost_seconds: float = 1.5
    """How long a track that is out of sight is waited for."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What the gallery says to an embedding."""

    person: KnownPerson | None
    """The nearest; None where nobody is enrolled."""
    similarity: float
    """Of the nearest, 0 to 1; 0 where there is none."""
    rival: float = 0.0
    """Of the second nearest."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Who somebody in view is; a stranger where `person` is None."""

    person: KnownPerson | None
    similarity: float


@dataclass(slots=True)
class FaceTrack:
    """One face on its way through the picture."""

    number: int
    first_at: datetime
    last_at: datetime
    last_seconds: float
    first_seconds: float
    bbox_xyxy: BoxXYXY
    frames: int = 0
    """Those that told something about the face."""
    weight: float = 0.0
    decision: Decision | None = None
    decided_seconds: float = 0.0
    best_weight: float = -1.0
    best_jpeg: bytes = field(default=b"", repr=False)
    """The face where it was seen best."""
    total: Embedding | None = field(default=None, repr=False)

    def mean(self, metric: Metric) -> Embedding:
        """What is known of the face, as an embedding; there has to be a frame."""
        assert self.total is not None
        mean = (self.total / self.weight).astype(np.float32)
        if metric is Metric.COSINE:
            mean /= np.linalg.norm(mean)
        result: Embedding = mean
        return result


class Follower:
    """The tracks of one camera, given to `update` about `fps` times a second."""

    def __init__(self, fps: float, metric: Metric, rules: FollowRules | None = None) -> None:
        self._fps = fps
        self._metric = metric
        self._rules = rules or FollowRules()
        self._next = 1
        self.reset()

    def reset(self) -> None:
        """Forgets everybody: the picture has nothing to do with the one before."""
        import supervision
        from trackers import BIoU, ByteTrackTracker

        self._supervision = supervision
        self._association = ByteTrackTracker(
            lost_track_buffer=max(1, round(self._rules.lost_seconds * 30)),  # it counts in frames of 30 a second
            frame_rate=self._fps,
            track_activation_threshold=0.5,
            minimum_consecutive_frames=1,
            minimum_iou_threshold=0.1,
            high_conf_det_threshold=0.5,
            iou=BIoU(buffer_ratio=0.4),
        )
        self._tracks: dict[int, FaceTrack] = {}
        """By the association's number."""

    def update(
        self, faces: Sequence[FrameFace], at: datetime, seconds: float, crop: Callable[[BoxXYXY], bytes]
    ) -> list[FaceTrack]:
        """The tracks in this frame; `crop` makes a JPEG of a face in it. `seconds` (monotonic) has to grow."""
        visible = []
        for number, face in self._associate(faces, seconds):
            track = self._tracks.get(number)
            if track is None or self._is_somebody_else(track, face):
                track = FaceTrack(self._next, at, at, seconds, seconds, face.bbox_xyxy)
                self._next += 1
                self._tracks[number] = track
            self._extend(track, face, at, seconds, crop)
            visible.append(track)
        keep = self._rules.lost_seconds * 2
        self._tracks = {one: track for one, track in self._tracks.items() if seconds - track.last_seconds <= keep}
        return visible

    def decide(self, track: FaceTrack, seconds: float, identify: Callable[[Embedding], Guess]) -> Decision | None:
        """A decision that is new: who it is, or that a stranger is somebody after all. `identify` asks the gallery."""
        rules = self._rules
        if track.total is None or track.frames < rules.person_frames or track.weight < rules.person_weight:
            return None
        if track.decision is not None and (
            track.decision.person is not None or seconds - track.decided_seconds < rules.again_seconds
        ):
            return None
        guess = identify(track.mean(self._metric))
        patience = rules.doubt_factor if guess.similarity >= rules.doubt_share * rules.threshold else 1.0
        waited = (
            track.frames >= patience * rules.stranger_frames
            and track.weight >= patience * rules.stranger_weight
            and track.last_seconds - track.first_seconds >= patience * rules.stranger_seconds
        )
        known = guess.person is not None and guess.similarity >= rules.threshold
        rivals = known and guess.rival >= guess.similarity - rules.rival_margin
        if (rivals or not known) and not waited:
            return None
        was_stranger = track.decision is not None
        track.decided_seconds = seconds
        if not known and was_stranger:
            return None
        track.decision = Decision(guess.person if known else None, guess.similarity)
        return track.decision

    def _associate(self, faces: Sequence[FrameFace], seconds: float) -> list[tuple[int, FrameFace]]:
        given = self._supervision.Detections(
            xyxy=np.array([face.bbox_xyxy for face in faces], np.float32).reshape(-1, 4),
            confidence=np.ones(len(faces), np.float32),
            data={"index": np.arange(len(faces))},
        )
        tracked: Any = self._association.update(given, timestamp=seconds)
        if len(tracked) == 0:
            return []
        numbers, indices = tracked.tracker_id.tolist(), tracked.data["index"].tolist()
        return [(number, faces[index]) for number, index in zip(numbers, indices, strict=True) if number >= 0]

    def _is_somebody_else(self, track: FaceTrack, face: FrameFace) -> bool:
        if track.total is None or face.embedding is None or observation_weight(face.quality) <= 0:
            return False
        return similarity(self._metric, track.mean(self._metric), face.embedding) < self._rules.same_similarity

    def _extend(self, track: FaceTrack, face: FrameFace, at: datetime, seconds: float, crop: Callable[[BoxXYXY], bytes]) -> None:
        track.last_at, track.last_seconds, track.bbox_xyxy = at, seconds, face.bbox_xyxy
        weight = observation_weight(face.quality)
        if face.embedding is None or weight <= 0:
            return
        if track.weight > _MOST_WEIGHT and track.total is not None:
            track.total, track.weight = track.total / np.float32(2), track.weight / 2
        weighted = face.embedding * np.float32(weight)
        track.total = weighted if track.total is None else track.total + weighted
        track.weight += weight
        track.frames += 1
        if weight > track.best_weight and track.decision is None:
            track.best_weight, track.best_jpeg = weight, crop(face.bbox_xyxy)


def observation_weight(quality: FaceQuality | None) -> float:
    """How much one frame says about a face, 0 to 1: by its size first, then by how sharp, whole, lit and frontal it is."""
    if quality is None:
        return 0.0
    return (
        _ramp(quality.width_px, 24, 112)
        * (0.2 + 0.8 * _ramp(quality.sharpness, 0.17, 0.30))
        * _ramp(quality.visible, 0.4, 0.9)
        * (0.2 + 0.8 * _ramp(quality.brightness, 20, 90))
        * (0.1 + 0.9 * _ramp(max(abs(quality.yaw_degrees), abs(quality.pitch_degrees)), 75, 30))
    )


def _ramp(value: float, worst: float, best: float) -> float:
    """0 at `worst` and beyond, 1 at `best` and beyond, straight in between."""
    return min(1.0, max(0.0, (value - worst) / (best - worst)))
