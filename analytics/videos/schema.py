"""How the OpenAPI document shows the requests and answers of videos."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from analytics.models import VideoState
from faces.serializers import BoxSchema


class VideoRequestSchema(serializers.Serializer[Any]):
    """The multipart body of /video and /video-streaming."""

    video = serializers.FileField(help_text="视频文件")
    interval = serializers.IntegerField(help_text="处理间隙，单位毫秒")
    lines = serializers.CharField(
        required=False, help_text='计数线的 JSON 列表：[{"name", "start": [x, y], "end": [x, y]}]，坐标为画面的比例'
    )
    zones = serializers.CharField(required=False, help_text='区域的 JSON 列表：[{"name", "corners": [[x, y], …]}]')
    device = serializers.UUIDField(required=False, help_text="采集设备；请求没有 lines 与 zones 时用设备的")
    recorded_at = serializers.DateTimeField(required=False, help_text="第一帧的拍摄时间")


class FaceInVideoSchema(serializers.Serializer[Any]):
    """One appearance of a face."""

    time = serializers.IntegerField(help_text="毫秒")
    image = serializers.URLField(help_text="永久链接")
    bbox = BoxSchema()
    quality = serializers.FloatField()


class PlateInVideoSchema(serializers.Serializer[Any]):
    """One vehicle's plate."""

    time = serializers.IntegerField(help_text="毫秒")
    image = serializers.URLField(help_text="永久链接")
    bbox = BoxSchema()
    licence_plate = serializers.CharField()
    kind = serializers.CharField()
    colour = serializers.CharField()
    confidence = serializers.FloatField()


class ResultSchema(serializers.Serializer[Any]):
    """The answer of /video: the five documented keys, and what more there is."""

    processed_video_url = serializers.URLField(help_text="永久链接")
    pedestrian_counts = serializers.ListField(child=serializers.IntegerField())
    vehicle_counts = serializers.ListField(child=serializers.IntegerField())
    pedestrians_per_interval = serializers.ListField(child=serializers.IntegerField())
    vehicles_per_interval = serializers.ListField(child=serializers.IntegerField())
    id = serializers.UUIDField()
    interval = serializers.IntegerField()
    duration_ms = serializers.IntegerField()
    detector = serializers.CharField()
    broken_at_ms = serializers.IntegerField(allow_null=True, help_text="视频从此处损坏；此前的内容已分析")
    passages = serializers.DictField(help_text="计数线与区域的结果")
    faces = FaceInVideoSchema(many=True)
    plates = PlateInVideoSchema(many=True)


class ProblemSchema(serializers.Serializer[Any]):
    """Every error."""

    error = serializers.CharField()
    code = serializers.CharField()
    time = serializers.IntegerField(required=False)


class JobSchema(serializers.Serializer[Any]):
    """The state of a job."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=VideoState.values)
    progress = serializers.FloatField(help_text="0 到 1")
    waiting_before = serializers.IntegerField()
    url = serializers.URLField()
    result = ResultSchema(required=False)
    error = serializers.CharField(required=False)
    code = serializers.CharField(required=False)


class StreamObjectSchema(serializers.Serializer[Any]):
    """One line of /video-streaming."""

    frame_base64 = serializers.CharField()
    people_count = serializers.IntegerField()
    vehicle_count = serializers.IntegerField()
    pedestrians_per_interval = serializers.IntegerField()
    vehicles_per_interval = serializers.IntegerField()
    time = serializers.IntegerField(help_text="毫秒")
    timestamp = serializers.IntegerField(help_text="毫秒，同 time")
