"""The bodies of the flow POSTs, word for word as the platform protocol writes them, and their Chinese details."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flows.dialogue.errors import FlowErrorCode
from flows.dialogue.handshake import Handshake

Body = dict[str, Any]


class FlowType(StrEnum):
    """`type` of the flow's messages, questions and answers alike."""

    HANDSHAKE = "handshake"
    STORAGE = "storage"
    SUMMARY = "summary"
    QNA = "qna"
    FACE_TRAIN = "face_train"
    PROCESSING = "processing"
    BUSY = "busy"
    ERROR = "error"


POSTED = (FlowType.HANDSHAKE, FlowType.STORAGE, FlowType.SUMMARY)
"""Those that come as POSTs; qna and face_train live on the websocket."""

INTERNAL = "服务内部错误"
UNKNOWN_TYPE = f"type 应为 {'、'.join(POSTED)} 之一"
ON_THE_SOCKET = "qna 和 face_train 请使用 websocket"
WRONG_PATH = "type 与请求路径不符"

_TYPES = {FlowErrorCode.BUSY: FlowType.BUSY, FlowErrorCode.CONCURRENT: FlowType.PROCESSING}


def flow_body(user_id: str, kind: FlowType, token: str, **more: Any) -> Body:
    """The three keys that every message has, and what this one has beside them."""
    return {"user_id": user_id, "type": kind.value, "hash": token, **more}


def error_type(code: FlowErrorCode) -> FlowType:
    """Which of the special answers (特别的响应) stands for this code."""
    return _TYPES.get(code, FlowType.ERROR)


def failed(user_id: str, kind: FlowType, token: str, detail: str) -> Body:
    """busy, processing or error; `detail` says in Chinese why."""
    return flow_body(user_id, kind, token, detail=detail)


def handshake_body(user_id: str, found: Handshake) -> Body:
    """The answer to a handshake; classify and flow are the protocol's, what follows them is more than it asks for."""
    more: Body = {
        "classify": found.classify,
        "flow": found.flow,
        "candidates": found.candidates,
        "materials": found.materials,
        "info": found.info,
        "masked": found.masked,
        "warnings": found.warnings,
    }
    if found.text:
        more["text"] = found.text
    return flow_body(user_id, FlowType.HANDSHAKE, found.hash, **more)
