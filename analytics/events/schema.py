"""Schemas of GET /getmediadevices for the API docs; nothing is parsed by them."""

from __future__ import annotations

from rest_framework import serializers

from analytics.models import DeviceType


class DeviceSchema(serializers.Serializer[object]):
    """One device."""

    media_device_id = serializers.UUIDField(help_text="事件中的 media_device_id，可用于 media_device_ids")
    media_device_name = serializers.CharField()
    media_device_ip = serializers.CharField(help_text="未知时为空", allow_blank=True)
    media_device_type = serializers.ChoiceField(DeviceType.choices)
    zone = serializers.CharField(help_text="在大厅中的位置", allow_blank=True)
    enabled = serializers.BooleanField()
    working = serializers.BooleanField(help_text="启用且没有故障")
    last_seen = serializers.IntegerField(help_text="最近一帧的毫秒时间戳；没有时为 null", allow_null=True)


class DevicesSchema(serializers.Serializer[object]):
    """The answer."""

    type = serializers.CharField(default="getmediadevices")
    message = serializers.CharField(default="success")
    media_devices = DeviceSchema(many=True)


class DeviceErrorSchema(serializers.Serializer[object]):
    """A refusal."""

    type = serializers.CharField(default="getmediadevices")
    message = serializers.CharField(default="error")
    detail = serializers.CharField(help_text="原因")
