"""What is sent of an event (protocol 001, 参数描述), and the server's other words on the event socket.

An event has no `type`; whatever else the server says has `type` "event", and `message` tells what it is.
"""

from __future__ import annotations

import base64
from typing import Any, Final

import orjson

from analytics.events.pictures import face_of, registered_of
from analytics.events.subscription import Pictures
from analytics.models import MediaDevice, RecognitionEvent

KIND: Final = "event"
NOT_JSON: Final = "配置应为 JSON 对象"
UNKNOWN_SINCE: Final = "since: 没有这个 event_id，可能已超过保存期限；可改用毫秒时间戳"
_JPEG: Final = "data:image/jpeg;base64,"


def event_body(event: RecognitionEvent, pictures: Pictures) -> dict[str, Any]:
    """The JSON object of an event, whose device and person are loaded. Pictures that are asked for but not there are "".

    Reads pictures from the storage: not for the event loop.
    """
    device, person = event.device, event.person
    body: dict[str, Any] = {
        "event_id": event.event_id,
        "timestamp": timestamp_ms(event),
        "identity_id": person.number if person else event.identity_id or event.stranger_id,
        "identity_name": person.name if person else event.identity_name,
        "user_type": event.user_type,
        "score": float(event.score),
        "media_device_ip": device.ip or "",
        "media_device_id": str(device.device_id),
        "media_device_type": device.device_type,
        "reg_pic": "",
        "recognize_face_attr": event.attributes,
    }
    if Pictures.REGISTERED in pictures:
        body["register_image"] = body["reg_pic"] = data_url(registered_of(event))
    if Pictures.FACE in pictures:
        body["recognize_face_image"] = data_url(face_of(event))
    return body


def encode(body: dict[str, Any]) -> bytes:
    return orjson.dumps(body)


def timestamp_ms(event: RecognitionEvent) -> int:
    return round(event.happened_at.timestamp() * 1000)


def data_url(jpeg: bytes) -> str:
    """A picture as the protocol sends it; "" for none."""
    return _JPEG + base64.b64encode(jpeg).decode("ascii") if jpeg else ""


def device_body(device: MediaDevice) -> dict[str, Any]:
    """A device as GET /getmediadevices lists it."""
    seen = device.last_seen_at
    return {
        "media_device_id": str(device.device_id),
        "media_device_name": device.name,
        "media_device_ip": device.ip or "",
        "media_device_type": device.device_type,
        "zone": device.zone,
        "enabled": device.enabled,
        "working": device.enabled and not device.error,
        "last_seen": None if seen is None else round(seen.timestamp() * 1000),
    }


def error_body(detail: str) -> dict[str, Any]:
    return {"type": KIND, "message": "error", "detail": detail}


def lost_body(lost: int, after: str) -> dict[str, Any]:
    """Tells a client that reads too slowly how many events it will not get here, and after which one they are missing."""
    return {"type": KIND, "message": "lost", "lost": lost, "after": after, "detail": f"接收过慢，丢失了 {lost} 条记录"}


def heartbeat_body(now_ms: int) -> dict[str, Any]:
    return {"type": KIND, "message": "heartbeat", "timestamp": now_ms}
