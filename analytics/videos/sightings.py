"""Faces and plates of a video, looked for in a thread of its own while the next frames are decoded, counted and encoded.

What is looked at depends on the video alone, never on how fast which thread is: the same video gives the same sightings.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from analytics.boxes import BoxXYXY
from analytics.engines.base import Kind
from analytics.pipeline import Observation
from analytics.tracking import Track
from analytics.video.types import Frame
from analytics.videos.faces import FaceCollector, FoundFace
from analytics.videos.plates import APART_MS, WHOLE_EVERY_MS, FoundPlate, PlateCollector

_WAITING_BYTES = 32 * 1024 * 1024
_WAITING = (4, 64)
"""Frames that wait to be looked at, at least and at most; then the analysis waits."""
_NEVER = -(10**9)


@dataclass(frozen=True, slots=True)
class _Sight:
    """What is to be done with one observation."""

    frame: Frame | None
    """Of its own; None where only tracks have ended."""
    for_faces: bool
    whole_for_plates: bool
    vehicles: tuple[tuple[int, BoxXYXY], ...]
    """Whose picture may be worth keeping."""
    people: tuple[BoxXYXY, ...]
    tracked: tuple[BoxXYXY, ...]
    """People, and what may yet turn out to be some."""
    ended: tuple[tuple[int, bool], ...]
    """Tracks, and whether they were vehicles after all."""


class Sightings:
    """Takes the observations of one video in order; has what was seen at the end. Leaving its block early ends the work."""

    def __init__(self, faces: FaceCollector | None, plates: PlateCollector | None, *, face_every_ms: int) -> None:
        self._faces = faces
        self._plates = plates
        self._face_every_ms = face_every_ms
        self._face_ms = self._vehicle_ms = self._whole_ms = _NEVER
        self._last_index = -1
        self._waiting: queue.Queue[_Sight | None] | None = None
        """None is the end."""
        self._given_up = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="video-sightings", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._given_up.set()
        self._end_thread()

    def take(self, observation: Observation) -> None:
        """Hands over what is to be looked at. Raises what an earlier look raised: DetectionFailed, PlateReadingFailed."""
        if self._error is not None:
            raise self._error
        sight = self._sight(observation)
        if sight is None:
            return
        if self._waiting is None:
            width, height = observation.frame.size
            room = _WAITING_BYTES // (width * height * 3 // 2 + 1)
            self._waiting = queue.Queue(min(_WAITING[1], max(_WAITING[0], room)))
            self._thread.start()
        self._waiting.put(sight)

    def finish(self) -> tuple[list[FoundFace], list[FoundPlate]]:
        """Everything that was seen, by time. Raises as `take` does."""
        self._end_thread()
        if self._error is not None:
            raise self._error
        return (
            [] if self._faces is None else self._faces.finish(),
            [] if self._plates is None else self._plates.finish(),
        )

    def _sight(self, observation: Observation) -> _Sight | None:
        """What this observation is good for; None for nothing."""
        time_ms = observation.frame.time_ms
        # The last frame comes a second time, with the tracks that end there.
        is_new = observation.frame.index > self._last_index
        self._last_index = observation.frame.index
        for_faces = is_new and self._faces is not None and time_ms - self._face_ms >= self._face_every_ms
        vehicles: list[Track] = []
        whole = False
        if is_new and self._plates is not None:
            seen = [track for track in observation.visible if track.kind is Kind.VEHICLE]
            vehicles = seen if time_ms - self._vehicle_ms >= APART_MS else []
            whole = not seen and time_ms - self._whole_ms >= WHOLE_EVERY_MS
        ended = [] if self._plates is None else [(track.track_id, track.kind is Kind.VEHICLE) for track in observation.finished]
        looks = for_faces or whole or bool(vehicles)
        if not (looks or ended):
            return None
        self._face_ms = time_ms if for_faces else self._face_ms
        self._vehicle_ms = time_ms if vehicles else self._vehicle_ms
        self._whole_ms = time_ms if whole else self._whole_ms
        return _Sight(
            frame=observation.frame.own_copy() if looks else None,
            for_faces=for_faces,
            whole_for_plates=whole,
            vehicles=tuple((track.track_id, track.bbox_xyxy) for track in vehicles),
            people=tuple(track.bbox_xyxy for track in observation.visible if track.kind is Kind.PERSON),
            tracked=tuple(track.bbox_xyxy for track in observation.visible),
            ended=tuple(ended),
        )

    def _end_thread(self) -> None:
        if self._waiting is not None and self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()

    def _work(self) -> None:
        """Looks at what waits, up to the end; after an error only takes it from the queue, so that nobody waits for room."""
        assert self._waiting is not None, "there is something to look at"
        while (sight := self._waiting.get()) is not None:
            if self._error is None and not self._given_up.is_set():
                try:
                    self._look(sight)
                except Exception as error:  # noqa: BLE001 - raised again where somebody waits
                    self._error = error

    def _look(self, sight: _Sight) -> None:
        if self._plates is not None:
            if sight.frame is not None:
                self._plates.keep(sight.frame, sight.vehicles)
            for track_id, is_vehicle in sight.ended:
                self._plates.close(track_id, is_vehicle=is_vehicle)
            if sight.frame is not None and sight.whole_for_plates:
                self._plates.read_whole(sight.frame, sight.people)
        if self._faces is not None and sight.frame is not None and sight.for_faces:
            self._faces.look(sight.frame, sight.tracked)
