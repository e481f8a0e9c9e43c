"""What a client says, by text, before anything understands it: text of a bounded length without control characters."""

from __future__ import annotations

import unicodedata

from flows.dialogue.errors import FlowError, FlowErrorCode

MOST_CHARACTERS = 2000
"""Of one utterance: some ten minutes of speech. What is longer is nothing anybody says at a kiosk."""


def clean_text(value: object) -> str:
    """The text, normalised, its control characters turned into blanks (PostgreSQL stores no NUL). Raises FlowError."""
    if not isinstance(value, str):
        raise FlowError(FlowErrorCode.WRONG_REQUEST, "文字应为字符串")
    if len(value) > MOST_CHARACTERS:
        raise FlowError(FlowErrorCode.TOO_LARGE, f"文字过长，最多 {MOST_CHARACTERS} 个字")
    if any(0xD800 <= ord(char) <= 0xDFFF for char in value):  # noqa: PLR2004 - surrogates, which are no characters
        raise FlowError(FlowErrorCode.WRONG_REQUEST, "文字不是有效的 Unicode")
    blanked = "".join(" " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char for char in value)
    return " ".join(blanked.split())
