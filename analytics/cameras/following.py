"""Faces followed from frame to frame of one camera, and who they are, decided over several frames.

The association of boxes is ByteTrack's, from Roboflow's `trackers`, as in analytics.tracking. What lies on top:

- A face that is not like the track it was put to is somebody else: a cut in a film, or one who stepped before another.
- A track is the mean of its embeddings, each weighted by how large, sharp and frontal the face was. That mean, not one frame, is
  compared with the gallery. Faces that tell nothing (tiny, blurred, turned away) weigh nothing and are never decided on.
- What faces that tell little lack in weight, agreement makes up for: several in a row, each clearly nearest to the same person.
- A track that ends before it was decided on is decided on with what was seen: nothing more will come.
- A stranger is looked up again while in view: later frames may show a person well, and staff may enrol one meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Final

import numpy as np

from analytics.boxes import BoxXYXY, shared_area
from faces.analysis import FrameFace
from faces.quality import FaceQuality
from faces.similarity import similarity
from faces.types import Embedding, KnownPerson, Metric

_MOST_WEIGHT: Final = 20.0
"""Of a track's mean: beyond, the past counts half, so that the mean follows a face that is in view for an hour."""


@dataclass(frozen=True, slots=True)
class FollowRules:
    """When a track is decided on."""

    threshold: float = 0.4
    """Similarity from which a face is a person's."""
    sure: float = 0.4
    """Similarity from which it surely is. Where `threshold` is lower, it takes `clear_lead` and `frontal_degrees` up to here."""
    clear_lead: float = 0.1
    """A person this far ahead of the second nearest is not one of many who are a little alike."""
    frontal_degrees: float = 50.0
    """As many frames as a person takes are turned away no further: profiles are alike whosever they are."""
    min_face: int = 40
    """The smallest face that is compared, pixels: what counts as small begins there, at most at 40."""
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
    glance_seconds: float = 0.5
    """Out of sight for so long, it is decided on as if it were lost, if `glance_frames` show a person."""
    glance_frames: int = 2


@dataclass(frozen=True, slots=True)
class Guess:
    """What the gallery says to an embedding."""

    person: KnownPerson | None
    """The nearest; None where nobody is enrolled."""
    similarity: float
    """Of the nearest, 0 to 1; 0 where there is none."""
    rival: float = 0.0
    """Of the second nearest."""

    @property
    def lead(self) -> float:
        return self.similarity - self.rival


@dataclass(frozen=True, slots=True)
class Decision:
    """Who somebody in view is; a stranger where `person` is None."""

    person: KnownPerson | None
    similarity: float


