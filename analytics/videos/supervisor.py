"""Keeps worker processes for videos running: starts them, replaces those that die, and lets their videos wait again."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
import time

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from analytics.models import Video, VideoState
from analytics.videos import jobs
from analytics.videos.runner import worker_prefix

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
_SWEEP_SECONDS = 5.0
_FORGET_SECONDS = 3600.0
_PAUSE_SECONDS = 5.0
"""Between the start of a worker and that of its successor, at least: one that can't start is not started in a loop."""
_STOP_SECONDS = 20.0


class Supervisor:
    """So many worker processes, looked after by a thread. Several supervisors, on several machines, share the work."""

    def __init__(self, processes: int) -> None:
        self._slots = [_Slot() for _ in range(processes)]
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._swept = 0.0
        self._forgot = time.monotonic()

    def start(self) -> None:
        """Returns at once; the processes start by and by."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._look_after, name="video-supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the workers in order: they give back what they are at."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        for slot in self._slots:
            slot.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for slot in self._slots:
            slot.wait(max(0.0, deadline - time.monotonic()))

    def _look_after(self) -> None:
        try:
            while not self._stop.is_set():
                for slot in self._slots:
                    self._mend(slot)
                with contextlib.suppress(DatabaseError):
                    self._sweep()
                self._stop.wait(_LOOK_SECONDS)
        finally:
            connection.close()

    def _mend(self, slot: _Slot) -> None:
        dead = slot.bury()
        if dead is not None:
            try:
                _requeue_of(dead)
            except DatabaseError:
                logger.warning("The video of a dead worker waits until it is missed: the database does not answer")
        slot.start()

    def _sweep(self) -> None:
        now = time.monotonic()
        if now - self._swept < _SWEEP_SECONDS:
            return
        self._swept = now
        jobs.requeue_lost(timezone.now())
        if now - self._forgot > _FORGET_SECONDS:
            self._forgot = now
            jobs.forget_old_tasks(timezone.now())


class _Slot:
    """One worker process after the other."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._started = -_PAUSE_SECONDS

    def start(self) -> None:
        """Starts a process where none is running, unless the last one was started just now."""
        if self._process is not None or time.monotonic() - self._started < _PAUSE_SECONDS:
            return
        self._started = time.monotonic()
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "video_worker", "--child"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - our own command

    def bury(self) -> int | None:
        """The id of a process that has ended."""
        if self._process is None or self._process.poll() is None:
            return None
        process, self._process = self._process, None
        if process.stdin is not None:
            process.stdin.close()
        logger.error("A video worker ended with %s; another takes its place", process.returncode)
        return process.pid

    def terminate(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Waits for the end of the process; one that does not come to it is killed."""
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None


def _requeue_of(pid: int) -> None:
    """Lets the video of a process of this machine wait again at once."""
    held = Video.objects.filter(state=VideoState.RUNNING, worker__startswith=worker_prefix(pid))
    workers = list(held.values_list("worker", flat=True))
    if workers:
        jobs.requeue_lost(timezone.now(), workers)
