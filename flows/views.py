"""The flow POSTs: handshake, storage, summary (platform protocol, 流程). HTTP status is 200 always; `type` tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from flows import messages
from flows.dialogue.errors import FlowError
from flows.dialogue.handshake import shake_hands
from flows.dialogue.storage import store
from flows.dialogue.summary import summarise
from flows.messages import POSTED, Body, FlowType, failed, flow_body
from flows.schema import HANDSHAKE_EXAMPLES, STORAGE_EXAMPLES, SUMMARY_EXAMPLES
from flows.serializers import (
    FailureSchema,
    HandshakeFormSchema,
    HandshakeRequestSchema,
    HandshakeResponseSchema,
    StorageResponseSchema,
    SummaryResponseSchema,
    VisitRequestSchema,
    audio_too_large,
    echo,
    read_handshake,
    read_hash,
    read_user_id,
)
from kiosk.api.scopes import Scope
from kiosk.api.views import BodyTooLarge, MalformedBody, ProtocolView, Refusal, RefusalKind

_MULTIPART = "multipart/form-data"
_MEBIBYTE = 1024 * 1024


class FlowView(ProtocolView):
    """Every flow POST on one path, told apart by `type`; a subclass answers one of them on a path of its own."""

    kind: ClassVar[FlowType | None] = None
    _body: Body | None = None

    def required_scope(self, request: Request) -> Scope:  # noqa: ARG002
        return Scope.FLOWS

    def refused(self, refusal: Refusal) -> Response:
        user_id, token = echo(self._body or {})
        kind = FlowType.BUSY if refusal.kind is RefusalKind.THROTTLED else FlowType.ERROR
        return Response(failed(user_id, kind, token, refusal.message))

    def post(self, request: Request) -> Response:
        body = self._body = self._read(request)
        try:
            return Response(_ANSWERS[self._kind_of(body)](body))
        except FlowError as error:
            user_id, token = echo(body)
            return Response(failed(user_id, messages.error_type(error.code), error.hash or token, error.detail))

    def _read(self, request: Request) -> Body:
        if request._request.content_type == _MULTIPART:  # noqa: SLF001 - not by DRF's parsers, see ProtocolView
            return _read_form(request._request)  # noqa: SLF001
        return self.json_object(request)

    def _kind_of(self, body: Body) -> FlowType:
        """Raises MalformedBody."""
        asked = body.get("type", self.kind)
        if asked in {FlowType.QNA, FlowType.FACE_TRAIN} if isinstance(asked, str) else False:
            raise MalformedBody(messages.ON_THE_SOCKET)
        if not isinstance(asked, str) or asked not in POSTED:
            raise MalformedBody(messages.UNKNOWN_TYPE)
        if self.kind is not None and asked != self.kind:
            raise MalformedBody(messages.WRONG_PATH)
        return FlowType(asked)


def _answers(name: str, schema: Any) -> dict[int, Any]:
    """The answer, or one of the protocol's special ones."""
    return {200: PolymorphicProxySerializer(name, [schema, FailureSchema], resource_type_field_name=None)}


class HandshakeView(FlowView):
    """POST /handshake."""

    kind = FlowType.HANDSHAKE

    @extend_schema(
        operation_id="handshake",
        summary="首次连接（握手）：文本或语音",
        request={"application/json": HandshakeRequestSchema, _MULTIPART: HandshakeFormSchema},
        responses=_answers("HandshakeAnswer", HandshakeResponseSchema),
        examples=HANDSHAKE_EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        return super().post(request)


class StorageView(FlowView):
    """POST /storage."""

    kind = FlowType.STORAGE

    @extend_schema(
        operation_id="storage",
        summary="录入（询问完成时）",
        request=VisitRequestSchema,
        responses=_answers("StorageAnswer", StorageResponseSchema),
        examples=STORAGE_EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        return super().post(request)


class SummaryView(FlowView):
    """POST /summary."""

    kind = FlowType.SUMMARY

    @extend_schema(
        operation_id="summary",
        summary="总结呈现",
        request=VisitRequestSchema,
        responses=_answers("SummaryAnswer", SummaryResponseSchema),
        examples=SUMMARY_EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        return super().post(request)


def _handshake(body: Body) -> Body:
    asked = read_handshake(body)
    return messages.handshake_body(asked.user_id, shake_hands(asked))


def _storage(body: Body) -> Body:
    user_id, token = read_user_id(body), read_hash(body)
    return flow_body(user_id, FlowType.STORAGE, token, output=store(user_id, token))


def _summary(body: Body) -> Body:
    user_id, token = read_user_id(body), read_hash(body)
    return flow_body(user_id, FlowType.SUMMARY, token, output=summarise(user_id, token))


_ANSWERS: dict[FlowType, Callable[[Body], Body]] = {
    FlowType.HANDSHAKE: _handshake,
    FlowType.STORAGE: _storage,
    FlowType.SUMMARY: _summary,
}


def _read_form(request: HttpRequest) -> Body:
    """A multipart handshake as the JSON one would be, `media` as bytes. Raises MalformedBody, BodyTooLarge or FlowError."""
    _refuse_foreign_page(request)
    try:
        fields, files = request.POST, request.FILES
    except RequestDataTooBig:
        raise BodyTooLarge("请求体过大") from None
    except (MultiPartParserError, UnreadablePostError, SuspiciousOperation):
        raise MalformedBody("multipart 请求体不完整") from None
    body: Body = {key: fields[key] for key in ("user_id", "type", "hash") if key in fields}
    if fields.get("info"):
        try:
            body["info"] = orjson.loads(fields["info"])
        except orjson.JSONDecodeError:
            raise MalformedBody("info 不是有效的 JSON") from None
    media = files.get("media")
    if isinstance(media, UploadedFile):
        body["input"] = {"type": "audio", "media": _sound(media)}
    return body


def _sound(media: UploadedFile[bytes]) -> bytes:
    if (media.size or 0) > settings.KIOSK.audio_mb * _MEBIBYTE:
        raise MalformedBody(audio_too_large().detail)
    sound: bytes = media.read()
    return sound


def _refuse_foreign_page(request: HttpRequest) -> None:
    """A browser sends a form to any site without asking, but says from where; JSON needs no such care."""
    origin = request.headers.get("Origin", "")
    if origin and urlsplit(origin).netloc != request.get_host():
        raise MalformedBody("不接受其他网站提交的表单")
