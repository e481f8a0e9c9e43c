"""What can go wrong in a visit, each with a stable code. Views and consumers turn the code into a body or a frame."""

from __future__ import annotations

from enum import StrEnum


class FlowErrorCode(StrEnum):
    """Stable codes of the conversation's errors."""

    WRONG_REQUEST = "wrong_request"
    """A field is missing, of the wrong type or not allowed (数据有误)."""
    NO_VISIT = "no_visit"
    """The hash is none, is unknown, or belongs to another user_id; which of these is not said (用户尚未握手)."""
    EXPIRED = "expired"
    """The hash was right and is too old, or the citizen ended the visit."""
    WRONG_ORDER = "wrong_order"
    """The visit is not there yet, or is past it (流程有误)."""
    TOO_LARGE = "too_large"
    BAD_AUDIO = "bad_audio"
    """The sound can't be read, or nothing is said in it."""
    SPEECH_UNAVAILABLE = "speech_unavailable"
    """No speech engine; the detail names the mend."""
    SPEECH_FAILED = "speech_failed"
    """The speech engine broke down or was interrupted; the same request may be sent again."""
    TAKEN = "taken"
    """The ID number is already stored for somebody else."""
    CONCURRENT = "concurrent"
    """The visit is being worked on, its audio is being listened to: ask again in a few seconds (当请求正在处理中)."""
    BUSY = "busy"
    """Too many visits or utterances at once (服务器繁忙)."""


class FlowError(Exception):
    """An error of the conversation; `detail` is its Chinese message for the person who asked, without personal data.

    `hash` is that of the visit where the client may not know it yet; else "".
    """

    def __init__(self, code: FlowErrorCode, detail: str, *, hash: str = "") -> None:  # noqa: A002 - the protocol's name
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.hash = hash
