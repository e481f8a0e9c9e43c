"""What a worker process does with one video, from taking it to storing what was found, whatever happens on the way."""

from __future__ import annotations

import functools
import logging
import os
import secrets
import shutil
import socket
import threading
from pathlib import Path
from typing import Self

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection

from analytics.engines.base import DetectionFailed, DetectorUnavailable
from analytics.models import Video
from analytics.pipeline import AnalysisCancelled
from analytics.plates.ocr import PlateReaderUnavailable, PlateReadingFailed
from analytics.video.errors import VideoError
from analytics.videos import jobs
from analytics.videos.analysis import LoadedEngines, analyse_whole
from analytics.videos.engines import video_engines
from analytics.videos.errors import ProblemCode
from faces.engines import base as face_engines
from faces.index.base import IndexUnavailable

logger = logging.getLogger(__name__)

_BEAT_SECONDS = 1.0
_ENGINE_ERRORS = (
    DetectionFailed,
    DetectorUnavailable,
    PlateReadingFailed,
    PlateReaderUnavailable,
    IndexUnavailable,
    face_engines.DetectionFailed,
    face_engines.EngineUnavailable,
)

stopping = threading.Event()
"""Set when this process is to end: the video under way is given back."""


def worker_prefix(pid: int) -> str:
    """What the names of a process's claims begin with."""
    return f"{socket.gethostname()[:32]}:{pid}:"


def run_job(pk: int) -> None:
    """Works on a video if it still waits."""
    worker = worker_prefix(os.getpid()) + secrets.token_hex(6)
    video = jobs.claim(pk, worker)
    if video is None:
        return
    logger.info("Video %d: begun, attempt %d", pk, video.attempts)
    folder = work_folder(video)
    # What an attempt that was killed left there.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    with _Pulse(pk, worker) as pulse:
        try:
            _work(video, worker, folder, pulse)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def work_folder(video: Video) -> Path:
    """Where an attempt keeps its files until they are stored."""
    root: Path = settings.KIOSK.data_dir / "work"
    return root / video.public_id.hex


def _work(video: Video, worker: str, folder: Path, pulse: _Pulse) -> None:
    pk = video.pk
    try:
        outcome = analyse_whole(
            video,
            _local_copy(video, folder),
            folder,
            _engines(),
            on_progress=pulse.note,
            cancelled=pulse.is_over,
        )
        pulse.stop()
        jobs.finish(pk, worker, outcome)
        logger.info("Video %d: done", pk)
    except AnalysisCancelled:
        _end_early(pk, worker, pulse)
    except jobs.ClaimLost:
        logger.warning("Video %d: it was given to another worker; nothing is stored", pk)
    except VideoError as error:
        logger.info("Video %d: can't be read (%s)", pk, error.code)
        jobs.fail(pk, worker, ProblemCode(error.code), error.at_ms)
    except _ENGINE_ERRORS:
        logger.exception("Video %d: an engine failed", pk)
        jobs.fail(pk, worker, ProblemCode.DETECTION_FAILED)
    except OSError:
        logger.exception("Video %d: its files can't be read or written", pk)
        jobs.fail(pk, worker, ProblemCode.STORAGE_FAILED)
    except DatabaseError:
        # The row says that it is in work; it waits again when this worker is missed.
        logger.exception("Video %d: the database does not answer", pk)
    except Exception:
        # The edge of the worker: whatever was not foreseen belongs to this video alone.
        logger.exception("Video %d: failed", pk)
        jobs.fail(pk, worker, ProblemCode.INTERNAL)


def _end_early(pk: int, worker: str, pulse: _Pulse) -> None:
    if pulse.cancel_requested:
        logger.info("Video %d: cancelled", pk)
        jobs.fail(pk, worker, ProblemCode.CANCELLED)
    elif pulse.lost:
        logger.warning("Video %d: it was given to another worker; nothing is stored", pk)
    else:
        logger.info("Video %d: given back, this worker stops", pk)
        jobs.give_back(pk, worker)


@functools.cache
def _engines() -> LoadedEngines:
    """Loaded once in a worker process."""
    return LoadedEngines.load(video_engines())


def _local_copy(video: Video, folder: Path) -> Path:
    """The video's file on this machine's disk. Raises OSError."""
    name = str(video.file.name)
    if settings.KIOSK.media_storage == "filesystem":
        return Path(default_storage.path(name))
    path = folder / "source"
    with default_storage.open(name, "rb") as stored, path.open("wb") as copy:
        shutil.copyfileobj(stored, copy, 1024 * 1024)
    return path


class _Pulse:
    """A thread that says every second that this worker is alive, and hears whether somebody wants it to stop."""

    def __init__(self, pk: int, worker: str) -> None:
        self._pk = pk
        self._worker = worker
        self._progress = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"video-{pk}-pulse", daemon=True)
        self.cancel_requested = False
        self.lost = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def note(self, progress: float) -> None:
        """Takes the share that is done."""
        self._progress = progress

    def is_over(self) -> bool:
        """Whether to stop working."""
        return self.lost or self.cancel_requested or stopping.is_set()

    def stop(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._ended.wait(_BEAT_SECONDS):
                try:
                    self.cancel_requested |= jobs.beat(self._pk, self._worker, self._progress)
                except jobs.ClaimLost:
                    self.lost = True
                    return
                except DatabaseError:
                    logger.warning("Video %d: the database does not answer; its heartbeat is late", self._pk)
        finally:
            connection.close()
