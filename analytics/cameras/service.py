"""The cameras' part of a running server: `manage.py watch` as its child, as soon as there is something to watch.

A process of its own: engines, decoders and their crashes have no place in the server. It ends with the server, whatever that
died of, because its standard input ends then.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connection

from analytics.cameras.pauses import pause_seconds
from analytics.events.devices import watched_devices
from kiosk.runtime.services import Service, register_service

logger = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 20.0
_HEALTHY_SECONDS: Final = 60.0
_ANOTHER_RUNS: Final = 75
"""Exit code of a watch that found another one at work."""


class _Child:
    """The process, started when the first device is enabled, and again, with growing pauses, when it dies."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._started = 0.0

    def start(self) -> None:
        if not settings.KIOSK.watch_with_server:
            return
        self._stop.clear()
        self._thread = threading.Thread(target=self._look_after, name="watch-child", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._bury()

    def _look_after(self) -> None:
        pause = 0.0
        try:
            while not self._stop.wait(pause):
                pause = self._mend()
        finally:
            connection.close()

    def _mend(self) -> float:
        """Starts the process where it is wanted and missing; for how long to leave it alone now."""
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return _LOOK_SECONDS
            self._bury()
            self._failures = 1 if time.monotonic() - self._started > _HEALTHY_SECONDS else self._failures + 1
            if status != _ANOTHER_RUNS:
                logger.error("manage.py watch ended with %s; it is started again", status)
            return pause_seconds(self._failures)
        try:
            wanted = watched_devices().exists()
        except DatabaseError:
            return _LOOK_SECONDS
        if wanted:
            self._started = time.monotonic()
            command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "watch", "--with-parent"]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - our own command
        return _LOOK_SECONDS

    def _bury(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()


_child = _Child()


def register() -> None:
    """Makes the server start and stop the watch."""
    register_service(Service("cameras", start=_child.start, stop=_child.stop))
