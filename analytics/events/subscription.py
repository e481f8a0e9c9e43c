"""What a client of the event socket asks for: its configuration message (protocol 001, 对接方法 2), parsed and checked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import Flag
from typing import Any, Final

from faces.models import UserType

HEARTBEAT_SECONDS: Final = (1, 3600)
_MAX_EVENT_ID = 64
_MAX_TIMESTAMP_MS = 253_402_300_799_999
"""The end of the year 9999, the last that a datetime can be in."""


class Pictures(Flag):
    """Which pictures an event is sent with."""

    NONE = 0
    FACE = 1
    REGISTERED = 2


class WrongConfiguration(Exception):
    """The message says in Chinese which field is wrong, and what it should be."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which events, and how. Equal ones are served together."""

    pictures: Pictures = Pictures.NONE
    devices: frozenset[str] = frozenset()
    """media_device_ids as str(UUID) writes them; empty: all."""
    user_types: frozenset[str] = frozenset()
    """Empty: all."""

    def wants(self, device_id: str, user_type: str) -> bool:
        return (not self.devices or device_id in self.devices) and (not self.user_types or user_type in self.user_types)


@dataclass(frozen=True, slots=True)
class Configuration:
    """One configuration message."""

    subscription: Subscription = field(default_factory=Subscription)
    since: str | int | None = None
    """Replay what was recorded after the event of this id; or what happened from this time on, in milliseconds."""
    heartbeat_seconds: float | None = None


def read_configuration(body: dict[str, Any]) -> Configuration:
    """The configuration that a JSON object is; what is missing has its default, what is unknown is ignored.

    Raises WrongConfiguration.
    """
    pictures = Pictures.NONE
    for key, picture in (("with_face_image", Pictures.FACE), ("with_register_image", Pictures.REGISTERED)):
        if _boolean(body, key):
            pictures |= picture
    subscription = Subscription(pictures, _devices(body), _user_types(body))
    return Configuration(subscription, _since(body), _heartbeat(body))


def _boolean(body: dict[str, Any], key: str) -> bool:
    value = body.get(key, False)
    if not isinstance(value, bool):
        raise WrongConfiguration(f"{key} 应为 true 或 false")
    return value


def _devices(body: dict[str, Any]) -> frozenset[str]:
    return frozenset(_device(value) for value in _texts(body, "media_device_ids"))


def _device(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise WrongConfiguration("media_device_ids 的每一项应为设备的 uuid，可通过 getmediadevices 获取") from None


def _user_types(body: dict[str, Any]) -> frozenset[str]:
    wanted = frozenset(_texts(body, "user_types"))
    if not wanted <= frozenset(UserType.values):
        raise WrongConfiguration(f"user_types 的每一项应为 {'、'.join(UserType.values)} 之一")
    return wanted


def _texts(body: dict[str, Any], key: str) -> list[str]:
    value = body.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise WrongConfiguration(f"{key} 应为字符串列表")
    return value


def _since(body: dict[str, Any]) -> str | int | None:
    value = body.get("since")
    match value:
        case None:
            return None
        case bool():
            pass
        case str() if 0 < len(value) <= _MAX_EVENT_ID and "\0" not in value:
            return value
        case int() if 0 <= value <= _MAX_TIMESTAMP_MS:
            return value
    raise WrongConfiguration("since 应为 event_id 或毫秒时间戳")


def _heartbeat(body: dict[str, Any]) -> float | None:
    value = body.get("heartbeat")
    if value is None:
        return None
    least, most = HEARTBEAT_SECONDS
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise WrongConfiguration(f"heartbeat 应为 {least} 到 {most} 之间的秒数")
    return float(value)
