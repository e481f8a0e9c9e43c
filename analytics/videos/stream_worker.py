"""What runs in the server's own worker processes for videos: probing an upload, and analysing one while it is being answered.

No Django here: these processes start quickly and stay small. A stream is analysed by a thread that waits whenever the client is
slower than the work, and that stops at the next frame when it is told to.
"""

from __future__ import annotations

import base64
import queue
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from analytics.engines.base import DetectionFailed, Detector, DetectorUnavailable
from analytics.engines.registry import DetectorSpec, create_detector
from analytics.pipeline import AnalysisCancelled, Hooks, Report, Step, analyse
from analytics.video.errors import VideoError
from analytics.video.types import VideoInfo, VideoLimits
from analytics.videos.errors import ProblemCode, VideoProblem

_AHEAD = 2
"""Objects that wait for a slow client."""
_FIRST_WAIT_SECONDS = 10.0
_JPEG_QUALITY = 80
_MAX_SIDE_PX = 1280


@dataclass(frozen=True, slots=True)
class Piece:
    """What a stream sends next."""

    line: bytes = field(default=b"", repr=False)
    """One JSON object and a newline; empty where there is none yet."""
    is_last: bool = False
    problem: VideoProblem | None = None
    """What the line says, where it is an error."""


class _Stream:
    """One video under analysis, in a thread of its own."""

    def __init__(self, path: Path, interval_ms: int, detector: Detector, limits: VideoLimits, threads: int) -> None:
        self._pieces: queue.Queue[Piece] = queue.Queue(_AHEAD)
        self._stop = threading.Event()
        self._work: Callable[[], None] = lambda: self._run(path, interval_ms, detector, limits, threads)
        self._thread = threading.Thread(target=self._work, name="video-stream", daemon=True)
        self._thread.start()

    def next(self, wait_seconds: float) -> Piece:
        try:
            return self._pieces.get(timeout=wait_seconds)
        except queue.Empty:
            return Piece()

    def stop(self) -> None:
        """Returns when the thread has ended and the file is closed."""
        self._stop.set()
        while self._thread.is_alive():
            # Lets go of a thread that waits for room.
            self.next(0.05)
        self._thread.join()

    def _run(self, path: Path, interval_ms: int, detector: Detector, limits: VideoLimits, threads: int) -> None:
        try:
            steps = analyse(
                path,
                interval_ms=interval_ms,
                detector=detector,
                hooks=Hooks(cancelled=self._stop.is_set),
                limits=limits,
                threads=threads,
            )
            broken_at_ms = self._send_all(steps)
            line = b"" if broken_at_ms is None else orjson.dumps({"broken_at_ms": broken_at_ms}) + b"\n"
            self._put(Piece(line, is_last=True))
        except AnalysisCancelled:
            return
        except VideoError as error:
            self._put(_failure(ProblemCode(error.code), error.at_ms))
        except DetectionFailed:
            self._put(_failure(ProblemCode.DETECTION_FAILED))
        except Exception:  # noqa: BLE001 - the edge of the thread: whoever waits must hear that it is over
            self._put(_failure(ProblemCode.INTERNAL))

    def _send_all(self, steps: Generator[Step, None, Report]) -> int | None:
        """Returns where the video is damaged."""
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                report: Report = end.value
                return report.broken_at_ms
            self._put(Piece(_line_of(step)))

    def _put(self, piece: Piece) -> None:
        while not self._stop.is_set():
            try:
                self._pieces.put(piece, timeout=0.2)
            except queue.Full:
                continue
            return
        raise AnalysisCancelled


_detector: Detector | None = None
_unavailable = ""
_limits = VideoLimits()
_threads = 0
_stream: _Stream | None = None
_first: Piece | None = None
"""The stream's first object, until it is asked for."""


def prepare(detector: DetectorSpec | None, limits: VideoLimits, threads: int) -> None:
    """Loads this process's detector, where it needs one, and the libraries that decode and encode."""
    global _detector, _limits, _threads, _unavailable  # noqa: PLW0603 - a worker process has one of each, given to it at its start
    import av  # noqa: F401 - the first request must not wait for it
    import cv2  # noqa: F401

    _limits, _threads = limits, threads
    if detector is None:
        return
    try:
        _detector = create_detector(detector)
    except DetectorUnavailable as error:
        _unavailable = str(error)


def probe(path: str) -> VideoInfo:
    """What a video is by its header and first frame. Raises VideoProblem."""
    from analytics.video.reader import probe as look

    try:
        return look(Path(path), _limits)
    except VideoError as error:
        raise VideoProblem(ProblemCode(error.code), at_ms=error.at_ms) from None


def start(path: str, interval_ms: int) -> None:
    """Begins with a video; returns when its first object is there. Raises VideoProblem where it can't be read at all."""
    global _first, _stream  # noqa: PLW0603 - one stream at a time in a process
    stop()
    if _detector is None:
        raise VideoProblem(ProblemCode.DETECTION_FAILED, _unavailable)
    _stream = _Stream(Path(path), interval_ms, _detector, _limits, _threads)
    while not ((first := _stream.next(_FIRST_WAIT_SECONDS)).line or first.is_last):
        pass
    if first.problem is not None:
        stop()
        raise first.problem
    _first = first


def next_piece(wait_seconds: float) -> Piece:
    """The next object, waited for at most so long."""
    global _first
    first, _first = _first, None
    if first is not None:
        return first
    return Piece(is_last=True) if _stream is None else _stream.next(wait_seconds)


def stop() -> None:
    """Ends the stream under way, whether or not it was at its end."""
    global _first, _stream  # noqa: PLW0603
    _first = None
    ended, _stream = _stream, None
    if ended is not None:
        ended.stop()


def _line_of(step: Step) -> bytes:
    """The object of /video-streaming for one step (protocol 003, 2), with `time` and the sample code's `timestamp`."""
    body = {
        "frame_base64": "data:image/jpeg;base64," + base64.b64encode(_jpeg(step)).decode("ascii"),
        "people_count": step.now.people,
        "vehicle_count": step.now.vehicles,
        "pedestrians_per_interval": step.passed.people,
        "vehicles_per_interval": step.passed.vehicles,
        "time": step.time_ms,
        "timestamp": step.time_ms,
    }
    return orjson.dumps(body) + b"\n"


def _jpeg(step: Step) -> bytes:
    import cv2

    image = step.image_bgr
    scale = _MAX_SIDE_PX / max(image.shape[:2])
    shown = image if scale >= 1 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _ok, jpeg = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return jpeg.tobytes()


def _failure(code: ProblemCode, at_ms: int | None = None) -> Piece:
    """The last object of a stream that can't go on."""
    problem = VideoProblem(code, at_ms=at_ms)
    body = {"error": str(problem), "code": code} | ({} if at_ms is None else {"time": at_ms, "timestamp": at_ms})
    return Piece(orjson.dumps(body) + b"\n", is_last=True, problem=problem)
