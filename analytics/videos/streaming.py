"""/video-streaming in the server: a few worker processes, each with one stream at a time, and the way to the clients."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable
from typing import ParamSpec, TypeVar

from django.conf import settings

from analytics.video.types import VideoInfo
from analytics.videos import stream_worker
from analytics.videos.engines import detector_spec, video_limits
from analytics.videos.errors import ProblemCode, VideoProblem
from analytics.videos.stream_worker import Piece
from analytics.videos.uploads import VideoUpload
from kiosk.runtime.threads import work_threads
from kiosk.runtime.workers import PoolBusy, WorkerError, WorkerPool

P = ParamSpec("P")
T = TypeVar("T")
logger = logging.getLogger(__name__)

_PROBES_WAITING = 64
_PROBE_SECONDS = 60.0
_WAIT_SECONDS = 0.5
"""One look at a stream, after which a client that left is noticed."""
_CALL_SECONDS = 120.0


class VideoProcesses:
    """The processes beside the server that look at uploads: one that probes, and as many as streams are allowed at a time."""

    def __init__(self) -> None:
        environment = settings.KIOSK
        detector, limits = detector_spec()[0], video_limits()
        self._probing = WorkerPool(
            "video-probe",
            workers=1,
            queue_limit=_PROBES_WAITING,
            timeout_seconds=_PROBE_SECONDS,
            prepare=stream_worker.prepare,
            prepare_args=(None, limits, 1),
        )
        self._streams = [
            WorkerPool(
                f"video-stream-{number}",
                workers=1,
                queue_limit=1,
                timeout_seconds=_CALL_SECONDS,
                prepare=stream_worker.prepare,
                prepare_args=(detector, limits, environment.video_threads),
            )
            for number in range(environment.video_streams)
        ]
        self._lock = threading.Lock()
        self._idle = list(self._streams)

    def probe(self, path: str) -> VideoInfo:
        """Raises VideoProblem."""
        return _called(self._probing, stream_worker.probe, path)

    def open_stream(self, upload: VideoUpload) -> OpenStream:
        """Begins with a video; close the stream in any case. Raises VideoProblem: busy, or what is wrong with the video."""
        with self._lock:
            if not self._idle:
                raise VideoProblem(ProblemCode.BUSY)
            pool = self._idle.pop()
        try:
            _called(pool, stream_worker.start, upload.path, upload.interval_ms)
        except BaseException:
            self._return(pool)
            raise
        return OpenStream(self, pool, upload)

    def warm_up(self) -> None:
        """Starts all processes, so that no first object waits for libraries to load."""
        for pool in (self._probing, *self._streams):
            pool.warm_up()

    def close(self) -> None:
        for pool in (self._probing, *self._streams):
            pool.close()

    def _return(self, pool: WorkerPool) -> None:
        with self._lock:
            self._idle.append(pool)


class OpenStream:
    """One video under analysis for one client."""

    def __init__(self, owner: VideoProcesses, pool: WorkerPool, upload: VideoUpload) -> None:
        self._owner = owner
        self._pool = pool
        self._upload = upload
        self._closed = threading.Lock()

    def next_piece(self) -> Piece:
        """Raises VideoProblem where the process died."""
        return _called(self._pool, stream_worker.next_piece, _WAIT_SECONDS)

    def close(self) -> None:
        """Stops the work, deletes the upload and lets the process serve others; may be called twice."""
        if not self._closed.acquire(blocking=False):
            return
        try:
            with contextlib.suppress(VideoProblem):
                _called(self._pool, stream_worker.stop)
        finally:
            self._owner._return(self._pool)  # noqa: SLF001 - this module owns both
            self._upload.file.close()


async def lines(stream: OpenStream) -> AsyncIterator[bytes]:
    """The objects of a stream, each as soon as it is there. Closing the generator stops the work."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            try:
                piece = await loop.run_in_executor(work_threads(), stream.next_piece)
            except VideoProblem as problem:
                yield failure_line(problem)
                return
            if piece.line:
                yield piece.line
            if piece.is_last:
                return
    finally:
        # Also when the client has gone and this task is cancelled: nobody waits for it then.
        loop.run_in_executor(work_threads(), stream.close)


def failure_line(problem: VideoProblem) -> bytes:
    """The last object of a stream that can't go on."""
    import orjson

    return orjson.dumps({"error": str(problem), "code": problem.code}) + b"\n"


def _called(pool: WorkerPool, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return pool.run(function, *args, **kwargs)
    except PoolBusy:
        raise VideoProblem(ProblemCode.BUSY) from None
    except WorkerError:
        raise VideoProblem(ProblemCode.WORKER_DIED) from None


_lock = threading.Lock()
_processes: VideoProcesses | None = None


def video_processes() -> VideoProcesses:
    """Those of this server, made at the first call. Raises DetectorUnavailable where the chosen detector can't run."""
    global _processes  # noqa: PLW0603 - one set a process
    with _lock:
        if _processes is None:
            _processes = VideoProcesses()
        return _processes


def close_video_processes() -> None:
    """Ends them; the next video_processes() starts new ones."""
    global _processes
    with _lock:
        ended, _processes = _processes, None
    if ended is not None:
        ended.close()
