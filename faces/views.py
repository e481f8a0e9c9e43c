"""The HTTP doors of this app: /recognize and /recognize/batch 5.0, POST /face, and links to photos."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError
from django.http import FileResponse, Http404, HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from faces import messages
from faces.enrolment import NewPerson, enrol_person
from faces.errors import FaceError
from faces.messages import Body, envelope, face_body
from faces.photos import path_of, photo_url
from faces.recognition import Verdict, recognise, recognise_batch
from faces.schema import BATCH_EXAMPLES, FACE_EXAMPLES, RECOGNISE_EXAMPLES
from faces.selectors import list_persons, note_ids_listed
from faces.serializers import (
    BatchRequestSchema,
    BatchResponseSchema,
    FaceRequestSchema,
    FaceResponseSchema,
    RecogniseRequestSchema,
    RecogniseResponseSchema,
    read_recognise_request,
)
from faces.workers import face_workers
from kiosk.api.scopes import Scope
from kiosk.api.views import BodyTooLarge, MalformedBody, ProtocolView, Refusal, RefusalKind
from kiosk.runtime.payloads import PayloadError, PayloadMissing, decode_base64_image

_MEBIBYTE = 1024 * 1024


def _max_photo_bytes() -> int:
    limit: int = settings.KIOSK.image_mb * _MEBIBYTE
    return limit


class _RecogniseBase(ProtocolView):
    """What the two routes share: HTTP 200 always, refusals as statusCode 400, too many requests as 429."""

    picture_keys = frozenset({"photo", "photos"})

    def required_scope(self, request: Request) -> Scope:  # noqa: ARG002
        return Scope.FACES_RECOGNISE

    def refused(self, refusal: Refusal) -> Response:
        match refusal.kind:
            case RefusalKind.THROTTLED:
                return Response(envelope(429, refusal.message))
            case RefusalKind.INTERNAL:
                return Response(envelope(501, f"人脸检测服务内部错误: {refusal.message}"))
            case _:
                return Response(envelope(400, refusal.message))


class RecogniseView(_RecogniseBase):
    """POST /recognize, version 5.0."""

    @extend_schema(
        operation_id="recognize",
        summary="单张图片人脸识别",
        request=RecogniseRequestSchema,
        responses={200: RecogniseResponseSchema},
        examples=RECOGNISE_EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        body = self.json_object(request)
        asked = read_recognise_request(body)
        try:
            photo = decode_base64_image(body.pop("photo", None), max_bytes=_max_photo_bytes())
            found = recognise(photo, threshold=asked.threshold, targets=asked.targets)
        except (PayloadError, FaceError) as error:
            return Response(messages.recognition_error(error))
        return Response(messages.recognition_body(found))


class RecogniseBatchView(_RecogniseBase):
    """POST /recognize/batch, version 5.0."""

    @extend_schema(
        operation_id="recognize_batch",
        summary="批量识别（多帧独立识别并聚合）",
        request=BatchRequestSchema,
        responses={200: BatchResponseSchema},
        examples=BATCH_EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        body = self.json_object(request)
        photos = body.get("photos")
        if photos is None or photos == []:
            return Response(envelope(400, messages.NO_PHOTOS))
        if not isinstance(photos, list):
            raise MalformedBody("photos 应为列表")
        if len(photos) > settings.KIOSK.batch_photos:
            raise MalformedBody(f"photos 不能超过 {settings.KIOSK.batch_photos} 张")
        asked = read_recognise_request(body)
        try:
            found = recognise_batch(photos, max_photo_bytes=_max_photo_bytes(), threshold=asked.threshold, targets=asked.targets)
        except FaceError as error:
            return Response(messages.recognition_error(error))
        return Response(messages.batch_body(found))


class FaceView(ProtocolView):
    """POST /face, the Face Handle API: add, find, list."""

    picture_keys = frozenset({"image"})

    def required_scope(self, request: Request) -> Scope:
        """By the action; a request that names none is answered with the protocol's error, which any token may see."""
        try:
            action = self.json_object(request).get("action")
        except (MalformedBody, BodyTooLarge):
            action = None
        return {"add": Scope.FACES_ENROL, "list": Scope.FACES_LIST}.get(str(action), Scope.FACES_RECOGNISE)

    def refused(self, refusal: Refusal) -> Response:
        message = messages.MISSING_ACTION if refusal.kind is RefusalKind.MALFORMED else refusal.message
        # A body that can't be read is a documented error, which is told in the body alone.
        status = 200 if refusal.kind is RefusalKind.MALFORMED else refusal.http_status
        return Response(face_body("error", message), status=status)

    @extend_schema(
        operation_id="face",
        summary="人脸库：添加、查找、列出人员",
        request=FaceRequestSchema,
        responses={200: FaceResponseSchema},
        examples=FACE_EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        body = self.json_object(request)
        action = body.get("action")
        if action is None or action == "":
            return Response(face_body("error", messages.MISSING_ACTION))
        actions: dict[str, Callable[[Request, Body], Body]] = {"add": _add, "find": _find, "list": _list}
        if not isinstance(action, str) or action not in actions:
            return Response(face_body("error", messages.unknown_action(action)))
        if body.get("type", "face") != "face":
            return Response(face_body("error", messages.MISSING_PARAMETERS))
        return Response(actions[action](request, body))


def _add(request: Request, body: Body) -> Body:
    name, image = body.get("name"), body.get("image")
    if not isinstance(name, str) or not name.strip() or not image:
        return face_body("error", messages.MISSING_PARAMETERS)
    try:
        sample = enrol_person(NewPerson(name=name), decode_base64_image(image, max_bytes=_max_photo_bytes()))
    except PayloadMissing:
        return face_body("error", messages.MISSING_PARAMETERS)
    except (PayloadError, FaceError) as error:
        return face_body("error", f"{messages.ADD_FAILED}: {messages.photo_reason(error)}", action="add")
    except DatabaseError:
        return face_body("error", f"{messages.ADD_FAILED}: 数据库连接失败", action="add")
    person = sample.person
    data = {
        "name": person.name,
        "entity_id": person.entity_id,
        "oss_url": request.build_absolute_uri(photo_url(str(sample.photo.name))),
        "method": _method(),
    }
    return face_body("success", messages.added(person.name), action="add", data=data)


def _find(_request: Request, body: Body) -> Body:
    image = body.get("image")
    if not image:
        return face_body("error", messages.MISSING_IMAGE)
    try:
        found = recognise(decode_base64_image(image, max_bytes=_max_photo_bytes()), threshold=settings.KIOSK.face_threshold)
    except PayloadMissing:
        return face_body("error", messages.MISSING_IMAGE)
    except (PayloadError, FaceError) as error:
        return face_body("error", f"{messages.FIND_FAILED}: {messages.photo_reason(error)}", action="find")
    except DatabaseError:
        return face_body("error", f"{messages.FIND_FAILED}: 数据库连接失败", action="find")
    if found.box is None:
        return face_body("error", f"{messages.FIND_FAILED}: {messages.NO_FACE_IN_FRAME}", action="find")
    if found.verdict is Verdict.TOO_SMALL:
        return face_body("error", f"{messages.FIND_FAILED}: {messages.too_small(found.box)}", action="find")
    if not found.matches:
        return face_body("error", messages.NOT_FOUND, action="find", data={"search_method": _method()})
    best = found.matches[0]
    data: Body = {
        "name": best.person.name,
        "entity_id": best.person.entity_id,
        "confidence": round(best.similarity, 4),
        "search_method": _method(),
    }
    return face_body("success", messages.FOUND, action="find", data=data)


def _list(_request: Request, _body: Body) -> Body:
    try:
        people = list_persons()
        note_ids_listed([person["entity_id"] for person in people])
    except DatabaseError:
        return face_body("error", f"{messages.LIST_FAILED}: 数据库连接失败", action="list")
    return face_body("success", messages.listed(len(people)), action="list", data={"count": len(people), "people": people})


def _method() -> str:
    """data.method and data.search_method: the engine and the storage that really did it."""
    return f"{face_workers().spec.name}_with_{settings.KIOSK.media_storage}"


def photo(_request: HttpRequest, token: str) -> FileResponse:
    """A stored photo, for whoever holds a link that has not expired (faces.photos)."""
    path = path_of(token)
    if path is None or not default_storage.exists(path):
        raise Http404
    response = FileResponse(default_storage.open(path), content_type="image/jpeg")
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
