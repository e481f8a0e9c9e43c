"""What can go wrong in this app, each with a stable code. Views turn the code into a status, a body or a frame."""

from __future__ import annotations

from enum import StrEnum


class FaceErrorCode(StrEnum):
    """Stable codes of the faces app's errors."""

    BAD_PHOTO = "bad_photo"
    ABNORMAL_PHOTO = "abnormal_photo"
    DETECTION_FAILED = "detection_failed"
    EMBEDDING_FAILED = "embedding_failed"
    BUSY = "busy"
    INDEX_UNAVAILABLE = "index_unavailable"
    REFUSED = "refused"
    NO_CONSENT = "no_consent"
    TOO_MANY_SAMPLES = "too_many_samples"
    WRONG_VALUE = "wrong_value"


class FaceError(Exception):
    """An error of the faces app; `str()` is its Chinese message for the person who asked."""

    def __init__(self, code: FaceErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
