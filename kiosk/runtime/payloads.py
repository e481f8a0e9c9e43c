"""Pictures that arrive as base64 text in JSON: /recognize 5.0 (statusCodes 401 and 403) and the Face Handle API.

Strict: what is not base64 is refused with Python's own words, which /recognize hands on ("base64 解码失败: Incorrect padding").
"""

from __future__ import annotations

import binascii
import os
import re
from collections.abc import Collection
from typing import Any

import orjson
import pybase64

WHITESPACE = b" \t\r\n\f\v"
MAX_PREFIX_CHARACTERS = 1024
NOT_BASE64 = "Only base64 data is allowed"

_LARGE_CHARACTERS = 64 * 1024
_MOST_QUOTES = 512
"""So many quotation marks are looked at: of a body with more, the rest is read as any other."""
_IMAGE_PREFIX = re.compile(rb"data:image/[a-zA-Z.+-]{1,40};base64,")


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


def load_json(body: bytes, picture_keys: Collection[str] = ()) -> Any:
    """As orjson.loads, but large base64 texts that are the value of one of `picture_keys`, or in a list that is, are bytes.

    A photo never becomes text, which takes as long as all the rest of reading a request. What is not strict base64 stays
    text, for decode_base64_image to say what is wrong with it. Raises orjson.JSONDecodeError.
    """
    if not picture_keys or len(body) < _LARGE_CHARACTERS:
        return orjson.loads(body)
    marks, rest = _cut_out(body)
    value = orjson.loads(rest)
    if isinstance(value, dict):
        for key in picture_keys:
            if key in value:
                value[key] = _put_back(value[key], marks)
    # One that stands where no picture is asked for is the text that it was.
    return orjson.loads(body) if marks else value


def _cut_out(body: bytes) -> tuple[dict[str, bytes], bytes]:
    """What the large base64 texts decode to, by the mark that takes the place of each in the body.

    Between two quotation marks, nothing but a whole string can be strict base64: what stands outside of strings has a comma,
    colon or bracket in it, what has a quotation mark in itself has a backslash before it.
    """
    view = memoryview(body)
    marks: dict[str, bytes] = {}
    # Nobody can guess it, and so send it.
    secret = os.urandom(8).hex()
    pieces: list[bytes | memoryview] = []
    copied = 0
    start = body.find(b'"') + 1
    for _ in range(_MOST_QUOTES):
        end = body.find(b'"', start) if start else -1
        if end < 0:
            break
        if end - start >= _LARGE_CHARACTERS:
            prefix = _IMAGE_PREFIX.match(body, start)
            try:
                picture = pybase64.b64decode(view[prefix.end() if prefix else start : end], validate=True)
            except ValueError:
                pass
            else:
                mark = f"{secret} {len(marks)}"
                marks[mark] = picture
                pieces += [view[copied:start], mark.encode()]
                copied = end
                end = body.find(b'"', end + 1)
        start = end + 1
    return marks, b"".join([*pieces, view[copied:]]) if marks else body


def _put_back(value: Any, marks: dict[str, bytes]) -> Any:
    """The value with the pictures that its marks stand for, which are taken out of `marks`."""
    if isinstance(value, str):
        return marks.pop(value, value)
    if isinstance(value, list):
        return [marks.pop(item, item) if isinstance(item, str) else item for item in value]
    return value


def decode_base64_image(value: object, *, max_bytes: int) -> bytes:
    """The bytes of a base64 string, with or without a data URL's prefix, with or without line breaks.

    What load_json has decoded already is taken as it is. Raises PayloadMissing, PayloadNotBase64 or PayloadTooLarge; the size
    of a text is checked before it is decoded. Whether the bytes are a picture is for `decode_image` to say.
    """
    if isinstance(value, bytes):
        if len(value) > max_bytes:
            raise PayloadTooLarge(max_bytes)
        return value
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
