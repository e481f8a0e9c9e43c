"""The documents' own examples, as the API docs show them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

from faces import messages
from faces.messages import envelope, face_body

_PHOTO = "data:image/jpeg;base64,/9j/4AAQSkZJRg..."
_BOX = {"x": 100, "y": 150, "w": 200, "h": 200}


def _answer(name: str, body: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, value=body, response_only=True, status_codes=["200"])


def _ask(name: str, body: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, value=body, request_only=True)


def _data(message: str, match: list[dict[str, Any]] | None = None, box: dict[str, int] | None = None) -> dict[str, Any]:
    return {"hasFace": True, "bbox": box or _BOX, "threshold": 0.4, "match": match, "message": message}


def _candidate(number: str, name: str, similarity: str, *, is_target: bool) -> dict[str, Any]:
    return {"id": number.removeprefix("T00"), "name": name, "number": number, "similarity": similarity, "is_target": is_target}


_MATCHED = _data(
    "匹配成功，≥阈值40.00%有2位，targets命中1位，最相似的是张三_T001",
    [_candidate("T001", "张三", "87.45%", is_target=True), _candidate("T002", "李四", "82.10%", is_target=False)],
)
_TOO_SMALL = "人脸像素过小(60x60px)，无法识别"

RECOGNISE_EXAMPLES = [
    _ask("识别", {"photo": _PHOTO, "targets": ["T001", "T002"], "threshold": 0.4}),
    _answer("200 识别成功且匹配到人物", envelope(200, "识别成功", _MATCHED)),
    _answer("201 未检测到人脸", envelope(201, messages.NO_FACE)),
    _answer("202 人脸尺寸过小", envelope(202, _TOO_SMALL, _data(_TOO_SMALL, box={"x": 100, "y": 150, "w": 60, "h": 60}))),
    _answer("251 数据库为空", envelope(251, messages.GALLERY_EMPTY, _data(messages.GALLERY_EMPTY))),
    _answer("252 未匹配到对象", envelope(252, messages.NO_MATCH, _data(messages.NO_MATCH))),
    _answer("400 请求参数错误", envelope(400, "threshold 应为 0 到 1 之间的数字")),
    _answer("401 base64 解码失败", envelope(401, "base64 解码失败: Incorrect padding")),
    _answer("402 图片格式错误", envelope(402, messages.UNPARSED)),
    _answer("403 未接收到有效图片数据", envelope(403, messages.MISSING)),
    _answer("501 人脸检测服务内部错误", envelope(501, "人脸检测服务内部错误: 服务繁忙，请稍后重试")),
    _answer("502 特征提取失败", envelope(502, "人脸特征提取失败: <具体错误信息>")),
]


def _batch_data(message: str, *, valid: int, frames: list[dict[str, Any]], match: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {"total_frames": 2, "valid_frames": valid, "threshold": 0.4, "frames": frames, "match": match, "message": message}


def _frame(index: int, *, face: bool) -> dict[str, Any]:
    error = None if face else messages.NO_FACE_IN_FRAME
    return {"index": index, "hasFace": face, "bbox": _BOX if face else None, "error": error}


_SEEN = [_frame(0, face=True), _frame(1, face=True)]
_UNSEEN = [_frame(0, face=False), _frame(1, face=False)]
_UNMATCHED = "识别失败，使用2帧有效图片，但相似度均低于阈值"

BATCH_EXAMPLES = [
    _ask("批量识别", {"photos": [_PHOTO, _PHOTO], "targets": ["T001", "T002"], "threshold": 0.4}),
    _answer(
        "200 识别成功且匹配到人物",
        envelope(
            200,
            "批量识别成功",
            _batch_data(
                "识别成功，使用2帧有效图片，找到1位候选人，最相似的是张三_T001（出现2次）",
                valid=2,
                frames=_SEEN,
                match=[_candidate("T001", "张三", "86.20%", is_target=False)],
            ),
        ),
    ),
    _answer("400 photos 列表为空", envelope(400, messages.NO_PHOTOS)),
    _answer(
        "251 数据库为空",
        envelope(251, messages.GALLERY_EMPTY, _batch_data(messages.GALLERY_EMPTY_FOR_BATCH, valid=0, frames=[], match=None)),
    ),
    _answer(
        "201 所有帧均未检测到有效人脸",
        envelope(201, messages.NO_FACE_IN_BATCH, _batch_data(messages.NO_FACE_IN_BATCH, valid=0, frames=_UNSEEN, match=None)),
    ),
    _answer("252 未匹配到对象", envelope(252, _UNMATCHED, _batch_data(_UNMATCHED, valid=2, frames=_SEEN, match=None))),
]

_METHOD = "dlib_with_filesystem"

FACE_EXAMPLES = [
    _ask("添加人员", {"type": "face", "action": "add", "name": "张三", "image": _PHOTO}),
    _ask("查找人员", {"type": "face", "action": "find", "image": _PHOTO}),
    _ask("列出所有人员", {"type": "face", "action": "list"}),
    _answer(
        "添加成功",
        face_body(
            "success",
            messages.added("张三"),
            action="add",
            data={
                "name": "张三",
                "entity_id": "person_abc12345",
                "oss_url": "https://hall.example/photos/ImZhY2VzLy4uLiI...",
                "method": _METHOD,
            },
        ),
    ),
    _answer("添加失败", face_body("error", f"{messages.ADD_FAILED}: 图片格式不支持", action="add")),
    _answer("缺少参数", face_body("error", messages.MISSING_PARAMETERS)),
    _answer(
        "找到匹配的人员",
        face_body(
            "success",
            messages.FOUND,
            action="find",
            data={"name": "张三", "entity_id": "person_abc12345", "confidence": 0.95, "search_method": _METHOD},
        ),
    ),
    _answer("未找到匹配的人员", face_body("error", messages.NOT_FOUND, action="find", data={"search_method": _METHOD})),
    _answer("缺少图片数据", face_body("error", messages.MISSING_IMAGE)),
    _answer(
        "列出所有人员",
        face_body(
            "success",
            messages.listed(1),
            action="list",
            data={"count": 1, "people": [{"name": "张三", "entity_id": "person_abc12345", "created_at": 1640995200}]},
        ),
    ),
    _answer("缺少操作类型参数", face_body("error", messages.MISSING_ACTION)),
    _answer("未知操作类型", face_body("error", messages.unknown_action("delete"))),
]
