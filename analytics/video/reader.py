"""Decodes any video once, frame by frame, in bounded memory, and says where it broke.

What uploads are like, and what is made of it:

- The header is a claim. Length and frame rate are checked against what is decoded.
- Timestamps may be missing, repeated or run backwards: such a frame is placed one nominal frame after the one before.
- A variable frame rate needs nothing: every frame has its time.
- A phone's rotation is applied; a change of size in the middle is scaled to the first frame's.
- Damage in the middle: frames are left out until the decoder can start anew at a key frame, and `broken_at_ms` says where it
  began. Guessed pixels would be counted as something that moves.
- Playlists, picture sequences and other formats that make FFmpeg open further files are refused: an upload must not name
  files or addresses to be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from analytics.video.endings import is_cut_off
from analytics.video.errors import VideoError, VideoErrorCode
from analytics.video.pictures import DecodedPicture
from analytics.video.types import Frame, VideoInfo, VideoLimits

if TYPE_CHECKING:
    import av
    import av.container

FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,h264,hevc,m4v,ivf,obu,dhav"
"""FFmpeg's names of the containers that are read: files, streams as cameras write them, no playlists."""

FALLBACK_FPS = 25.0
FPS_RANGE = (1.0, 240.0)
"""A nominal rate outside says that the header is wrong."""
KEY_FRAME_WAIT_MS = 10_000
"""After damage, the longest wait for a key frame; some cameras send none for minutes."""
MISSING_SHARE = 0.02
"""Of the announced length, what may be missing at the end before the video counts as cut off."""
MISSING_MS = 500

Source = Path | BinaryIO
"""A file, or an open one that can be read and sought. It is not closed."""


def probe(source: Source, limits: VideoLimits | None = None) -> VideoInfo:
    """What the video is, by its header and first frame. Raises VideoError as VideoReader does."""
    with VideoReader(source, limits) as reader:
        return reader.info


class VideoReader:
    """The frames of one video, to be iterated once.

    Raises VideoError where the video can't be read at all (see VideoErrorCode), and while it is iterated with TOO_LONG where it
    is longer than its header said and than the limits allow. Damage in the middle does not raise: `broken_at_ms` tells of it.
    `threads` are the decoder's; 0 is one a core. Close it, or use it as a context manager.
    """

    def __init__(self, source: Source, limits: VideoLimits | None = None, *, threads: int = 0) -> None:
        from av.video.reformatter import VideoReformatter

        self._limits = limits or VideoLimits()
        self._reducer = VideoReformatter()
        self.broken_at_ms: int | None = None
        """Time of the last good frame before the first damage; None while there is none."""
        self._last_ms: int | None = None
        self._clock_ms = 0.0
        """The same, not rounded: a third of a millisecond a frame is a second in half an hour."""
        self._skip_until_ms: int | None = None
        self._packets = 0
        self._ends_corrupt = False
        _require_size(source, self._limits)
        self._source = source
        self._container = _open(source)
        try:
            self._stream = _video_stream(self._container)
            self._frame_ms = 1000 / _nominal_fps(self._stream)
            self._prepare_decoder(threads)
            self._decoded = self._decode()
            self._first = next(self._decoded, None)
            self.info = self._describe(self._first)
            _require_dimensions(self.info.width, self.info.height, self._limits)
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        """The frames in the order of their times. The container is closed with the iterator."""
        first, self._first = self._first, None
        if first is None:
            raise RuntimeError("a VideoReader is iterated once")
        origin_ms = _time_ms(first)
        index = 0
        try:
            for frame in _chain(first, self._decoded):
                time_ms = self._place(frame, origin_ms)
                if time_ms > self._limits.max_seconds * 1000:
                    raise VideoError(
                        VideoErrorCode.TOO_LONG, f"longer than {self._limits.max_seconds:g} seconds", at_ms=self._last_ms
                    )
                self._last_ms = time_ms
                picture = DecodedPicture(frame, self.info.width, self.info.height, self._turns, self._reducer)
                yield Frame(index, time_ms, picture)
                index += 1
            self._check_end()
        finally:
            self.close()

    def close(self) -> None:
        """Ends decoding; may be called twice."""
        self._container.close()

    def _prepare_decoder(self, threads: int) -> None:
        context = self._stream.codec_context
        if context is None:
            raise VideoError(VideoErrorCode.UNSUPPORTED_CODEC, "there is no decoder for the video stream")
        if context.width and context.height:
            _require_dimensions(context.width, context.height, self._limits)
        duration_ms = self._announced_ms()
        if duration_ms is not None and duration_ms > self._limits.max_seconds * 1000:
            raise VideoError(VideoErrorCode.TOO_LONG, f"{duration_ms / 1000:.0f} seconds; at most {self._limits.max_seconds:g}")
        context.options = {"max_pixels": str(self._limits.max_pixels)}
        context.thread_type = "AUTO"
        context.thread_count = threads

    def _announced_ms(self) -> int | None:
        """The length by the header, in milliseconds."""
        stream, container = self._stream, self._container
        by_count = stream.frames * self._frame_ms if stream.frames else 0
        by_stream = float(stream.duration * stream.time_base) * 1000 if stream.duration and stream.time_base else 0
        alone = len(container.streams) == 1
        by_container = container.duration / 1000 if container.duration and (alone or not by_stream) else 0
        # The largest: broken timestamps make 0.1 seconds of a minute, but nothing makes a minute of 0.1 seconds.
        longest = max(by_count if not by_stream or by_stream < by_count / 2 else 0, by_stream, by_container)
        return round(longest) or None

    def _describe(self, first: av.VideoFrame | None) -> VideoInfo:
        if first is None:
            raise VideoError(VideoErrorCode.NO_FRAMES, "not one frame of the video can be decoded")
        self._turns = _quarter_turns(first)
        width, height = first.width, first.height
        if self._turns % 2:
            width, height = height, width
        return VideoInfo(
            width=width,
            height=height,
            fps=round(1000 / self._frame_ms, 3),
            duration_ms=self._announced_ms(),
            codec=self._stream.codec_context.name,
            rotation_degrees=self._turns * 90,
            container=self._container.format.name,
        )

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Frames without damage; notes where damage is."""
        import av

        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                if packet.size:
                    self._packets += not packet.is_corrupt
                    self._ends_corrupt = packet.is_corrupt
                frames = packet.decode()
            except av.error.FFmpegError:
                # The demuxer goes on after a bad packet; one that fails without progress ends the loop by StopIteration.
                self._note_damage()
                continue
            for frame in frames:
                if not isinstance(frame, av.VideoFrame) or not frame.width:
                    continue
                if frame.is_corrupt:
                    self._note_damage()
                if self._is_usable(frame):
                    yield frame

    def _note_damage(self) -> None:
        last_ms = self._last_ms or 0
        self._skip_until_ms = last_ms + KEY_FRAME_WAIT_MS
        if self.broken_at_ms is None:
            self.broken_at_ms = last_ms

    def _is_usable(self, frame: av.VideoFrame) -> bool:
        """Whether the frame shows what was filmed: after damage, from the next key frame on."""
        if self._skip_until_ms is None:
            return True
        if (frame.key_frame and not frame.is_corrupt) or (_time_ms(frame) or 0) > self._skip_until_ms:
            self._skip_until_ms = None
            return True
        return False

    def _place(self, frame: av.VideoFrame, origin_ms: float | None) -> int:
        """The frame's time since the first one, after the one before."""
        if self._last_ms is None:
            return 0
        time_ms = _time_ms(frame)
        if time_ms is not None and origin_ms is not None and round(time_ms - origin_ms) > self._last_ms:
            self._clock_ms = time_ms - origin_ms
        else:
            self._clock_ms += self._frame_ms
        return max(self._last_ms + 1, round(self._clock_ms))

    def _check_end(self) -> None:
        """Notes a file that was cut off: its header promised more, or its last element goes on behind its end."""
        promised = self._stream.frames
        if self.broken_at_ms is not None or 0 < promised <= self._packets:
            return
        if self._ends_corrupt or self._is_short(promised) or is_cut_off(self._source, self._container.format.name):
            self.broken_at_ms = self._last_ms

    def _is_short(self, promised: int) -> bool:
        """Whether more is missing than a header's rounding, where it announced a length or `promised` frames."""
        announced_ms, ended_ms = self._announced_ms(), (self._last_ms or 0) + self._frame_ms
        if announced_ms is None:
            return False
        enough = self._packets >= promised * (1 - MISSING_SHARE) - 1 if promised else len(self._container.streams) > 1
        return not enough and ended_ms < announced_ms - max(MISSING_MS, announced_ms * MISSING_SHARE)


