"""The face engine as the rest of the app sees it: calls into a pool of worker processes, errors of this app out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from django.conf import settings

from faces import analysis
from faces.analysis import AnalysisError, Examination, FrameFace, ProbeFace
from faces.engines.registry import EngineSpec, resolve
from faces.errors import FaceError, FaceErrorCode
from faces.types import Box, EngineInfo, ImageRGB
from kiosk.runtime.imaging import ImageLimits
from kiosk.runtime.workers import PoolBusy, PoolStatus, WorkerError, WorkerPool

logger = logging.getLogger(__name__)

_MEBIBYTE = 1024 * 1024


class FaceWorkers:
    """One face engine in worker processes. Every method raises FaceError: busy, or the code of what failed."""

    def __init__(self, spec: EngineSpec, reason: str, pool: WorkerPool, *, min_face: int) -> None:
        self.spec = spec
        self.reason = reason
        """Why this engine was chosen, for the log and the status page."""
        self.min_face = min_face
        self._pool = pool
        self._info: EngineInfo | None = None

    @property
    def info(self) -> EngineInfo:
        """Which engine runs; the first call starts a worker and waits for its models to load."""
        if self._info is None:
            self._info = self._run(analysis.describe)
        return self._info

    def largest_face(self, photo: bytes, *, meanwhile: Callable[[], None] | None = None) -> ProbeFace | None:
        """`meanwhile` is called while an engine looks at the photo."""
        found: ProbeFace | None = self._run(analysis.largest_face, photo, self.min_face, meanwhile=meanwhile)
        return found

    def largest_faces(self, photos: list[bytes]) -> list[ProbeFace | FaceError | None]:
        """largest_face() of each photo, several at once but never more than there are workers, errors as values."""
        results: list[ProbeFace | FaceError | None] = [None] * len(photos)
        waiting = iter(enumerate(photos))

        def work() -> None:
            while True:
                with lock:
                    turn = next(waiting, None)
                if turn is None:
                    return
                index, photo = turn
                try:
                    results[index] = self.largest_face(photo)
                except FaceError as error:
                    results[index] = error

        lock = threading.Lock()
        helpers = [threading.Thread(target=work) for _ in range(min(self._pool.workers, len(photos)) - 1)]
        for helper in helpers:
            helper.start()
        work()
        for helper in helpers:
            helper.join()
        return results

    def all_faces(self, photo: bytes, *, limit: int) -> list[ProbeFace]:
        faces: list[ProbeFace] = self._run(analysis.all_faces, photo, self.min_face, limit)
        return faces

    def faces_in_frame(self, pixels_rgb: ImageRGB, *, min_face: int, limit: int) -> list[FrameFace]:
        """The `limit` largest faces of a camera's frame; embedded and measured from `min_face` pixels on."""
        height, width = pixels_rgb.shape[:2]
        faces: list[FrameFace] = self._run(analysis.faces_in_frame, pixels_rgb.tobytes(), height, width, min_face, limit)
        return faces

    def examine(self, photo: bytes) -> Examination:
        examination: Examination = self._run(analysis.examine, photo, self.min_face)
        return examination

    def embed_again(self, photo: bytes) -> ProbeFace | None:
        found: ProbeFace | None = self._run(analysis.embed_again, photo)
        return found

    def face_crop(self, photo: bytes, box: Box, *, max_side: int) -> bytes:
        """A JPEG of the face in `box` of the photo with some margin, no side longer than `max_side` pixels."""
        jpeg: bytes = self._run(analysis.face_crop, photo, box, max_side)
        return jpeg

    def warm_up(self) -> None:
        """Loads the engine in every worker process."""
        self._pool.warm_up()

    def status(self) -> PoolStatus:
        return self._pool.status()

    def close(self, *, drain_seconds: float = 0.0) -> None:
        self._pool.close(drain_seconds=drain_seconds)

    def _run(self, function: Any, *args: Any, meanwhile: Callable[[], None] | None = None) -> Any:
        try:
            return self._pool.run_while(meanwhile, function, *args) if meanwhile else self._pool.run(function, *args)
        except AnalysisError as error:
            raise FaceError(error.code, error.detail) from None
        except PoolBusy:
            raise FaceError(FaceErrorCode.BUSY, "服务繁忙，请稍后重试") from None
        except WorkerError:
            raise FaceError(FaceErrorCode.DETECTION_FAILED, "识别进程意外中断，请重试") from None


_lock = threading.Lock()
_workers: FaceWorkers | None = None
_worker_count: int | None = None


def use_workers(count: int) -> None:
    """How many worker processes this process is to have, whatever KIOSK_ENGINE_WORKERS says; before the first face_workers()."""
    global _worker_count  # noqa: PLW0603 - one pool a process
    _worker_count = count


def face_workers() -> FaceWorkers:
    """The workers of this process, made at the first call. Raises EngineUnavailable where the chosen engine can't run."""
    global _workers  # noqa: PLW0603 - one pool a process
    with _lock:
        if _workers is None:
            _workers = _create()
        return _workers


def close_face_workers(*, drain_seconds: float = 0.0) -> None:
    """Ends the worker processes; the next face_workers() starts new ones."""
    global _workers
    with _lock:
        workers, _workers = _workers, None
    if workers is not None:
        workers.close(drain_seconds=drain_seconds)


def _create() -> FaceWorkers:
    environment = settings.KIOSK
    spec, reason = resolve(
        environment.face_engine,
        insightface_root=environment.insightface_root,
        pack=environment.insightface_pack,
        cache_dir=environment.model_dir,
    )
    logger.info("Face engine: %s (%s)", spec.name, reason)
    limits = ImageLimits(max_bytes=environment.image_mb * _MEBIBYTE, max_pixels=environment.image_megapixels * 1_000_000)
    pool = WorkerPool(
        "faces",
        workers=environment.worker_count if _worker_count is None else _worker_count,
        queue_limit=environment.engine_queue,
        timeout_seconds=environment.engine_seconds,
        prepare=analysis.prepare,
        prepare_args=(spec, limits),
    )
    return FaceWorkers(spec, reason, pool, min_face=environment.face_min_size)
