"""Pictures that come one after the other until the answer is clear: what /face_predict and face_train have in common."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from faces.errors import FaceError, FaceErrorCode


class Progress(StrEnum):
    """`message` of the answers (platform protocol)."""

    CONTINUE = "continue"
    SUCCESS = "success"
    FAIL = "fail"


class Attempts:
    """How many pictures a connection may still send.

    A picture that the server could not look at is not the client's fault: it is counted apart, so that an engine that is away
    costs no attempt, and yet nobody goes on for ever.
    """

    TROUBLES = frozenset(
        {
            FaceErrorCode.BUSY,
            FaceErrorCode.DETECTION_FAILED,
            FaceErrorCode.EMBEDDING_FAILED,
            FaceErrorCode.INDEX_UNAVAILABLE,
        }
    )

    def __init__(self, most: int) -> None:
        self._most = most
        self._judged = 0
        self._troubled = 0

    def count(self, error: FaceError | None) -> None:
        """Counts one picture, with the error that it ended with."""
        if error is not None and error.code in self.TROUBLES:
            self._troubled += 1
        else:
            self._judged += 1

    @property
    def exhausted(self) -> bool:
        return max(self._judged, self._troubled) >= self._most


@dataclass(frozen=True, slots=True)
class FrameAnswer:
    """What is said to one picture; `detail` says in Chinese why it is not the end yet, or why it failed."""

    progress: Progress
    detail: str = ""


OUT_OF_ATTEMPTS = "尝试次数过多，请稍后重试或到人工窗口办理"
