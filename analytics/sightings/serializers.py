"""What the requests of the four searches say (protocol 003), read and checked, and their schemas for the API docs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from rest_framework import serializers

from analytics.sightings.errors import SearchProblem, SearchProblemCode
from analytics.sightings.plate_index.base import MIN_THRESHOLD
from analytics.videos.answers import Body

_MEBIBYTE: Final = 1024 * 1024
_MOST_NUMBERS: Final = 4096
"""Of a face_vector; no engine has so many."""
_MOST_TEXT: Final = 128


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much of an answer is wanted."""

    threshold: float
    limit: int
    offset: int


def read_image(request: HttpRequest) -> bytes:
    """`image` of a multipart form. Raises SearchProblem."""
    if request.content_type != "multipart/form-data":
        raise SearchProblem(SearchProblemCode.MALFORMED, "Content-Type 应为 multipart/form-data")
    try:
        image = request.FILES.get("image")
    except RequestDataTooBig:
        raise SearchProblem(SearchProblemCode.IMAGE_TOO_LARGE, "请求体过大") from None
    except (MultiPartParserError, UnreadablePostError, SuspiciousOperation):
        raise SearchProblem(SearchProblemCode.MALFORMED, "multipart 请求体不完整") from None
    if not isinstance(image, UploadedFile) or not image.size:
        raise SearchProblem(SearchProblemCode.MISSING_IMAGE, "缺少图片文件 image")
    if image.size > settings.KIOSK.image_mb * _MEBIBYTE:
        raise SearchProblem(SearchProblemCode.IMAGE_TOO_LARGE, f"图片超过 {settings.KIOSK.image_mb} MiB")
    data: bytes = image.read()
    return data


def read_vector(body: Body) -> list[float]:
    """`face_vector`: a list of numbers. Raises SearchProblem."""
    vector = body.get("face_vector")
    if vector is None or vector == []:
        raise SearchProblem(SearchProblemCode.MISSING_VECTOR, "Face vector is required")
    if not isinstance(vector, list):
        raise SearchProblem(SearchProblemCode.BAD_VECTOR, "face_vector 应为数值列表")
    if len(vector) > _MOST_NUMBERS:
        raise SearchProblem(SearchProblemCode.BAD_VECTOR, f"face_vector 超过 {_MOST_NUMBERS} 维")
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in vector):
        raise SearchProblem(SearchProblemCode.BAD_VECTOR, "face_vector 应为数值列表")
    try:
        return [float(value) for value in vector]
    except OverflowError:
        raise SearchProblem(SearchProblemCode.BAD_VECTOR, "face_vector 应只含有限的数值") from None


def read_engine(body: Body) -> str | None:
    """`engine`, beyond the document: which engine made the vector. Raises SearchProblem."""
    engine = body.get("engine")
    if engine is not None and (not isinstance(engine, str) or len(engine) > _MOST_TEXT):
        raise SearchProblem(SearchProblemCode.WRONG_ENGINE, "engine 应为字符串")
    return engine or None


def read_plate(body: Body) -> str:
    """`licence_plate`. Raises SearchProblem."""
    plate = body.get("licence_plate")
    if plate is None or plate == "":
        raise SearchProblem(SearchProblemCode.MISSING_PLATE, "Licence plate is required")
    if not isinstance(plate, str):
        raise SearchProblem(SearchProblemCode.BAD_PLATE, "licence_plate 应为字符串")
    return plate


