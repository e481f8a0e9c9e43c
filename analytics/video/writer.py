"""Writes H.264 in MP4 that every browser plays: yuv420p, even sides, the index at the front."""

from __future__ import annotations

import queue
import threading
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from analytics.video.pictures import ImageBGR, as_yuv

if TYPE_CHECKING:
    import av

MAX_SIDE_PX = 1920
"""Larger frames are reduced: what is looked at in a page is not evidence."""
CRF = "26"
PRESET = "superfast"
KEY_FRAME_SECONDS = 2
"""Seeking in a player goes by key frames."""
_WAITING_BYTES = 32 * 1024 * 1024
WAITING_FRAMES = (8, 32)
"""That wait for the encoder, at least and at most; then `write` waits. What is looked at takes its time now and then, and the
encoder should have something to do meanwhile."""
_MILLISECONDS = Fraction(1, 1000)


class VideoWriter:
    """One video being written, frame by frame. A thread of its own encodes while the next frame is looked at.

    As a context manager it completes the file, or deletes it if an exception ended the block. `threads` are the encoder's; 0 lets
    it choose. Raises OSError where the file can't be written: at once, at a later `write`, or at the end.
    """

    def __init__(self, path: Path, width: int, height: int, fps: float, *, threads: int = 0) -> None:
        import av

        scale = min(1.0, MAX_SIDE_PX / max(width, height))
        self._size = (max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2))
        self._path = path
        self._last_ms = -1
        self._frame_ms = max(1, round(1000 / fps))
        path.open("wb").close()  # fails here; FFmpeg would at the first frame
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream = self._container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = _MILLISECONDS
        self._stream.codec_context.thread_count = threads
        self._stream.options = {
            "preset": PRESET,
            "crf": CRF,
            "g": str(max(1, round(fps * KEY_FRAME_SECONDS))),
        }
        room = _WAITING_BYTES // (width * height * 3 // 2 + 1)
        self._waiting: queue.Queue[av.VideoFrame | None] = queue.Queue(min(WAITING_FRAMES[1], max(WAITING_FRAMES[0], room)))
        """None is the end."""
        self._given_up = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._encode_all, name="video-writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def write(self, image_bgr: ImageBGR, time_ms: int) -> None:
        """Adds a frame of the video's size; `time_ms` has to grow. Raises ValueError where it doesn't."""
        import av

        self.write_frame(av.VideoFrame.from_ndarray(image_bgr, format="bgr24"), time_ms)

    def write_frame(self, frame: av.VideoFrame, time_ms: int) -> None:
        """As `write`, of a frame that is left to the writer: no other thread may as much as look at it any more."""
        if time_ms <= self._last_ms:
            raise ValueError(f"a frame at {time_ms} ms can't come after one at {self._last_ms} ms")
        self._require_no_error()
        if self._last_ms < 0:
            self._take_colours(frame)
        self._last_ms = time_ms
        frame.pts, frame.time_base = time_ms, _MILLISECONDS
        frame.duration = self._frame_ms
        self._waiting.put(frame)

    def close(self) -> None:
        """Completes the file. Where that fails, deletes it."""
        try:
            self._end_thread()
            self._require_no_error()
            self._container.close()
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Gives up and deletes what is written."""
        import av

        self._given_up.set()
        self._end_thread()
        try:
            self._container.close()
        except (OSError, av.error.FFmpegError):
            pass  # it can't be completed, which is no news
        finally:
            self._path.unlink(missing_ok=True)

    def _require_no_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _take_colours(self, frame: av.VideoFrame) -> None:
        """Says of the video what its first frame says of itself, so that players show the same colours."""
        context = self._stream.codec_context
        context.colorspace, context.color_range = frame.colorspace, frame.color_range
        context.color_primaries, context.color_trc = frame.color_primaries, frame.color_trc

    def _end_thread(self) -> None:
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()

    def _encode_all(self) -> None:
        """Encodes what waits up to the end; after an error, only takes it from the queue, so that nobody waits for room."""
        ended = False
        while not ended:
            frame = self._waiting.get()
            ended = frame is None
            if self._error is None and not self._given_up.is_set():
                try:
                    self._encode(frame)
                except Exception as error:  # noqa: BLE001 - raised again where somebody waits
                    self._error = error

    def _encode(self, frame: av.VideoFrame | None) -> None:
        fitted: Any = None if frame is None else as_yuv(frame, *self._size)
        if frame is not None and fitted is not frame:
            fitted.pts, fitted.time_base, fitted.duration = frame.pts, _MILLISECONDS, self._frame_ms
        for packet in self._stream.encode(fitted):
            self._container.mux(packet)
