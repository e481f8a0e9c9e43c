"""What can go wrong with a search, each with a stable code. The HTTP edge turns a code into a status."""

from __future__ import annotations

from enum import StrEnum


class SearchProblemCode(StrEnum):
    """Stable codes: `code` of the answers."""

    MALFORMED = "malformed"
    MISSING_IMAGE = "missing_image"
    BAD_IMAGE = "bad_image"
    ABNORMAL_IMAGE = "abnormal_image"
    IMAGE_TOO_LARGE = "image_too_large"
    NO_FACE = "no_face"
    FACE_TOO_SMALL = "face_too_small"
    MISSING_VECTOR = "missing_vector"
    BAD_VECTOR = "bad_vector"
    WRONG_ENGINE = "wrong_engine"
    MISSING_PLATE = "missing_plate"
    BAD_PLATE = "bad_plate"
    PLATE_TOO_SHORT = "plate_too_short"
    BAD_THRESHOLD = "bad_threshold"
    BAD_LIMIT = "bad_limit"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class SearchProblem(Exception):
    """A search that is refused or fails; `str()` is the message for the one who asked, and never repeats what was asked for."""

    def __init__(self, code: SearchProblemCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