class Sight(IntEnum):
    """Whether a track is there, as far as `Follower` has said so."""

    IN_VIEW = 0
    OUT_OF_SIGHT = 1
    """For a moment: it may be the end."""
    GONE = 2


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
    frontal: int = 0
    """How many of the frames show the face not too far from the front."""
    unasked: list[Embedding] = field(default_factory=list, repr=False)
    """Of the frames whose agreement has not been looked at yet; none once the track weighs enough without."""
    favourite: int | None = None
    """Primary key of the person whom the last frames agree on."""
    agreed: int = 0
    """How many of them do, in a row."""
    sight: Sight = Sight.IN_VIEW

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
        self.rules = rules or FollowRules()
        """May be changed at any time."""
        self._next = 1
        self._begin()

    def _begin(self) -> None:
        import supervision
        from trackers import BIoU, ByteTrackTracker

        self._supervision = supervision
        self._association = ByteTrackTracker(
            lost_track_buffer=max(1, round(self.rules.lost_seconds * 30)),  # it counts in frames of 30 a second
            frame_rate=self._fps,
            track_activation_threshold=0.5,
            minimum_consecutive_frames=1,
            minimum_iou_threshold=0.1,
            high_conf_det_threshold=0.5,
            iou=BIoU(buffer_ratio=0.4),
        )
        self._tracks: dict[int, FaceTrack] = {}
        """By the association's number."""
        self._new: list[FaceTrack] = []
        """Faces of the last frame alone, to which the association gives a number only when it sees them again."""
        self._over: list[FaceTrack] = []
        """Tracks that are gone for good, because somebody else is on the spot or no picture came for long, until `undecided`."""

    def update(
        self, faces: Sequence[FrameFace], at: datetime, seconds: float, crop: Callable[[BoxXYXY], bytes]
    ) -> list[FaceTrack]:
        """The tracks in this frame; `crop` makes a JPEG of a face in it. `seconds` (monotonic) has to grow."""
        visible, new = [], []
        for number, face in self._associate(faces, seconds):
            track = self._tracks.get(number) if number >= 0 else None
            if track is None and number >= 0:
                track = self._first_sight(face)
            if track is not None and self._is_somebody_else(track, face):
                self._over.append(track)
                track = None
            if track is None:
                track = FaceTrack(0, at, at, seconds, seconds, face.bbox_xyxy)
            self._extend(track, face, at, seconds, crop)
            if number < 0:
                new.append(track)
                continue
            if track.number == 0:
                track.number = self._next
                self._next += 1
            self._tracks[number] = track
            visible.append(track)
        self._new = new
        for one, track in list(self._tracks.items()):
            if seconds - track.last_seconds > 2 * self.rules.lost_seconds:
                self._over.append(self._tracks.pop(one))
        return visible

    def undecided(self, seconds: float) -> list[FaceTrack]:
        """The tracks that went out of sight or are gone without a decision, once for each: `decide` waits no longer then."""
        ended = [track for track in self._over if track.sight < Sight.GONE]
        for track in ended:
            track.sight = Sight.GONE
        self._over = []
        for track in self._tracks.values():
            away = seconds - track.last_seconds
            sight = Sight((away >= self.rules.glance_seconds) + (away >= self.rules.lost_seconds))
            if sight > track.sight:
                track.sight = sight
                ended.append(track)
        return [track for track in ended if track.decision is None]

    def end_all(self) -> list[FaceTrack]:
        """Forgets everybody: the next picture has nothing to do with the one before. Returns what was not decided on."""
        self._over += self._tracks.values()
        self._tracks = {}
        ended = self.undecided(math.inf)
        self._begin()
        return ended

    def decide(self, track: FaceTrack, seconds: float, identify: Callable[[Embedding], Guess]) -> Decision | None:
        """A decision that is new: who it is, or that a stranger is somebody after all. `identify` asks the gallery."""
        rules = self.rules
        if track.decision is not None and (
            track.decision.person is not None or seconds - track.decided_seconds < rules.again_seconds
        ):
            return None
        self._note_agreement(track, identify)
        weighs = track.weight >= rules.person_weight
        agree = track.agreed >= rules.person_frames
        frames = rules.glance_frames if weighs and track.sight > Sight.IN_VIEW else rules.person_frames
        if track.total is None or track.frames < frames or not (weighs or agree):
            return None
        guess = identify(track.mean(self._metric))
        known = self._is_known(track, guess)
        if known and not weighs and (guess.person is None or guess.person.pk != track.favourite):
            return None
        rivals = known and guess.lead <= rules.rival_margin
        if (rivals or not known) and not self._has_waited(track, guess, rivals=rivals):
            return None
        was_stranger = track.decision is not None
        track.decided_seconds = seconds
        if not known and was_stranger:
            return None
        track.decision = Decision(guess.person if known else None, guess.similarity)
        return track.decision

    def _associate(self, faces: Sequence[FrameFace], seconds: float) -> list[tuple[int, FrameFace]]:
        """Each face with its number, -1 for one that was not there in the frame before."""
        given = self._supervision.Detections(
            xyxy=np.array([face.bbox_xyxy for face in faces], np.float32).reshape(-1, 4),
            confidence=np.ones(len(faces), np.float32),
            data={"index": np.arange(len(faces))},
        )
        tracked: Any = self._association.update(given, timestamp=seconds)
        if len(tracked) == 0:
            return []
        numbers, indices = tracked.tracker_id.tolist(), tracked.data["index"].tolist()
        return [(number, faces[index]) for number, index in zip(numbers, indices, strict=True)]

    def _first_sight(self, face: FrameFace) -> FaceTrack | None:
        """The track of a face that has just got its number: it was there in the frame before."""
        found = max(self._new, key=lambda track: shared_area(track.bbox_xyxy, face.bbox_xyxy), default=None)
        if found is None or shared_area(found.bbox_xyxy, face.bbox_xyxy) <= 0:
            return None
        self._new.remove(found)
        return found

    def _is_known(self, track: FaceTrack, guess: Guess) -> bool:
        rules = self.rules
        if guess.person is None or guess.similarity < rules.threshold:
            return False
        return guess.similarity >= rules.sure or (guess.lead >= rules.clear_lead and track.frontal >= rules.person_frames)

    def _note_agreement(self, track: FaceTrack, identify: Callable[[Embedding], Guess]) -> None:
        """Asks whom each new frame alone is nearest to."""
        for embedding in track.unasked:
            guess = identify(embedding)
            clear = guess.person is not None and guess.lead >= self.rules.clear_lead
            favourite = guess.person.pk if guess.person is not None and clear else None
            same = favourite is not None and favourite == track.favourite
            track.agreed = track.agreed + 1 if same else int(favourite is not None)
            track.favourite = favourite
        track.unasked = []

    def _has_waited(self, track: FaceTrack, guess: Guess, *, rivals: bool) -> bool:
        """Whether the track was seen long enough for a stranger, or for the nearer one of two."""
        rules = self.rules
        doubtful = guess.similarity >= rules.doubt_share * rules.threshold
        if track.sight is Sight.GONE and track.frames >= rules.person_frames:
            if rivals or (not doubtful and track.weight >= rules.stranger_weight):
                return True
            patience = 1.0
        else:
            patience = rules.doubt_factor if doubtful else 1.0
        return (
            track.frames >= patience * rules.stranger_frames
            and track.weight >= patience * rules.stranger_weight
            and track.last_seconds - track.first_seconds >= patience * rules.stranger_seconds
        )

    def _is_somebody_else(self, track: FaceTrack, face: FrameFace) -> bool:
        if track.total is None or face.embedding is None or observation_weight(face.quality, self.rules.min_face) <= 0:
            return False
        return similarity(self._metric, track.mean(self._metric), face.embedding) < self.rules.same_similarity

    def _extend(self, track: FaceTrack, face: FrameFace, at: datetime, seconds: float, crop: Callable[[BoxXYXY], bytes]) -> None:
        track.last_at, track.last_seconds, track.bbox_xyxy, track.sight = at, seconds, face.bbox_xyxy, Sight.IN_VIEW
        weight = observation_weight(face.quality, self.rules.min_face)
        if face.embedding is None or face.quality is None or weight <= 0:
            return
        if track.weight > _MOST_WEIGHT and track.total is not None:
            track.total, track.weight = track.total / np.float32(2), track.weight / 2
        weighted = face.embedding * np.float32(weight)
        track.total = weighted if track.total is None else track.total + weighted
        track.weight += weight
        if track.weight < self.rules.person_weight:
            track.unasked.append(face.embedding)
        track.frames += 1
        track.frontal += _turned_degrees(face.quality) <= self.rules.frontal_degrees
        if weight > track.best_weight and track.decision is None:
            track.best_weight, track.best_jpeg = weight, crop(face.bbox_xyxy)


def observation_weight(quality: FaceQuality | None, min_face: int = 40) -> float:
    """How much one frame says about a face, 0 to 1: by its size first, then by how sharp, whole, lit and frontal it is.

    Where faces below 40 pixels are wanted, `min_face`, size counts in proportion.
    """
    if quality is None:
        return 0.0
    smallest = min(min_face, 40)
    return (
        _ramp(quality.width_px, 0.6 * smallest, 2.8 * smallest)
        * (0.2 + 0.8 * _ramp(quality.sharpness, 0.17, 0.30))
        * _ramp(quality.visible, 0.4, 0.9)
        * (0.2 + 0.8 * _ramp(quality.brightness, 20, 90))
        * (0.1 + 0.9 * _ramp(_turned_degrees(quality), 75, 30))
    )


def _turned_degrees(quality: FaceQuality) -> float:
    """How far a face is turned away from the camera."""
    return max(abs(quality.yaw_degrees), abs(quality.pitch_degrees))


def _ramp(value: float, worst: float, best: float) -> float:
    """0 at `worst` and beyond, 1 at `best` and beyond, straight in between."""
    return min(1.0, max(0.0, (value - worst) / (best - worst)))
