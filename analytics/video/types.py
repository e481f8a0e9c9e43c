"""What the video modules pass around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.video.pictures import YUV, DecodedPicture, ImageBGR, Plane, part_bgr

if TYPE_CHECKING:
    import av

__all__ = ["Frame", "ImageBGR", "VideoInfo", "VideoLimits"]


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What is accepted. The defaults are generous; settings narrow them."""

    max_bytes: int = 2 * 1024**3
    max_seconds: float = 4 * 3600.0
    max_pixels: int = 4096 * 2304
    """Of one frame."""
    min_side_px: int = 32
    max_aspect: float = 8.0
    """Of the longer side to the shorter."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What the header and the first frame tell. Nothing of it but the size of the frames is certain."""

    width: int
    """Of the upright picture, pixels."""
    height: int
    fps: float
    """Nominal frames per second: the timestamps of a variable frame rate tell the truth frame by frame."""
    duration_ms: int | None
    """By the header, for progress; None where it does not say. A header may lie."""
    codec: str
    rotation_degrees: int
    """How the stored picture was turned clockwise to stand upright: 0, 90, 180 or 270."""
    container: str


class Frame:
    """One decoded frame. Its picture is converted when it is asked for, at most once."""

    __slots__ = ("_image", "_is_own", "_picture", "index", "time_ms")

    def __init__(self, index: int, time_ms: int, picture: DecodedPicture | ImageBGR) -> None:
        self.index = index
        """Of the frames that were delivered, from 0."""
        self.time_ms = time_ms
        """Since the first frame; always later than the frame before."""
        self._picture = picture
        self._image: ImageBGR | None = None if isinstance(picture, DecodedPicture) else picture
        self._is_own = False

    def __repr__(self) -> str:
        return f"Frame(index={self.index}, time_ms={self.time_ms})"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        if isinstance(self._picture, DecodedPicture):
            return self._picture.width, self._picture.height
        height, width = self._picture.shape[:2]
        return width, height

    def own_copy(self) -> Frame:
        """The same frame with a picture that nobody else has, so that another thread may look at it."""
        if not isinstance(self._picture, DecodedPicture):
            return self
        copy = Frame(self.index, self.time_ms, self._picture.own_copy())
        copy._is_own = True
        return copy

    @property
    def image_bgr(self) -> ImageBGR:
        """The upright picture. Nobody draws on it."""
        if self._image is None:
            assert isinstance(self._picture, DecodedPicture), "a picture is one or the other"
            self._image = self._picture.bgr()
        return self._image

    def reduced_bgr(self, width: int, height: int) -> ImageBGR:
        """The upright picture at a smaller size; made anew at each call."""
        if self._image is None and isinstance(self._picture, DecodedPicture):
            return self._picture.bgr(width, height)
        import cv2

        reduced = cv2.resize(self.image_bgr, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(reduced, np.uint8)

    def grey(self, width: int, height: int) -> Plane:
        """The upright picture's brightness at a smaller size; made anew at each call."""
        import cv2

        if isinstance(self._picture, DecodedPicture):
            return self._picture.grey(width, height)
        return np.asarray(cv2.cvtColor(self.reduced_bgr(width, height), cv2.COLOR_BGR2GRAY), np.uint8)

    def part_bgr(self, left: int, top: int, right: int, bottom: int) -> ImageBGR:
        """A part of the upright picture, in whole pixels inside of it, in memory of its own.

        Of a frame that is an own copy only the part is converted.
        """
        if self._image is None and self._is_own:
            assert isinstance(self._picture, DecodedPicture), "a picture is one or the other"
            return part_bgr(self._picture.frame, left, top, right, bottom)
        return self.image_bgr[top:bottom, left:right].copy()

    def yuv_copy(self) -> av.VideoFrame:
        """The upright picture in yuv420p, to be drawn on and written."""
        if isinstance(self._picture, DecodedPicture):
            return self._picture.yuv_copy()
        import av

        return av.VideoFrame.from_ndarray(self._picture, format="bgr24").reformat(format=YUV)
