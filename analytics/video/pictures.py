"""Decoded pictures: planes of brightness and colour, turned and converted only where somebody looks.

H.264 in and H.264 out are both YUV. A picture that goes through as such costs a copy; through BGR and back it costs more than
looking for people in it does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import av
    from av.video.reformatter import VideoReformatter

ImageBGR: TypeAlias = npt.NDArray[np.uint8]
"""height x width x 3, uint8, BGR, upright (the container's rotation applied), C-contiguous."""

Plane: TypeAlias = npt.NDArray[np.uint8]
"""height x width, a view of the frame's own memory. Of colour, half as high and wide, rounded up."""

YUV = "yuv420p"
_PLANAR = frozenset({YUV, "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12"})
"""Formats whose first plane is brightness, one byte a pixel."""
_FULL_RANGE, _LIMITED_RANGE = 2, 1
"""FFmpeg's numbers: brightness from 0 to 255, or from 16 to 235 as every player expects it."""


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """A picture as the decoder gave it, and how it is to be shown."""

    frame: av.VideoFrame = field(repr=False)
    width: int
    """Of the upright picture; the decoder's may differ where a stream changes its size."""
    height: int
    quarter_turns: int = 0
    """Clockwise, to stand upright."""
    reducer: VideoReformatter | None = field(default=None, repr=False)
    """Of the thread that decodes, the same for all pictures of a video: each new one has to prepare its filters."""

    def bgr(self, width: int | None = None, height: int | None = None) -> ImageBGR:
        """The upright picture, reduced to `width` x `height` where they are given."""
        across, down = width or self.width, height or self.height
        if self.quarter_turns % 2:
            across, down = down, across
        wanted: Any = {"width": across, "height": down, "format": "bgr24", "interpolation": "AREA", "threads": 1}
        if self.reducer is not None and (across, down) != (self.frame.width, self.frame.height):
            converted = self.reducer.reformat(self.frame, **wanted)
        else:
            converted = self.frame.reformat(**wanted)
        image: ImageBGR = np.asarray(converted.to_ndarray(), np.uint8)
        return np.ascontiguousarray(np.rot90(image, -self.quarter_turns)) if self.quarter_turns else image

    def grey(self, width: int, height: int) -> Plane:
        """The brightness of the upright picture at a smaller size; whether of full or limited range, the decoder has said."""
        import cv2

        if self.frame.format.name not in _PLANAR:
            return np.asarray(cv2.cvtColor(self.bgr(width, height), cv2.COLOR_BGR2GRAY), np.uint8)
        across, down = (height, width) if self.quarter_turns % 2 else (width, height)
        reduced = np.asarray(cv2.resize(_plane(self.frame, 0), (across, down), interpolation=cv2.INTER_AREA), np.uint8)
        return np.ascontiguousarray(np.rot90(reduced, -self.quarter_turns)) if self.quarter_turns else reduced

    def own_copy(self) -> DecodedPicture:
        """The upright picture in memory of its own, for another thread: FFmpeg's converters belong to a frame."""
        return DecodedPicture(self.yuv_copy(), self.width, self.height)

    def yuv_copy(self) -> av.VideoFrame:
        """The upright picture in yuv420p of limited range, to be drawn on."""
        across, down = self.width, self.height
        if self.quarter_turns % 2:
            across, down = down, across
        return _turned_copy(as_yuv(self.frame, across, down), self.quarter_turns)


def as_yuv(frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    """The frame in yuv420p of limited range and of this size; the same object where it is that already."""
    full = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
    if frame.format.name == YUV and not full and (frame.width, frame.height) == (width, height):
        return frame
    converted = frame.reformat(
        width=width,
        height=height,
        format=YUV,
        src_color_range=_FULL_RANGE if full else None,
        dst_color_range=_LIMITED_RANGE if full else None,
        interpolation="AREA",
        threads=1,
    )
    converted.color_range = _LIMITED_RANGE
    return converted


def planes(frame: av.VideoFrame) -> tuple[Plane, Plane, Plane]:
    """Brightness and the two colours of a yuv420p frame."""
    brightness, blue, red = (_plane(frame, number) for number in range(3))
    return brightness, blue, red


def part_bgr(frame: av.VideoFrame, left: int, top: int, right: int, bottom: int) -> ImageBGR:
    """A part of a yuv420p frame, in whole pixels inside of it, converted as the whole would be."""
    import av

    # Colours have half the pixels: the part begins with one of theirs.
    x, y = left // 2 * 2, top // 2 * 2
    part = av.VideoFrame(right - x, bottom - y, YUV)
    for number, (target, source) in enumerate(zip(planes(part), planes(frame), strict=True)):
        px, py = (x, y) if number == 0 else (x // 2, y // 2)
        target[:] = source[py : py + target.shape[0], px : px + target.shape[1]]
    _say_colours(part, frame)
    image: ImageBGR = np.asarray(part.to_ndarray(format="bgr24", interpolation="AREA", threads=1), np.uint8)
    return np.ascontiguousarray(image[top - y :, left - x :])


def _plane(frame: av.VideoFrame, number: int) -> Plane:
    plane = frame.planes[number]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]


def _turned_copy(frame: av.VideoFrame, quarter_turns: int) -> av.VideoFrame:
    import av

    size = (frame.height, frame.width) if quarter_turns % 2 else (frame.width, frame.height)
    copy = av.VideoFrame(*size, YUV)
    source: Any
    for target, source in zip(planes(copy), planes(frame), strict=True):
        target[:] = np.rot90(source, -quarter_turns) if quarter_turns else source
    _say_colours(copy, frame)
    return copy


def _say_colours(copy: av.VideoFrame, frame: av.VideoFrame) -> None:
    copy.colorspace, copy.color_range = frame.colorspace, frame.color_range
    copy.color_primaries, copy.color_trc = frame.color_primaries, frame.color_trc