def _require_size(source: Source, limits: VideoLimits) -> None:
    if isinstance(source, Path):
        size = source.stat().st_size
    else:
        size = source.seek(0, 2)
        source.seek(0)
    if size > limits.max_bytes:
        raise VideoError(VideoErrorCode.TOO_LARGE, f"{size} bytes; {limits.max_bytes} are allowed")
    if size == 0:
        raise VideoError(VideoErrorCode.NOT_A_VIDEO, "the file is empty")


def _open(source: Source) -> av.container.InputContainer:
    import av

    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    file = str(source.resolve()) if isinstance(source, Path) else source
    try:
        return av.open(file, mode="r", container_options=options)
    except av.error.FFmpegError as error:
        raise VideoError(VideoErrorCode.NOT_A_VIDEO, f"not a video that can be read: {error.strerror}") from error


def _video_stream(container: av.container.InputContainer) -> Any:
    import av

    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    raise VideoError(VideoErrorCode.NO_VIDEO_STREAM, "the file has no video stream")


def _nominal_fps(stream: Any) -> float:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and FPS_RANGE[0] <= float(rate) <= FPS_RANGE[1]:
            return float(rate)
    return FALLBACK_FPS


def _require_dimensions(width: int, height: int, limits: VideoLimits) -> None:
    short, long = sorted((width, height))
    if short < limits.min_side_px or long > short * limits.max_aspect or width * height > limits.max_pixels:
        raise VideoError(
            VideoErrorCode.BAD_DIMENSIONS,
            f"{width} x {height} pixels; at least {limits.min_side_px} a side, at most {limits.max_pixels} in all and"
            f" {limits.max_aspect:g} times as long as wide are allowed",
        )


def _time_ms(frame: av.VideoFrame) -> float | None:
    return None if frame.pts is None or frame.time is None else frame.time * 1000


def _quarter_turns(frame: av.VideoFrame) -> int:
    """How often to turn the stored picture clockwise; FFmpeg gives the angle counterclockwise."""
    return round(-frame.rotation / 90) % 4


def _chain(first: av.VideoFrame, rest: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    yield first
    yield from rest
