"""The words of the protocols: bodies and Chinese messages of /recognize 5.0 and of the Face Handle API, to the letter."""

from __future__ import annotations

from typing import Any, Final

from faces.errors import FaceError, FaceErrorCode
from faces.recognition import MATCHES_SHOWN, BatchFrame, BatchRecognition, Match, Recognition, Verdict
from faces.types import Box, KnownPerson
from kiosk.runtime.payloads import PayloadError, PayloadNotBase64

Body = dict[str, Any]

# /recognize 5.0

NO_FACE: Final = "图像中未检测到人脸，请重新捕捉人脸"
NO_FACE_IN_FRAME: Final = "未检测到人脸"
NO_FACE_IN_BATCH: Final = "所有帧均未检测到有效人脸"
GALLERY_EMPTY: Final = "数据库为空，请先录入人员信息"
GALLERY_EMPTY_FOR_BATCH: Final = "数据库中暂无人脸数据，请先录入"
NO_MATCH: Final = "未找到匹配的人物（相似度低于阈值）"
NO_PHOTOS: Final = "photos 列表不能为空"
UNPARSED: Final = "无法解析图片格式"
MISSING: Final = "未接收到有效图片数据或图像数据存在异常"


def envelope(status_code: int, message: str, data: Body | None = None) -> Body:
    """The one shape of every answer of /recognize."""
    return {"statusCode": status_code, "message": message, "data": data}


def too_small(box: Box) -> str:
    return f"人脸像素过小({box.w}x{box.h}px)，无法识别"


def recognition_body(recognition: Recognition) -> Body:
    """The answer of /recognize to a photo that could be read."""
    box, shown = recognition.box, recognition.matches[:MATCHES_SHOWN]
    if box is None:
        return envelope(201, NO_FACE)
    match recognition.verdict:
        case Verdict.MATCHED:
            status_code, message, detail = 200, "识别成功", _matched(recognition)
        case Verdict.TOO_SMALL:
            status_code, message = 202, too_small(box)
            detail = message
        case Verdict.GALLERY_EMPTY:
            status_code, message, detail = 251, GALLERY_EMPTY, GALLERY_EMPTY
        case _:
            status_code, message, detail = 252, NO_MATCH, NO_MATCH
    data = {
        "hasFace": True,
        "bbox": box.as_dict(),
        "threshold": recognition.threshold,
        "match": [_match_body(match) for match in shown] or None,
        "message": detail,
    }
    return envelope(status_code, message, data)


def batch_body(batch: BatchRecognition) -> Body:
    """The answer of /recognize/batch."""
    shown = batch.matches[:MATCHES_SHOWN]
    match batch.verdict:
        case Verdict.MATCHED:
            best = shown[0]
            status_code, message = 200, "批量识别成功"
            detail = (
                f"识别成功，使用{batch.valid}帧有效图片，找到{len(batch.matches)}位候选人，"
                f"最相似的是{_label(best.match.person)}（出现{best.frames}次）"
            )
        case Verdict.GALLERY_EMPTY:
            status_code, message, detail = 251, GALLERY_EMPTY, GALLERY_EMPTY_FOR_BATCH
        case Verdict.NO_FACE:
            status_code, message, detail = 201, NO_FACE_IN_BATCH, NO_FACE_IN_BATCH
        case _:
            status_code, message = 252, f"识别失败，使用{batch.valid}帧有效图片，但相似度均低于阈值"
            detail = message
    data = {
        "total_frames": batch.total,
        "valid_frames": batch.valid,
        "threshold": batch.threshold,
        "frames": [_frame_body(index, frame) for index, frame in enumerate(batch.frames)],
        "match": [_match_body(entry.match) for entry in shown] or None,
        "message": detail,
    }
    return envelope(status_code, message, data)


def recognition_error(error: FaceError | PayloadError) -> Body:
    """The answer of /recognize to a photo that could not be read or analysed."""
    return envelope(*_code_and_message(error))


def _code_and_message(error: FaceError | PayloadError) -> tuple[int, str]:
    match error:
        case PayloadNotBase64():
            return 401, f"base64 解码失败: {error.reason}"
        case PayloadError():
            return 403, MISSING
    match error.code:
        case FaceErrorCode.BAD_PHOTO:
            return 402, UNPARSED
        case FaceErrorCode.ABNORMAL_PHOTO:
            return 403, MISSING
        case FaceErrorCode.EMBEDDING_FAILED:
            return 502, f"人脸特征提取失败: {error.message}"
        case _:
            return 501, f"人脸检测服务内部错误: {error.message}"


def _matched(recognition: Recognition) -> str:
    return (
        f"匹配成功，≥阈值{recognition.threshold:.2%}有{recognition.above_threshold}位，"
        f"targets命中{recognition.targets_hit}位，最相似的是{_label(recognition.matches[0].person)}"
    )


def _label(person: KnownPerson) -> str:
    return f"{person.name}_{person.number}"


def _match_body(match: Match) -> Body:
    return {
        "id": str(match.person.pk),
        "name": match.person.name,
        "number": match.person.number,
        "similarity": f"{match.similarity:.2%}",
        "is_target": match.is_target,
    }


def _frame_body(index: int, frame: BatchFrame) -> Body:
    recognition = frame.recognition
    if recognition is None:
        assert frame.error is not None
        return {"index": index, "hasFace": False, "bbox": None, "error": _code_and_message(frame.error)[1]}
    error = None
    if recognition.box is None:
        error = NO_FACE_IN_FRAME
    elif recognition.verdict is Verdict.TOO_SMALL:
        error = too_small(recognition.box)
    box = recognition.box
    return {"index": index, "hasFace": box is not None, "bbox": box.as_dict() if box else None, "error": error}


# Face Handle API (POST /face)

MISSING_ACTION: Final = "缺少操作类型参数"
MISSING_PARAMETERS: Final = "缺少参数"
MISSING_IMAGE: Final = "缺少图片数据"
FOUND: Final = "找到匹配的人员"
NOT_FOUND: Final = "未找到匹配的人员"
ADD_FAILED: Final = "添加人员失败"
FIND_FAILED: Final = "查找人员失败"
LIST_FAILED: Final = "列出人员失败"


_ECHOED: Final = 64
"""Characters of a client's own words that an answer repeats."""


def unknown_action(action: object) -> str:
    return f"未知操作类型：{str(action)[:_ECHOED]}"


def added(name: str) -> str:
    return f"成功添加人员: {name}"


def listed(count: int) -> str:
    return f"共找到 {count} 个人员"


def face_body(status: str, message: str, *, action: str | None = None, data: Body | None = None) -> Body:
    """The one shape of every answer of POST /face; action and data are left out where the document leaves them out."""
    body: Body = {"type": "face"}
    if action is not None:
        body["action"] = action
    body |= {"status": status, "message": message}
    if data is not None:
        body["data"] = data
    return body


def photo_reason(error: FaceError | PayloadError) -> str:
    """Why a photo of POST /face was not used, as it follows "添加人员失败: " and "查找人员失败: "."""
    match error:
        case PayloadNotBase64():
            return f"base64 解码失败: {error.reason}"
        case PayloadError():
            return "图片过大"
    match error.code:
        case FaceErrorCode.BAD_PHOTO:
            return "图片格式不支持"
        case FaceErrorCode.ABNORMAL_PHOTO:
            return "图像数据存在异常"
        case FaceErrorCode.DETECTION_FAILED:
            return f"人脸检测服务内部错误: {error.message}"
        case FaceErrorCode.EMBEDDING_FAILED:
            return f"人脸特征提取失败: {error.message}"
        case _:
            return error.message
