"""Pictures that arrive as base64 text in JSON: /recognize 5.0 (statusCodes 401 and 403) and the Face Handle API.

Strict: what is not base64 is refused with Python's own words, which /recognize hands on ("base64 解码失败: Incorrect padding").
"""

from __future__ import annotations

import binascii

import pybase64

WHITESPACE = b" \t\r\n\f\v"
MAX_PREFIX_CHARACTERS = 1024
NOT_BASE64 = "Only base64 data is allowed"


class PayloadError(Exception):
    """A value that should hold a picture does not; the message never repeats the value."""


class PayloadMissing(PayloadError):
    """There is no picture: null, not a string, or nothing but blanks (statusCode 403)."""


class PayloadNotBase64(PayloadError):
    """The text is not base64 (statusCode 401); `reason` is Python's own message."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PayloadTooLarge(PayloadError):
    """The picture has more than `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self.max_bytes = max_bytes

    def __str__(self) -> str:
        return f"more than {self.max_bytes} bytes"


def decode_base64_image(value: object, *, max_bytes: int) -> bytes:
    """The bytes of a base64 string, with or without a data URL's prefix, with or without line breaks.

    Raises PayloadMissing, PayloadNotBase64 or PayloadTooLarge; the size is checked before anything is decoded. Whether the bytes
    are a picture is for `decode_image` to say.
    """
    if not isinstance(value, str):
        raise PayloadMissing("not a string")
    body = _without_prefix(value)
    if not body or body.isspace():
        raise PayloadMissing("no data")
    if _too_long(body, max_bytes):
        raise PayloadTooLarge(max_bytes)
    data = _decoded(body)
    if len(data) > max_bytes:
        raise PayloadTooLarge(max_bytes)
    return data


def _without_prefix(value: str) -> str:
    """What follows `data:image/…;base64,`; the value itself where there is no such prefix, without a copy."""
    start = value[:MAX_PREFIX_CHARACTERS].lstrip()
    if start[:5].lower() != "data:":
        return value
    prefix, comma, _ = start.partition(",")
    if not comma or not prefix.rstrip().lower().endswith(";base64"):
        raise PayloadNotBase64(NOT_BASE64)
    return value[value.index(",") + 1 :]


def _too_long(body: str, max_bytes: int) -> bool:
    allowed = (max_bytes + 2) // 3 * 4
    return len(body) > allowed and len(body) - sum(body.count(chr(blank)) for blank in WHITESPACE) > allowed


def _decoded(body: str) -> bytes:
    """Tries the text as it is, fast and without a copy; the strict reader finds the words for what is wrong, or line breaks."""
    try:
        return pybase64.b64decode(body, validate=True)
    except ValueError:
        pass
    try:
        return binascii.a2b_base64(body, strict_mode=True)
    except ValueError as error:
        first = error
    try:
        compact = body.encode("ascii").translate(None, WHITESPACE)
    except UnicodeEncodeError:
        raise PayloadNotBase64(NOT_BASE64) from first
    if len(compact) == len(body):
        raise PayloadNotBase64(str(first)) from first
    try:
        return binascii.a2b_base64(compact, strict_mode=True)
    except binascii.Error as error:
        raise PayloadNotBase64(str(error)) from error
