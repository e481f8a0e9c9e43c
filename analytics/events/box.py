"""Events as boxes send them (protocol 001): every field checked, what is missing filled in, so that none is recorded twice."""

from __future__ import annotations

import hashlib
import ipaddress
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from faces.models import UserType
from kiosk.runtime.payloads import PayloadError, decode_base64_image

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_TEXT: Final = 64
_MAX_MS: Final = 253_402_300_799_999
_FACE_BYTES: Final = 2 * 1024 * 1024
_JPEG: Final = b"\xff\xd8"


class NoEvent(Exception):
    """A message that can't be recorded; the text says why, without what it says of a person."""


@dataclass(frozen=True, slots=True)
class BoxEvent:
    """One event of a box."""

    event_id: str
    """The box's own; made of device, time and identity where it sends none, as in the document's example."""
    happened_at: datetime
    score: float
    """0 to 100. Up to 1 it is taken for the share that the document's example shows (0.623…), and made a percentage."""
    user_type: str
    """Empty where the box sends none, or one that the document does not know."""
    device_id: str
    device_ip: str | None
    device_type: str
    identity_id: str = field(repr=False)
    identity_name: str = field(repr=False)
    face_jpeg: bytes | None = field(repr=False)
    attributes: dict[str, Any] = field(repr=False)


def read_event(body: dict[str, Any]) -> BoxEvent:
    """Raises NoEvent where time, device or score are missing or wrong; a picture that can't be read is left out."""
    device_id = _text(body, "media_device_id")
    if not device_id:
        raise NoEvent("media_device_id is missing")
    timestamp, identity = _timestamp(body), _text(body, "identity_id")
    user_type = _text(body, "user_type")
    attributes = body.get("recognize_face_attr")
    return BoxEvent(
        event_id=_text(body, "event_id") or _digest(device_id, str(timestamp), identity),
        happened_at=_EPOCH + timedelta(milliseconds=timestamp),
        score=_score(body),
        user_type=user_type if user_type in UserType.values else "",
        device_id=device_id,
        device_ip=_ip(body),
        device_type=_text(body, "media_device_type"),
        identity_id=identity,
        identity_name=_text(body, "identity_name"),
        face_jpeg=_face(body),
        attributes=attributes if isinstance(attributes, dict) else {},
    )


def _text(body: dict[str, Any], key: str) -> str:
    """The text of a key, "" for none; a number as its digits. One that is too long for its column is told by its digest."""
    value = body.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise NoEvent(f"{key} is no text")
    text = str(value).replace("\0", "")
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] if key == "identity_name" else _digest(text)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _timestamp(body: dict[str, Any]) -> int:
    value = body.get("timestamp")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_MS:
        raise NoEvent("timestamp is no time in milliseconds")
    return int(value)


def _score(body: dict[str, Any]) -> float:
    value = body.get("score")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= 100:  # noqa: PLR2004
        raise NoEvent("score is no number from 0 to 100")
    return float(value) * 100 if value <= 1 else float(value)


def _ip(body: dict[str, Any]) -> str | None:
    try:
        return str(ipaddress.ip_address(_text(body, "media_device_ip")))
    except ValueError:
        return None


def _face(body: dict[str, Any]) -> bytes | None:
    picture = body.get("recognize_face_image")
    if not picture:
        return None
    try:
        face = decode_base64_image(picture, max_bytes=_FACE_BYTES)
    except PayloadError:
        return None
    return face if face.startswith(_JPEG) else None
