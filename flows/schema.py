"""The document's own examples, as the API docs show them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

from flows.messages import FlowType, failed, flow_body

_USER = "asdasd"
_HASH = "0b9b2c5f6a7e4d1c8f3a2b1c0d9e8f7a5c4b3a29181706f5e4d3c2b1a0987654"
_FLOW = "办理身份证呢，需要本人到就近的公安派出所，或者政务服务中心的公安户籍窗口……接下来有6个问题要问您。"
_INFO: dict[str, Any] = {
    "name": "张三",
    "age": 35,
    "gender": "男",
    "nationality": "汉",
    "phone": "13800138000",
    "id_card": "440103199003072817",
    "native_place": "广东广州",
    "birth": "1990年3月7日",
    "email": None,
    "career": None,
    "address": "广东省广州市番禺区广东工业大学西二-803",
    "hukou": "广州市天河区",
    "political_status": None,
    "marital_status": None,
    "religion": None,
    "education": None,
}
_UNKNOWN: dict[str, Any] = dict.fromkeys(_INFO)


def _ask(name: str, body: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, value=body, request_only=True, media_type="application/json")


def _answer(name: str, body: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, value=body, response_only=True, status_codes=["200"])


def _handshake(**changes: Any) -> dict[str, Any]:
    extra = {"candidates": [], "materials": ["居民户口簿"], "info": _UNKNOWN, "masked": [], "warnings": []}
    return flow_body(_USER, FlowType.HANDSHAKE, _HASH, **({"classify": "身份证", "flow": _FLOW} | extra | changes))


_FAILURES = [
    _answer("服务器繁忙", failed(_USER, FlowType.BUSY, _HASH, "办理人数较多，请稍后再试")),
    _answer("数据有误/用户尚未握手/流程有误", failed(_USER, FlowType.ERROR, _HASH, "尚未握手，或者 hash 与 user_id 不符")),
]

HANDSHAKE_EXAMPLES = [
    _ask(
        "文本形式",
        {
            "user_id": _USER,
            "type": "handshake",
            "info": {"name": "张三", "age": 18, "birth": 20070721},
            "input": {"type": "text", "text": "我要办身份证"},
        },
    ),
    _ask("语音形式", {"user_id": _USER, "type": "handshake", "input": {"type": "audio", "media": "UklGRiQAAABXQVZF..."}}),
    _ask("取语音识别的结果", {"user_id": _USER, "type": "handshake", "hash": _HASH}),
    _answer("明确", _handshake()),
    _answer(
        "不明确",
        _handshake(
            classify="",
            flow="请问您是想办“驾驶证换证”，还是“驾驶证补证”？",
            materials=[],
            candidates=[
                {"code": "driver-license-renewal", "name": "驾驶证换证"},
                {"code": "driver-license-replacement", "name": "驾驶证补证"},
            ],
        ),
    ),
    _answer("正在处理", failed(_USER, FlowType.PROCESSING, _HASH, "语音正在识别，请稍后再试")),
    *_FAILURES,
]

STORAGE_EXAMPLES = [
    _ask("录入", flow_body(_USER, FlowType.STORAGE, _HASH)),
    _answer("已录入", flow_body(_USER, FlowType.STORAGE, _HASH, output=_INFO)),
    *_FAILURES,
]

_COLUMNS = [{"key": "relation", "label": "关系"}, {"key": "name", "label": "姓名"}, {"key": "age", "label": "年龄"}]

SUMMARY_EXAMPLES = [
    _ask("总结", flow_body(_USER, FlowType.SUMMARY, _HASH)),
    _answer(
        "总结",
        flow_body(
            _USER,
            FlowType.SUMMARY,
            _HASH,
            output={"header": _COLUMNS, "tables": [{"relation": "本人", **_INFO}], "classify": "身份证", "flow": _FLOW},
        ),
    ),
    *_FAILURES,
]
