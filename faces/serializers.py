"""What the HTTP protocols of this app accept: strict readers of decoded JSON, and the schemas that the API docs show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from rest_framework import serializers

from kiosk.api.views import MalformedBody

_MAX_NUMBER = 64


@dataclass(frozen=True, slots=True)
class RecogniseRequest:
    """A request of /recognize or /recognize/batch, less its photos."""

    threshold: float
    targets: tuple[str, ...] = field(repr=False)


def read_recognise_request(body: dict[str, Any]) -> RecogniseRequest:
    """Reads `threshold` and `targets`; both may be missing or null. Raises MalformedBody."""
    return RecogniseRequest(_read_threshold(body.get("threshold")), _read_targets(body.get("targets")))


def _read_threshold(value: object) -> float:
    if value is None:
        default: float = settings.KIOSK.face_threshold
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise MalformedBody("threshold 应为 0 到 1 之间的数字")
    return float(value)


def _read_targets(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(number, str) for number in value):
        raise MalformedBody("targets 应为人员编号（字符串）列表")
    if len(value) > settings.KIOSK.targets:
        raise MalformedBody(f"targets 不能超过 {settings.KIOSK.targets} 个")
    # What can't be a number is nobody's: no database has to be asked, and some would refuse to be.
    return tuple(dict.fromkeys(number for number in value if 0 < len(number) <= _MAX_NUMBER and number.isprintable()))


class BoxSchema(serializers.Serializer[Any]):
    """A face's place, in pixels of the photo."""

    x = serializers.IntegerField()
    y = serializers.IntegerField()
    w = serializers.IntegerField()
    h = serializers.IntegerField()


class MatchSchema(serializers.Serializer[Any]):
    """One candidate."""

    id = serializers.CharField(help_text="人物数据库ID")
    name = serializers.CharField(help_text="人物姓名")
    number = serializers.CharField(help_text="人物编号")
    similarity = serializers.CharField(help_text='相似度百分比，如 "87.45%"')
    is_target = serializers.BooleanField(help_text="是否来自 targets 优先匹配")


class RecogniseRequestSchema(serializers.Serializer[Any]):
    """POST /recognize."""

    photo = serializers.CharField(help_text="Base64编码的图片数据，可带 data URL 前缀")
    targets = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        allow_null=True,
        help_text="优先匹配的人员编号列表（使用 threshold/2 作为候选阈值）",
    )
    threshold = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=1, help_text="识别阈值")


class RecogniseDataSchema(serializers.Serializer[Any]):
    """`data` of /recognize."""

    hasFace = serializers.BooleanField()  # noqa: N815 - the protocol's name
    bbox = BoxSchema()
    threshold = serializers.FloatField()
    match = MatchSchema(many=True, allow_null=True)
    message = serializers.CharField()


class RecogniseResponseSchema(serializers.Serializer[Any]):
    """Every answer of /recognize; HTTP status is always 200."""

    statusCode = serializers.ChoiceField([200, 201, 202, 251, 252, 400, 401, 402, 403, 429, 501, 502])  # noqa: N815
    message = serializers.CharField()
    data = RecogniseDataSchema(allow_null=True)  # type: ignore[assignment]


class BatchRequestSchema(serializers.Serializer[Any]):
    """POST /recognize/batch."""

    photos = serializers.ListField(child=serializers.CharField(), allow_empty=False, help_text="Base64编码的图片列表（不能为空）")
    targets = serializers.ListField(child=serializers.CharField(), required=False, allow_null=True)
    threshold = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=1)


class FrameSchema(serializers.Serializer[Any]):
    """One photo of a batch."""

    index = serializers.IntegerField()
    hasFace = serializers.BooleanField()  # noqa: N815
    bbox = BoxSchema(allow_null=True)
    error = serializers.CharField(allow_null=True)


class BatchDataSchema(serializers.Serializer[Any]):
    """`data` of /recognize/batch."""

    total_frames = serializers.IntegerField()
    valid_frames = serializers.IntegerField()
    threshold = serializers.FloatField()
    frames = FrameSchema(many=True)
    match = MatchSchema(many=True, allow_null=True)
    message = serializers.CharField()


class BatchResponseSchema(serializers.Serializer[Any]):
    """Every answer of /recognize/batch; HTTP status is always 200."""

    statusCode = serializers.ChoiceField([200, 201, 251, 252, 400, 429, 501])  # noqa: N815
    message = serializers.CharField()
    data = BatchDataSchema(allow_null=True)  # type: ignore[assignment]


class FaceRequestSchema(serializers.Serializer[Any]):
    """POST /face."""

    type = serializers.ChoiceField(["face"])
    action = serializers.ChoiceField(["add", "find", "list"])
    name = serializers.CharField(required=False, help_text="人员姓名，仅在 add 操作时必需")
    image = serializers.CharField(required=False, help_text="base64 编码的图片数据，在 add 和 find 操作时必需")


class FaceResponseSchema(serializers.Serializer[Any]):
    """Every answer of POST /face."""

    type = serializers.ChoiceField(["face"])
    action = serializers.ChoiceField(["add", "find", "list"], required=False)
    status = serializers.ChoiceField(["success", "error"])
    message = serializers.CharField()
    data = serializers.DictField(required=False)  # type: ignore[assignment]