def read_wanted(values: Mapping[str, Any], *, default_threshold: float, least_threshold: float = 0.0) -> Wanted:
    """`threshold`, `limit` and `offset`, all beyond the document, as JSON or as a form has them. Raises SearchProblem."""
    threshold = _number(values.get("threshold"), default_threshold)
    if threshold is None or not least_threshold <= threshold <= 1:
        raise SearchProblem(SearchProblemCode.BAD_THRESHOLD, f"threshold 应为 {least_threshold:g} 到 1 之间的数值")
    most = settings.KIOSK.sighting_results
    limit = _number(values.get("limit"), min(settings.KIOSK.sighting_results_default, most))
    if limit is None or limit != int(limit) or not 1 <= limit <= most:
        raise SearchProblem(SearchProblemCode.BAD_LIMIT, f"limit 应为 1 到 {most} 之间的整数")
    offset = _number(values.get("offset"), 0)
    if offset is None or offset != int(offset) or not 0 <= offset <= most - limit:
        raise SearchProblem(SearchProblemCode.BAD_LIMIT, f"offset 应为不小于 0 的整数，且与 limit 之和不超过 {most}")
    return Wanted(threshold, int(limit), int(offset))


def read_plate_wanted(values: Mapping[str, Any]) -> Wanted:
    """The same for plates, which no index searches below MIN_THRESHOLD."""
    return read_wanted(values, default_threshold=settings.KIOSK.plate_threshold, least_threshold=MIN_THRESHOLD)


def read_face_wanted(values: Mapping[str, Any]) -> Wanted:
    """The same for faces."""
    return read_wanted(values, default_threshold=settings.KIOSK.sighting_threshold)


def _number(value: Any, default: float) -> float | None:
    """A finite number, which a form has as a text; None for anything else."""
    if value is None or value == "":
        return default
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float, str))
        or (isinstance(value, str) and len(value) > _MOST_TEXT)
    ):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


class _Page(serializers.Serializer[Any]):
    limit = serializers.IntegerField(required=False, help_text="最多返回的结果数")
    offset = serializers.IntegerField(required=False, help_text="跳过的结果数")


class FaceDetectRequestSchema(_Page):
    """The multipart body of /face-detect."""

    image = serializers.FileField(help_text="一张人脸照片：JPEG、PNG、BMP 或静态 WebP；多张人脸时取最大的一张")
    threshold = serializers.FloatField(required=False, min_value=0, max_value=1)


class SearchFaceRequestSchema(_Page):
    """The body of /search-face."""

    face_vector = serializers.ListField(
        child=serializers.FloatField(), help_text="当前引擎的特征向量：insightface 512 维，dlib 128 维"
    )
    engine = serializers.CharField(required=False, help_text="生成向量的引擎，与当前引擎不同则拒绝")
    threshold = serializers.FloatField(required=False, min_value=0, max_value=1)


class PlateRequestSchema(_Page):
    """The body of /licence-plate and /search-licence-plate."""

    licence_plate = serializers.CharField(help_text="车牌号，全角、小写与分隔符均可；? 代表一个字符，* 代表任意个")
    threshold = serializers.FloatField(required=False, min_value=MIN_THRESHOLD, max_value=1)


class _SeenSchema(serializers.Serializer[Any]):
    time = serializers.IntegerField(help_text="图像在视频中对应的毫秒数")
    timestamp = serializers.IntegerField(help_text="同 time")
    video = serializers.UUIDField()
    score = serializers.FloatField()


class FaceSeenSchema(_SeenSchema):
    """One line of /face-detect."""

    similar_face = serializers.URLField(help_text="永久链接")


class PlateSeenSchema(_SeenSchema):
    """One line of /licence-plate."""

    car_image = serializers.URLField(help_text="永久链接")
    plate = serializers.CharField()


class _ResultSchema(serializers.Serializer[Any]):
    pic = serializers.URLField()
    time = serializers.CharField(help_text="mm:ss，超过一小时分钟数继续累加")
    time_ms = serializers.IntegerField()
    video = serializers.UUIDField()
    score = serializers.FloatField()


class _PlateResultSchema(_ResultSchema):
    plate = serializers.CharField()


class FaceResultsSchema(serializers.Serializer[Any]):
    """The answer of /search-face."""

    results = _ResultSchema(many=True)


class PlateResultsSchema(serializers.Serializer[Any]):
    """The answer of /search-licence-plate."""

    results = _PlateResultSchema(many=True)


class SearchProblemSchema(serializers.Serializer[Any]):
    """Every error of the four searches."""

    error = serializers.CharField()
    code = serializers.CharField()
