"""Why a video can't be analysed: a stable code, and where in the video it happened."""

from __future__ import annotations

from enum import StrEnum


class VideoErrorCode(StrEnum):
    """What is wrong with a video."""

    NOT_A_VIDEO = "not_a_video"
    """No container that is read here, or one whose index is missing, so that nothing in it can be found."""
    NO_VIDEO_STREAM = "no_video_stream"
    """Sound only; a cover picture is no video."""
    UNSUPPORTED_CODEC = "unsupported_codec"
    NO_FRAMES = "no_frames"
    """A video stream of which not one frame can be decoded."""
    BAD_DIMENSIONS = "bad_dimensions"
    TOO_LARGE = "too_large"
    TOO_LONG = "too_long"


class VideoError(Exception):
    """A video that can't be read, or not further than `at_ms`."""

    def __init__(self, code: VideoErrorCode, message: str, *, at_ms: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.at_ms = at_ms
        """Time of the last frame that was read; None where none was."""
