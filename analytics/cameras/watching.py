"""`manage.py watch`: all cameras of the installation, read at once and looked at in turn.

Threads: one reader a camera; as many lookers as there are engine processes, each of which takes the camera that has waited
longest for its turn; and the main thread, which follows the devices' rows, writes how they are, and keeps their snapshots.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from django.db import DatabaseError, IntegrityError, close_old_connections
from django.utils import timezone

from analytics.cameras.camera import WatchedCamera, WatchRules
from analytics.cameras.following import Guess
from analytics.cameras.snapshots import save_snapshot
from analytics.cameras.sources import Source, SourceError, source_of
from analytics.cameras.strangers import Strangers
from analytics.cameras.visits import last_look, person_key, recent_events, stranger_key
from analytics.events.devices import note_broken, note_seen, watched_devices
from analytics.events.recording import NewEvent, record
from analytics.models import MediaDevice
from faces.errors import FaceError
from faces.gallery import Gallery, gallery
from faces.index.base import IndexUnavailable
from faces.types import Embedding
from faces.workers import FaceWorkers, face_workers

logger = logging.getLogger(__name__)

_DEVICES_SECONDS: Final = 1.0
"""How often the devices' rows are looked at."""
_SEEN_SECONDS: Final = 10.0
"""How often a camera that works is noted as such."""
_MOST_FACES: Final = 12
"""Of one picture, the largest."""
_UNRECORDED: Final = 1000
"""Events that wait for a database that does not answer."""
_STRANGERS_RECALLED: Final = 50


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """What the settings say; see KIOSK_WATCH_… in docs/settings.md."""

    rules: WatchRules
    snapshot_seconds: float
    stranger_seconds: float
    lookers: int


@dataclass(slots=True)
class _Noted:
    """What was written to a device's row last."""

    error: str | None = None
    seen_seconds: float = float("-inf")
    snapshot_seconds: float = float("-inf")
    number: int = 0


