"""One watched camera: its newest picture, who is on it, and the events that follow."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import DatabaseError

from analytics.boxes import BoxXYXY
from analytics.cameras.following import Decision, FaceTrack, Follower, FollowRules, Guess
from analytics.cameras.reader import CameraFrame, CameraReader
from analytics.cameras.sources import Source
from analytics.cameras.strangers import Strangers
from analytics.cameras.visits import Visits, person_key, save_seen_until, stranger_key
from analytics.events.recording import NewEvent
from analytics.models import MediaDevice
from faces.analysis import FrameFace
from faces.types import Embedding, Metric
from kiosk.runtime.imaging import crop_with_margin, encode_jpeg, thumbnail

logger = logging.getLogger(__name__)

PixelsRGB = npt.NDArray[np.uint8]

CROP_MARGIN: Final = 0.4
CROP_SIDE: Final = 400


@dataclass(frozen=True, slots=True)
class WatchRules:
    """What is the same for all cameras."""

    fps: float
    """How often a camera is looked at, at most."""
    max_side: int
    min_face: int
    threshold: float
    """Of a device that says nothing else, as `min_face`."""

    def min_face_of(self, device: MediaDevice) -> int:
        return self.min_face if device.min_face is None else device.min_face

    def follow_rules(self, device: MediaDevice) -> FollowRules:
        threshold = self.threshold if device.threshold is None else device.threshold
        return FollowRules(threshold=threshold, sure=self.threshold, min_face=self.min_face_of(device))


class WatchedCamera:
    """A device that is being watched. `look` is called by one thread at a time."""

    def __init__(self, device: MediaDevice, source: Source, metric: Metric, rules: WatchRules) -> None:
        self.device = device
        self.source = source
        self.min_face = rules.min_face_of(device)
        self.visits = Visits(device.cooldown_seconds)
        self.looking = False
        """A thread is at it."""
        self.looked_seconds = float("-inf")
        """When it was looked at last, monotonic."""
        self._rules = rules
        self._metric = metric
        self._follower = Follower(rules.fps, metric, rules.follow_rules(device))
        self._number = 0
        self._round = 0
        self._stranger_of: dict[int, str] = {}
        """By the track's number."""
        self.reader: CameraReader | None = None

    def refresh(self, device: MediaDevice) -> None:
        """Takes over what staff have changed of it, but for the source."""
        self.visits.set_cooldown(device.cooldown_seconds)
        self.min_face = self._rules.min_face_of(device)
        self._follower.rules = self._rules.follow_rules(device)
        self.device = device

    def start(self, on_frame: Callable[[], None]) -> None:
        self.reader = CameraReader(str(self.device.pk), self.source, on_frame)
        self.reader.start()

    def stop(self) -> None:
        if self.reader is not None:
            self.reader.stop()

    def has_new_picture(self) -> bool:
        latest = self.reader.latest if self.reader is not None else None
        return latest is not None and latest.number > self._number

    def take(self) -> tuple[CameraFrame, PixelsRGB]:
        """The newest picture; there has to be one."""
        assert self.reader is not None
        frame = self.reader.latest
        assert frame is not None
        self._number = frame.number
        return frame, frame.pixels_rgb(self._rules.max_side)

    def note(
        self,
        frame: CameraFrame,
        pixels_rgb: PixelsRGB,
        faces: list[FrameFace],
        identify: Callable[[Embedding], Guess],
        strangers: Strangers,
    ) -> list[NewEvent]:
        """Takes the faces of a picture; the events that it brought. Visits under way are written."""
        self.visits.look(frame.at)
        ended = []
        if frame.round != self._round:
            self._round = frame.round
            ended = self._see_all(self._follower.end_all(), frame.seconds, identify, strangers)
            self.visits.all_left()

        def crop(box: BoxXYXY) -> bytes:
            return encode_jpeg(thumbnail(crop_with_margin(pixels_rgb, box, CROP_MARGIN), CROP_SIDE))

        tracks = self._follower.update(faces, frame.at, frame.seconds, crop) + self._follower.undecided(frame.seconds)
        events = ended + self._see_all(tracks, frame.seconds, identify, strangers)
        self._save_visits(frame.at)
        return events

    def _see_all(
        self, tracks: list[FaceTrack], seconds: float, identify: Callable[[Embedding], Guess], strangers: Strangers
    ) -> list[NewEvent]:
        """Decides on the tracks where it is time to; the events that this brought."""
        events = []
        for track in tracks:
            self._follower.decide(track, seconds, identify)
            event = self._see(track, track.decision, strangers) if track.decision is not None else None
            if event is not None:
                events.append(event)
        return events

    def _see(self, track: FaceTrack, decision: Decision, strangers: Strangers) -> NewEvent | None:
        """Extends the visit, or begins one with its event."""
        stranger_id = ""
        if decision.person is not None:
            key = person_key(decision.person.pk)
        else:
            stranger_id = self._stranger_of.get(track.number, "") or strangers.recall(
                track.mean(self._metric), track.last_seconds
            )
            self._stranger_of[track.number] = stranger_id
            strangers.seen(stranger_id, track.last_seconds)
            key = stranger_key(stranger_id)
        if self.visits.see(key, track.last_at) is not None:
            return None
        event_id = str(uuid.uuid4())
        self.visits.begin(key, event_id, track.last_at)
        return NewEvent(
            device=self.device,
            happened_at=track.first_at,
            score=score(decision.similarity),
            event_id=event_id,
            person=decision.person,
            stranger_id=stranger_id,
            face_jpeg=track.best_jpeg or None,
            track=track.number,
        )

    def _save_visits(self, at: datetime) -> None:
        unsaved = self.visits.unsaved()
        try:
            save_seen_until(unsaved)
        except DatabaseError as error:
            logger.warning("How long visits last can't be written now: %s", type(error).__name__)
        self.visits.forget_past(at)
        if len(self._stranger_of) > 1000:  # noqa: PLR2004 - far more than are in view
            self._stranger_of = dict(list(self._stranger_of.items())[-100:])


def score(similarity: float) -> float:
    """The events' score, 0 to 100: a hundred times the similarity, so that 40 decides on every engine."""
    return round(100 * min(1.0, max(0.0, similarity)), 2)


def now() -> datetime:
    return datetime.now(UTC)
