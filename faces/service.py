"""The faces app's part of a running server: its engine loaded, its index up to date within a second of any other process."""

from __future__ import annotations

import logging
import threading

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from faces.engines.base import EngineUnavailable
from faces.engines.registry import resolve
from faces.errors import FaceError
from faces.gallery import close_gallery, gallery
from faces.index.base import IndexUnavailable
from faces.workers import close_face_workers, face_workers
from kiosk.health import NotReady, register_probe
from kiosk.runtime.services import Service, WrongConfiguration, register_service

logger = logging.getLogger(__name__)

_CATCH_UP_SECONDS = 0.5
_RETRY_SECONDS = 5.0


class _Follower:
    """A thread that loads engine and index once, and then keeps the index up to date."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.problem = "the face engine is loading"

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._follow, name="faces-follower", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        close_face_workers(drain_seconds=settings.KIOSK.drain_seconds)
        if self._thread is not None:
            self._thread.join()
        close_gallery()

    def _follow(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                if self.problem:
                    face_workers().warm_up()
                gallery().catch_up()
                if self.problem:
                    gallery().forget_other_engines()
            except (EngineUnavailable, FaceError, IndexUnavailable, DatabaseError) as error:
                if not self._stop.is_set() and self.problem != str(error):
                    logger.error("Faces are not ready: %s", error)  # noqa: TRY400 - expected, and repeated
                self.problem, pause = str(error), _RETRY_SECONDS
            else:
                self.problem, pause = "", _CATCH_UP_SECONDS
            close_old_connections()


_follower = _Follower()


def register() -> None:
    """Makes the server start, stop and ask after this app."""
    register_service(Service("faces", verify=_verify, start=_follower.start, stop=_follower.stop))
    register_probe("faces", _probe)


def problem() -> str:
    """Why this process can't recognise anybody now; empty where it can."""
    return _follower.problem


def _verify() -> None:
    environment = settings.KIOSK
    try:
        resolve(
            environment.face_engine,
            insightface_root=environment.insightface_root,
            pack=environment.insightface_pack,
            cache_dir=environment.model_dir,
        )
    except EngineUnavailable as error:
        raise WrongConfiguration(f"KIOSK_FACE_ENGINE={environment.face_engine}: {error}") from None


def _probe() -> None:
    if _follower.problem:
        raise NotReady(_follower.problem)
