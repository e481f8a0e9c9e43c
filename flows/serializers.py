"""What the flow POSTs accept: strict readers of decoded bodies, and the schemas that the API docs show."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from rest_framework import serializers

from flows.dialogue import tokens
from flows.dialogue.errors import FlowError, FlowErrorCode
from flows.dialogue.handshake import HandshakeRequest
from flows.dialogue.said import clean_text
from flows.dialogue.visits import MOST_USER_ID
from flows.messages import FlowType
from flows.types import FamilyMember, Slot
from kiosk.runtime.payloads import PayloadError, PayloadTooLarge, decode_base64_image

_MEBIBYTE: Final = 1024 * 1024


def read_user_id(body: dict[str, Any]) -> str:
    """1 to 64 characters that can be shown. Raises FlowError."""
    value = body.get("user_id")
    if not isinstance(value, str) or not value:
        raise _wrong("缺少 user_id（字符串）")
    if len(value) > MOST_USER_ID or not value.isprintable() or value != value.strip():
        raise _wrong(f"user_id 应为 1 到 {MOST_USER_ID} 个可显示的字符")
    return value


def read_hash(body: dict[str, Any]) -> str:
    """The hash, or "" where there is none. Whether it opens a visit is for the visit to say. Raises FlowError."""
    value = body.get("hash")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong("hash 应为字符串")
    return value


def read_handshake(body: dict[str, Any]) -> HandshakeRequest:
    """Raises FlowError where a field is missing or of the wrong type; values of `info` are looked at later, one by one."""
    info = body.get("info")
    if info is not None and not isinstance(info, dict):
        raise _wrong("info 应为对象")
    user_id, token, said = read_user_id(body), read_hash(body), body.get("input")
    if said is None and token:
        return HandshakeRequest(user_id, token, info or {})
    if not isinstance(said, dict):
        raise _wrong("缺少 input（对象）")
    match said.get("type"):
        case "text":
            return HandshakeRequest(user_id, token, info or {}, text=_read_text(said.get("text")))
        case "audio":
            return HandshakeRequest(user_id, token, info or {}, audio=_read_audio(said.get("media")))
        case _:
            raise _wrong("input.type 应为 text 或 audio")


def echo(body: dict[str, Any]) -> tuple[str, str]:
    """user_id and hash as an error repeats them: as they came where they could be right, else ""."""
    user_id, token = body.get("user_id"), body.get("hash")
    return (
        user_id if isinstance(user_id, str) and len(user_id) <= MOST_USER_ID and user_id.isprintable() else "",
        token if isinstance(token, str) and len(token) <= tokens.LENGTH and token.isprintable() else "",
    )


def _read_text(value: object) -> str:
    text = clean_text(value)
    if not text:
        raise _wrong("input.text 不能为空")
    return text


def _read_audio(value: object) -> bytes:
    """Base64 of a JSON body, or the bytes of an uploaded file."""
    most = settings.KIOSK.audio_mb * _MEBIBYTE
    if isinstance(value, bytes):
        if not value:
            raise _wrong("input.media 不能为空")
        return value
    try:
        return decode_base64_image(value, max_bytes=most)
    except PayloadTooLarge:
        raise audio_too_large() from None
    except PayloadError:
        raise _wrong("input.media 应为 base64 编码的音频") from None


def audio_too_large() -> FlowError:
    return FlowError(FlowErrorCode.TOO_LARGE, f"音频过大，最多 {settings.KIOSK.audio_mb} MB")


def _wrong(detail: str) -> FlowError:
    return FlowError(FlowErrorCode.WRONG_REQUEST, detail)


# Schemas


class InformationSchema(serializers.Serializer[Any]):
    """必要信息+基本信息; null where nothing is known."""

    name = serializers.CharField(allow_null=True, help_text="姓名")
    age = serializers.IntegerField(allow_null=True, help_text="年龄，由出生日期计算，发送时忽略")
    gender = serializers.CharField(allow_null=True, help_text="男、女")
    nationality = serializers.CharField(allow_null=True, help_text="民族，如 汉")
    phone = serializers.CharField(allow_null=True, help_text="电话")
    id_card = serializers.CharField(allow_null=True, help_text="身份证号")
    native_place = serializers.CharField(allow_null=True, help_text="籍贯")
    birth = serializers.JSONField(allow_null=True, help_text="出生日期，如 20250721 或 2025年8月13日")
    email = serializers.CharField(allow_null=True, help_text="邮箱")
    career = serializers.CharField(allow_null=True, help_text="职业")
    address = serializers.CharField(allow_null=True, help_text="住址")
    hukou = serializers.CharField(allow_null=True, help_text="户口所在地")
    political_status = serializers.CharField(allow_null=True, help_text="政治面貌")
    marital_status = serializers.BooleanField(allow_null=True, help_text="已婚为 true")
    religion = serializers.CharField(allow_null=True, help_text="宗教信仰")
    education = serializers.CharField(allow_null=True, help_text="学历")


class InputSchema(serializers.Serializer[Any]):
    """What the citizen said."""

    type = serializers.ChoiceField(["text", "audio"])
    text = serializers.CharField(required=False, help_text="type 为 text 时必需")
    media = serializers.CharField(required=False, help_text="type 为 audio 时必需，base64 编码的音频，可带 data URL 前缀")


class HandshakeRequestSchema(serializers.Serializer[Any]):
    """POST handshake, as JSON."""

    user_id = serializers.CharField(max_length=MOST_USER_ID)
    type = serializers.ChoiceField([FlowType.HANDSHAKE.value])
    hash = serializers.CharField(required=False, help_text="继续不明确的请求，或者取语音识别的结果")
    info = InformationSchema(required=False, allow_null=True, partial=True)
    input = InputSchema(required=False, help_text="有 hash 时可省略")


class HandshakeFormSchema(serializers.Serializer[Any]):
    """POST handshake with audio, as multipart/form-data."""

    user_id = serializers.CharField(max_length=MOST_USER_ID)
    type = serializers.ChoiceField([FlowType.HANDSHAKE.value])
    hash = serializers.CharField(required=False)
    info = serializers.CharField(required=False, help_text="JSON 对象")
    media = serializers.FileField(help_text="音频文件")


class CandidateSchema(serializers.Serializer[Any]):
    """A service that an unclear request may mean."""

    code = serializers.CharField()
    name = serializers.CharField()


class WarningSchema(serializers.Serializer[Any]):
    """A value of info that was left out."""

    field = serializers.CharField()
    reason = serializers.CharField()


class FailureSchema(serializers.Serializer[Any]):
    """特别的响应: processing, busy, error; HTTP status is 200."""

    user_id = serializers.CharField()
    type = serializers.ChoiceField([FlowType.PROCESSING.value, FlowType.BUSY.value, FlowType.ERROR.value])
    hash = serializers.CharField()
    detail = serializers.CharField(help_text="原因")


class HandshakeResponseSchema(serializers.Serializer[Any]):
    """A handshake that was understood, or is asked back."""

    user_id = serializers.CharField()
    type = serializers.ChoiceField([FlowType.HANDSHAKE.value])
    hash = serializers.CharField(help_text="本次办理的令牌")
    classify = serializers.CharField(allow_blank=True, help_text="事项名称；不明确时为空")
    flow = serializers.CharField(help_text="办理指引；不明确时为反问")
    candidates = CandidateSchema(many=True, help_text="不明确时可能的事项")
    materials = serializers.ListField(child=serializers.CharField(), help_text="要带的材料")
    info = InformationSchema()
    masked = serializers.ListField(child=serializers.CharField(), help_text="info 中打了码的字段")
    warnings = WarningSchema(many=True)
    text = serializers.CharField(required=False, help_text="语音识别的文字")


class VisitRequestSchema(serializers.Serializer[Any]):
    """POST storage and summary."""

    user_id = serializers.CharField(max_length=MOST_USER_ID)
    type = serializers.ChoiceField([FlowType.STORAGE.value, FlowType.SUMMARY.value])
    hash = serializers.CharField()


class RelativeSchema(serializers.Serializer[Any]):
    """A family member."""

    relation = serializers.ChoiceField(FamilyMember.values)
    name = serializers.CharField(allow_null=True)
    id_card = serializers.CharField(allow_null=True)


class StorageOutputSchema(InformationSchema):
    """What is stored now."""

    relatives = RelativeSchema(many=True, required=False, help_text="事项需要家庭成员时")


class StorageResponseSchema(serializers.Serializer[Any]):
    """POST storage."""

    user_id = serializers.CharField()
    type = serializers.ChoiceField([FlowType.STORAGE.value])
    hash = serializers.CharField()
    output = StorageOutputSchema()


class ColumnSchema(serializers.Serializer[Any]):
    """One column of the tables."""

    key = serializers.ChoiceField(["relation", "age", *Slot.values])
    label = serializers.CharField(help_text="中文名称")  # type: ignore[assignment]  # the protocol's name, which DRF's fields have too


class RowSchema(InformationSchema):
    """The citizen, or a family member."""

    relation = serializers.CharField(help_text="本人、配偶、孩子、父亲或母亲")


class SummaryOutputSchema(serializers.Serializer[Any]):
    """The tables."""

    header = ColumnSchema(many=True)
    tables = RowSchema(many=True)
    classify = serializers.CharField()
    flow = serializers.CharField()


class SummaryResponseSchema(serializers.Serializer[Any]):
    """POST summary."""

    user_id = serializers.CharField()
    type = serializers.ChoiceField([FlowType.SUMMARY.value])
    hash = serializers.CharField()
    output = SummaryOutputSchema()
