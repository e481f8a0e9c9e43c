"""The searches' part of a running server: the indexes are brought up to the rows before somebody waits for them."""

from __future__ import annotations

import logging
import threading
from typing import Final

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from analytics.sightings import changes
from analytics.sightings.indexes import close_indexes, face_index, plate_index
from faces.engines.base import EngineUnavailable
from faces.errors import FaceError
from faces.index.base import IndexUnavailable
from kiosk.health import NotReady, register_probe
from kiosk.runtime.services import Service, register_service

logger = logging.getLogger(__name__)

_CATCH_UP_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 5.0


class _Following:
    """A thread that keeps both indexes up to date."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.problem = "the indexes of sightings are being built"

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._follow, name="sightings-follower", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=settings.KIOSK.drain_seconds)
        close_indexes()

    def _follow(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                plate_index().follower.catch_up()
                face_index().follower.catch_up()
                if self.problem:
                    face_index().vectors.forget_other_engines()
            except (EngineUnavailable, FaceError, IndexUnavailable, DatabaseError) as error:
                if not self._stop.is_set() and self.problem != str(error):
                    logger.error("The searches in videos are not ready: %s", error)  # noqa: TRY400 - expected, and repeated
                self.problem, pause = str(error), _RETRY_SECONDS
            else:
                self.problem, pause = "", _CATCH_UP_SECONDS
            close_old_connections()


_following = _Following()


def register() -> None:
    """Makes the server follow the sightings, and every process note what deleted videos take along."""
    changes.register()
    register_service(Service("sightings", start=_following.start, stop=_following.stop))
    register_probe("sightings", _probe)


def _probe() -> None:
    if _following.problem:
        raise NotReady(_following.problem)