class Watch:
    """The whole of it. `run` returns after `stop`, which any thread or signal handler may call."""

    def __init__(self, settings: WatchSettings) -> None:
        self._settings = settings
        self._stopping = threading.Event()
        self._turn = threading.Condition()
        self._cameras: dict[int, WatchedCamera] = {}
        """By the device's primary key. Guarded by `_turn`."""
        self._noted: dict[int, _Noted] = {}
        self._unrecorded: deque[NewEvent] = deque(maxlen=_UNRECORDED)
        self._trouble = ""
        self._workers: FaceWorkers
        self._gallery: Gallery
        self._strangers: Strangers

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        """Watches until stopped. Raises EngineUnavailable or FaceError where the engine can't be started."""
        self._workers = face_workers()
        self._workers.warm_up()
        self._gallery = gallery()
        self._strangers = Strangers(self._gallery.info.metric, self._settings.rules.threshold, self._settings.stranger_seconds)
        lookers = [threading.Thread(target=self._look_on, name=f"looker-{n}", daemon=True) for n in range(self._settings.lookers)]
        for looker in lookers:
            looker.start()
        try:
            while not self._stopping.is_set():
                self._tend()
                self._stopping.wait(_DEVICES_SECONDS)
        finally:
            self._stopping.set()
            with self._turn:
                cameras = list(self._cameras.values())
                self._turn.notify_all()
            for camera in cameras:
                camera.stop()
            for looker in lookers:
                looker.join(10)
            self._record_again()

    # The main thread

    def _tend(self) -> None:
        """One round over the devices."""
        try:
            self._follow_devices()
            self._record_again()
            for key, camera in list(self._cameras.items()):
                self._note_state(self._noted[key], camera)
        except DatabaseError as error:
            logger.warning("The database does not answer: %s", type(error).__name__)
        close_old_connections()

    def _follow_devices(self) -> None:
        """Starts, stops and restarts cameras as their rows say."""
        wanted = {device.pk: device for device in watched_devices()}
        for key in [key for key in self._cameras if key not in wanted]:
            self._end(key)
        for key, device in wanted.items():
            try:
                source = source_of(device)
            except SourceError as error:
                self._end(key)
                noted = self._noted.setdefault(key, _Noted())
                if noted.error != error.problem:
                    note_broken(device, error.problem, timezone.now())
                    noted.error = error.problem
                continue
            running = self._cameras.get(key)
            if running is not None and running.source == source:
                running.refresh(device)
            else:
                self._end(key)
                self._begin(device, source)

    def _begin(self, device: MediaDevice, source: Source) -> None:
        camera = WatchedCamera(device, source, self._gallery.info.metric, self._settings.rules)
        self._resume_visits(camera)
        self._noted[device.pk] = _Noted()
        with self._turn:
            self._cameras[device.pk] = camera
        camera.start(self._wake)
        logger.info("Watching device %s", device.pk)

    def _end(self, key: int) -> None:
        with self._turn:
            camera = self._cameras.pop(key, None)
        if camera is not None:
            camera.stop()
            self._noted.pop(key, None)
            logger.info("No longer watching device %s", key)

    def _resume_visits(self, camera: WatchedCamera) -> None:
        """Goes on with the visits that were under way when the last watcher ended."""
        looked_at = last_look(camera.device)
        if looked_at is None:
            return
        events = recent_events(camera.device, looked_at)
        for event in events:
            key = person_key(event.person_id) if event.person_id is not None else stranger_key(event.stranger_id)
            if event.person_id is not None or event.stranger_id:
                until = event.seen_until or event.happened_at
                camera.visits.resume(key, event.event_id, event.happened_at, until, looked_at)
        strangers = [event for event in events if event.stranger_id and event.person_id is None and event.face]
        for event in strangers[-_STRANGERS_RECALLED:]:
            try:
                with event.face.open("rb") as file:
                    found = self._workers.embed_again(file.read())
            except (FaceError, OSError):
                continue
            if found is not None and found.embedding is not None:
                self._strangers.remember(event.stranger_id, found.embedding, time.monotonic())

    def _note_state(self, noted: _Noted, camera: WatchedCamera) -> None:
        """Writes whether the device works, and now and then its picture."""
        assert camera.reader is not None
        problem, latest, now = camera.reader.problem, camera.reader.latest, time.monotonic()
        if problem is not None:
            if noted.error != problem:
                note_broken(camera.device, problem, timezone.now())
                noted.error = problem
            return
        if latest is None or latest.number == noted.number:
            return
        if noted.error is None and now - noted.seen_seconds < _SEEN_SECONDS:
            return
        note_seen(camera.device, latest.at)
        noted.error, noted.seen_seconds, noted.number = None, now, latest.number
        if now - noted.snapshot_seconds >= self._settings.snapshot_seconds:
            save_snapshot(camera.device, latest.pixels_rgb(self._settings.rules.max_side))
            noted.snapshot_seconds = now

    def _record_again(self) -> None:
        """Events that could not be written when they happened."""
        while self._unrecorded:
            event = self._unrecorded.popleft()
            if not self._record(event):
                return

    # The lookers

    def _wake(self) -> None:
        with self._turn:
            self._turn.notify()

    def _look_on(self) -> None:
        while True:
            camera = self._next()
            if camera is None:
                return
            try:
                self._look(camera)
            except Exception:
                # The edge of the thread: one picture is lost, not the watch.
                logger.exception("Looking at device %s failed", camera.device.pk)
            finally:
                with self._turn:
                    camera.looking = False
                    self._turn.notify()
                close_old_connections()

    def _next(self) -> WatchedCamera | None:
        """The camera that has waited longest, once it has a new picture and its turn has come; None at the end."""
        pause = 1 / self._settings.rules.fps
        with self._turn:
            while not self._stopping.is_set():
                now = time.monotonic()
                ready = [camera for camera in self._cameras.values() if not camera.looking and camera.has_new_picture()]
                camera = min(ready, key=lambda one: one.looked_seconds, default=None)
                if camera is not None and now - camera.looked_seconds >= pause:
                    camera.looking, camera.looked_seconds = True, now
                    return camera
                self._turn.wait(0.5 if camera is None else max(0.001, camera.looked_seconds + pause - now))
        return None

    def _look(self, camera: WatchedCamera) -> None:
        frame, pixels = camera.take()
        try:
            faces = self._workers.faces_in_frame(pixels, min_face=camera.min_face, limit=_MOST_FACES)
            if faces:
                self._gallery.catch_up()
            events = camera.note(frame, pixels, faces, self._identify, self._strangers)
        except (FaceError, IndexUnavailable, DatabaseError) as error:
            self._report(error)
            return
        self._trouble = ""
        age_ms = 1000 * (time.monotonic() - frame.seconds)
        logger.debug(
            "Device %s: picture %s, %s faces, done %.0f ms after it came", camera.device.pk, frame.number, len(faces), age_ms
        )
        for event in events:
            self._record(event)

    def _identify(self, embedding: Embedding) -> Guess:
        near = self._gallery.nearest(embedding, limit=2)
        if not near:
            return Guess(None, 0.0)
        return Guess(near[0].person, near[0].similarity, near[1].similarity if len(near) > 1 else 0.0)

    def _record(self, event: NewEvent) -> bool:
        """Commits an event; one that can't be, because the database does not answer, waits."""
        try:
            record(event)
        except IntegrityError:
            logger.warning("An event of device %s was not recorded: the device is deleted", event.device.pk)
        except DatabaseError as error:
            logger.warning("An event can't be recorded now: %s", type(error).__name__)
            self._unrecorded.append(event)
            return False
        return True

    def _report(self, error: Exception) -> None:
        """Says once what keeps pictures from being looked at."""
        if self._trouble != str(error) and not self._stopping.is_set():
            logger.error("Pictures can't be looked at: %s", error)
            self._trouble = str(error)
