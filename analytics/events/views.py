"""The HTTP door of the events: GET /getmediadevices, which protocol 001 names and leaves open."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.events.devices import known_devices
from analytics.events.messages import device_body
from analytics.events.schema import DeviceErrorSchema, DevicesSchema
from kiosk.api.scopes import Scope
from kiosk.api.views import ProtocolView, Refusal, RefusalKind

_KIND = "getmediadevices"


class MediaDevicesView(ProtocolView):
    """Which devices there are, for media_device_ids of the event socket; never their addresses."""

    http_method_names = ["get", "head"]

    def required_scope(self, request: Request) -> Scope:  # noqa: ARG002
        return Scope.EVENTS

    def refused(self, refusal: Refusal) -> Response:
        detail = "仅支持 GET 请求" if refusal.kind is RefusalKind.METHOD else refusal.message
        return Response({"type": _KIND, "message": "error", "detail": detail}, status=refusal.http_status)

    @extend_schema(
        operation_id="getmediadevices",
        summary="设备列表",
        responses={200: DevicesSchema, 401: DeviceErrorSchema, 403: DeviceErrorSchema, 405: DeviceErrorSchema},
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002 - there is nothing to ask for
        devices = [device_body(device) for device in known_devices()]
        return Response({"type": _KIND, "message": "success", "media_devices": devices})
