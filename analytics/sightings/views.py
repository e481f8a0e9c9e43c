"""The HTTP doors of the searches: /face-detect and /licence-plate, streamed, and /search-face and /search-licence-plate (003)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import orjson
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.models import PlateSighting
from analytics.sightings import messages
from analytics.sightings.errors import SearchProblem, SearchProblemCode
from analytics.sightings.searching import (
    Found,
    Seen,
    engine_info,
    find_by_embedding,
    find_by_photo,
    find_by_plate,
    in_order_of_time,
)
from analytics.sightings.serializers import (
    FaceDetectRequestSchema,
    FaceResultsSchema,
    FaceSeenSchema,
    PlateRequestSchema,
    PlateResultsSchema,
    PlateSeenSchema,
    SearchFaceRequestSchema,
    SearchProblemSchema,
    read_engine,
    read_face_wanted,
    read_image,
    read_plate,
    read_plate_wanted,
    read_vector,
)
from analytics.videos.answers import Body
from kiosk.api.scopes import Scope
from kiosk.api.views import ProtocolView, Refusal

NDJSON: Final = "application/x-ndjson"
_STREAMED: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_RETRY_SECONDS: Final = "5"


class _SearchView(ProtocolView):
    """What the routes share: the scope, and {"error", "code"} for everything that goes wrong."""

    def required_scope(self, request: Request) -> Scope:  # noqa: ARG002
        return Scope.SIGHTINGS

    def refused(self, refusal: Refusal) -> Response:
        return Response({"error": refusal.message, "code": str(refusal.kind)}, status=refusal.http_status)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, SearchProblem):
            response = Response(messages.problem_body(exc), status=messages.problem_status(exc.code))
            if exc.code in {SearchProblemCode.BUSY, SearchProblemCode.UNAVAILABLE}:
                response.headers["Retry-After"] = _RETRY_SECONDS
            return response
        return super().handle_exception(exc)


class FaceDetectView(_SearchView):
    """POST /face-detect."""

    @extend_schema(
        operation_id="face_detect",
        summary="以图搜人：逐行返回该人脸在视频中出现的图片与时间",
        request={"multipart/form-data": FaceDetectRequestSchema},
        responses={(200, NDJSON): FaceSeenSchema, (400, "application/json"): SearchProblemSchema},
    )
    def post(self, request: Request) -> HttpResponseBase:
        form = request._request  # noqa: SLF001 - not by DRF's parsers, see ProtocolView
        image = read_image(form)
        wanted = read_face_wanted(form.POST)
        answer = find_by_photo(image, threshold=wanted.threshold, limit=wanted.limit, offset=wanted.offset)
        return _stream(in_order_of_time(answer.found), lambda found: messages.face_line(request, found))


class LicencePlateView(_SearchView):
    """POST /licence-plate."""

    @extend_schema(
        operation_id="licence_plate",
        summary="以车牌号搜车：逐行返回该车在视频中出现的图片与时间",
        request=PlateRequestSchema,
        responses={(200, NDJSON): PlateSeenSchema, (400, "application/json"): SearchProblemSchema},
    )
    def post(self, request: Request) -> HttpResponseBase:
        found = _plates(self.json_object(request))
        same = [one for one in found if one.score == 1]
        similar = [one for one in found if one.score < 1]
        return _stream([*in_order_of_time(same), *similar], lambda one: messages.plate_line(request, one))


class SearchFaceView(_SearchView):
    """POST /search-face."""

    @extend_schema(
        operation_id="search_face",
        summary="数据端：以人脸特征向量检索",
        request=SearchFaceRequestSchema,
        responses={200: FaceResultsSchema, 400: SearchProblemSchema},
    )
    def post(self, request: Request) -> Response:
        body = self.json_object(request)
        vector, engine, wanted = read_vector(body), read_engine(body), read_face_wanted(body)
        if engine is not None:
            running = engine_info()
            if engine not in {running.name, running.identity}:
                raise SearchProblem(SearchProblemCode.WRONG_ENGINE, f"当前引擎为 {running.identity}，不能与其他引擎的向量比较")
        found = find_by_embedding(vector, threshold=wanted.threshold, limit=wanted.limit, offset=wanted.offset)
        return Response(messages.face_results(request, found))


class SearchLicencePlateView(_SearchView):
    """POST /search-licence-plate."""

    @extend_schema(
        operation_id="search_licence_plate",
        summary="数据端：以车牌号检索",
        request=PlateRequestSchema,
        responses={200: PlateResultsSchema, 400: SearchProblemSchema},
    )
    def post(self, request: Request) -> Response:
        return Response(messages.plate_results(request, _plates(self.json_object(request))))


def _plates(body: Body) -> list[Found[PlateSighting]]:
    plate, wanted = read_plate(body), read_plate_wanted(body)
    return find_by_plate(plate, threshold=wanted.threshold, limit=wanted.limit, offset=wanted.offset)


def _stream(found: Sequence[Found[Seen]], line: Callable[[Found[Seen]], Body]) -> StreamingHttpResponse:
    """A line of JSON for each, sent one by one."""

    async def lines() -> AsyncIterator[bytes]:
        for one in found:
            yield orjson.dumps(line(one), option=orjson.OPT_APPEND_NEWLINE)

    return StreamingHttpResponse(lines(), content_type=NDJSON, headers=_STREAMED)
