"""One thread a device: decodes its pictures as they come, and keeps the newest alone.

Whoever looks at pictures takes the newest when it has time for one; what came in between is dropped, so that nobody ever looks at
the past. A decoder that can't keep up leaves frames out until it has (`_Delay`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from analytics.cameras.pauses import pause_seconds
from analytics.cameras.sources import Kind, Problem, Source, SourceError

if TYPE_CHECKING:
    import av

logger = logging.getLogger(__name__)

_STILL_SECONDS: Final = 1.0
"""How often a camera that gives single pictures is asked for one."""
_HEALTHY_SECONDS: Final = 10.0
"""After so long without an error, the next one is the first again."""
_BAD_PACKETS: Final = 100
"""So many in a row that can't be decoded are no stream."""
_LATE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class CameraFrame:
    """One decoded picture."""

    number: int
    """Grows over the whole life of the reader."""
    round: int
    """How often a file has begun anew."""
    at: datetime
    """When it came, aware."""
    seconds: float
    """The same on the monotonic clock."""
    picture: Any = field(repr=False)
    """av.VideoFrame."""

    def pixels_rgb(self, max_side: int) -> npt.NDArray[np.uint8]:
        """Height x width x 3, uint8, RGB, reduced so that no side is longer than `max_side`."""
        width, height = self.picture.width, self.picture.height
        share = min(1.0, max_side / max(width, height))
        # A converter of its own: the frame's is not made for two threads, and a snapshot may be made of the same frame.
        from av.video.reformatter import VideoReformatter

        small = VideoReformatter().reformat(
            self.picture, max(1, round(width * share)), max(1, round(height * share)), format="rgb24"
        )
        return np.ascontiguousarray(small.to_ndarray())


class CameraReader:
    """Reads one source until `stop`. `on_frame` is called, on the reader's thread, whenever there is a new picture."""

    def __init__(self, name: str, source: Source, on_frame: Callable[[], None]) -> None:
        self._source = source
        self._on_frame = on_frame
        self._stopping = threading.Event()
        self._latest: CameraFrame | None = None
        self._number = 0
        self._round = 0
        self._failures = 0
        self.problem: Problem | None = None
        """Why there are no pictures now; None while there are, and before the first try has ended."""
        self._thread = threading.Thread(target=self._run, name=f"camera-{name}", daemon=True)

    @property
    def latest(self) -> CameraFrame | None:
        """The newest picture of all; it may be old where the camera is broken."""
        return self._latest

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Asks it to end, which it does within the time that a read may take."""
        self._stopping.set()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._read_once()
                self._failures = 0
                pause = _STILL_SECONDS if self._source.kind is Kind.STILLS else 0.0
            except SourceError as error:
                if time.monotonic() - began > _HEALTHY_SECONDS:
                    self._failures = 0
                self._failures += 1
                self.problem = error.problem
                pause = pause_seconds(self._failures)
            except Exception:
                # The edge of the thread: a bug must not end a camera for good.
                logger.exception("A camera's reader failed")
                self._failures += 1
                self.problem = Problem.FAILED
                pause = pause_seconds(self._failures)
            self._stopping.wait(pause)

    def _read_once(self) -> None:
        """Reads until the end. Raises SourceError; returns at the end of a file, after a single picture, and when stopped."""
        with self._source.open() as container:
            if self._source.kind is Kind.FILE:
                self._play(container)
                self._round += 1
                return
            delay = _Delay(container.streams.video[0])
            for picture in self._decoded(container):
                delay.note(picture)
                self._keep(picture)
                if self._stopping.is_set() or self._source.kind is Kind.STILLS:
                    return
        raise SourceError(Problem.ENDED)

    def _play(self, container: Any) -> None:
        """A file at the speed at which it was recorded."""
        began: float | None = None
        shown = 0
        for picture in self._decoded(container):
            if self._stopping.is_set():
                return
            place = picture.time if picture.time is not None else shown / 25
            shown += 1
            now = time.monotonic()
            if began is None or now - began - place > _LATE_SECONDS:
                began = now - place
            if self._stopping.wait(max(0.0, began + place - now)):
                return
            self._keep(picture)
        if not shown:
            raise SourceError(Problem.UNREADABLE)

    def _decoded(self, container: Any) -> Any:
        """The frames of the first video stream; single packets that can't be decoded are left out."""
        import av

        stream = container.streams.video[0]
        bad = 0
        for packet in container.demux(stream):
            try:
                pictures = packet.decode()
            except av.InvalidDataError:
                bad += 1
                if bad > _BAD_PACKETS:
                    raise
                continue
            for picture in pictures:
                bad = 0
                yield picture

    def _keep(self, picture: av.VideoFrame) -> None:
        self._number += 1
        self._latest = CameraFrame(self._number, self._round, datetime.now(UTC), time.monotonic(), picture)
        if self.problem is not None:
            self.problem = None
        self._on_frame()


class _Delay:
    """How far decoding is behind a live stream, by the stream's own clock; beyond a second, only key frames are decoded.

    The clock of a camera runs a little faster or slower than ours: what counts is the delay beyond the least one seen, which is
    allowed to grow by a thousandth.
    """

    _BEHIND, _CAUGHT_UP, _DRIFT = 1.0, 0.2, 0.001

    def __init__(self, stream: Any) -> None:
        self._context = stream.codec_context
        self._least: float | None = None
        self._noted = 0.0
        self._skipping = False

    def note(self, picture: Any) -> None:
        """Takes a decoded av.VideoFrame; some come without a time, whatever PyAV says."""
        if picture.time is None:
            return
        now = time.monotonic()
        offset = now - picture.time
        if self._least is None or abs(offset - self._least) > 60:  # noqa: PLR2004 - its clock was set
            self._least = offset
        else:
            self._least = min(offset, self._least + (now - self._noted) * self._DRIFT)
        self._noted = now
        behind = offset - self._least
        skip = behind > (self._CAUGHT_UP if self._skipping else self._BEHIND)
        if skip != self._skipping:
            self._skipping = skip
            self._context.skip_frame = "NONKEY" if self._skipping else "DEFAULT"
