"""The HTTP doors of videos: POST /video, POST /video-streaming (protocol 003, 1 and 2), and the URLs of jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import TypeVar
from uuid import UUID

import orjson
from django.db import close_old_connections
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.models import VideoState
from analytics.videos import jobs
from analytics.videos.answers import (
    Body,
    job_body,
    job_url,
    problem_body,
    problem_of,
    problem_status,
    result_body,
)
from analytics.videos.errors import ProblemCode, VideoProblem
from analytics.videos.schema import JobSchema, ProblemSchema, ResultSchema, StreamObjectSchema, VideoRequestSchema
from analytics.videos.streaming import lines, video_processes
from analytics.videos.uploads import read_upload
from kiosk.api.authentication import ApiClient
from kiosk.api.scopes import Scope
from kiosk.api.views import ProtocolView, Refusal, RefusalKind
from kiosk.handler import DeferredResponse
from kiosk.runtime.threads import work_threads

T = TypeVar("T")

_FIRST_LOOK_SECONDS = 0.1
_MOST_SECONDS = 1.0
"""Between two looks at a job that a client waits for."""
NDJSON = "application/x-ndjson"


class _VideoView(ProtocolView):
    """What the routes share: the scope, and {"error", "code"} for everything that goes wrong."""

    def required_scope(self, request: Request) -> Scope:  # noqa: ARG002
        return Scope.VIDEOS

    def refused(self, refusal: Refusal) -> Response:
        return Response({"error": refusal.message, "code": str(refusal.kind)}, status=refusal.http_status)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, VideoProblem):
            response = Response(problem_body(exc), status=problem_status(exc.code))
            if exc.code is ProblemCode.BUSY:
                response.headers["Retry-After"] = "5"
            return response
        return super().handle_exception(exc)


class VideoView(_VideoView):
    """POST /video."""

    @extend_schema(
        operation_id="video",
        summary="视频统计：上传视频与处理间隙，返回处理后的视频与统计数据",
        request={"multipart/form-data": VideoRequestSchema},
        responses={200: ResultSchema, 202: JobSchema, (400, "application/json"): ProblemSchema},
    )
    def post(self, request: Request) -> HttpResponseBase:
        upload = read_upload(request._request)  # noqa: SLF001 - DRF's parsers keep files in memory
        video_processes().probe(upload.path)
        video = jobs.submit(upload, client=_client(request)).video
        if _respond_async(request):
            response = Response(job_body(request, video), status=HTTPStatus.ACCEPTED)
            response.headers["Location"] = job_url(request, video)
            response.headers["Preference-Applied"] = "respond-async"
            return response
        return DeferredResponse(lambda: _when_done(request, video.public_id))


class VideoStreamingView(_VideoView):
    """POST /video-streaming."""

    @extend_schema(
        operation_id="video_streaming",
        summary="视频逐帧处理：每处理一帧返回一行 JSON",
        request={"multipart/form-data": VideoRequestSchema},
        responses={(200, NDJSON): StreamObjectSchema, (400, "application/json"): ProblemSchema},
    )
    def post(self, request: Request) -> HttpResponseBase:
        stream = video_processes().open_stream(read_upload(request._request, hashed=False))  # noqa: SLF001
        return StreamingHttpResponse(
            lines(stream), content_type=NDJSON, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )


class VideoJobView(_VideoView):
    """GET and DELETE /video/jobs/ID."""

    http_method_names = ["get", "delete"]

    def refused(self, refusal: Refusal) -> Response:
        """As the others, but for what every one of them says of the method."""
        if refusal.kind is RefusalKind.METHOD:
            refusal = replace(refusal, message="仅支持 GET 与 DELETE 请求")
        return super().refused(refusal)

    @extend_schema(operation_id="video_job", summary="视频任务的状态、进度与结果", responses={200: JobSchema, 404: ProblemSchema})
    def get(self, request: Request, public_id: UUID) -> Response:
        return Response(job_body(request, jobs.find(public_id)))

    @extend_schema(
        operation_id="video_job_cancel",
        summary="取消视频任务",
        responses={200: JobSchema, 404: ProblemSchema, 409: ProblemSchema},
    )
    def delete(self, request: Request, public_id: UUID) -> Response:
        return Response(job_body(request, jobs.request_cancel(public_id)))


def _client(request: Request) -> str:
    return request.user.ident if isinstance(request.user, ApiClient) else ""


def _respond_async(request: Request) -> bool:
    """RFC 7240: whether the client prefers not to wait."""
    wishes = request.headers.get("Prefer", "").lower().split(",")
    return any(wish.split(";")[0].strip() == "respond-async" for wish in wishes)


async def _when_done(request: Request, public_id: UUID) -> HttpResponse:
    """The answer once the work is done. Looks at the row, on a thread for a moment each time."""
    pause = _FIRST_LOOK_SECONDS
    while True:
        answer = await _on_thread(lambda: _answer(request, public_id))
        if answer is not None:
            return answer
        await asyncio.sleep(pause)
        pause = min(_MOST_SECONDS, pause * 1.3)


def _answer(request: Request, public_id: UUID) -> HttpResponse | None:
    try:
        video = jobs.find(public_id)
    except VideoProblem as gone:
        return _json(problem_body(gone), problem_status(gone.code))
    problem = problem_of(video)
    if problem is not None:
        return _json(problem_body(problem), problem_status(problem.code))
    return _json(result_body(request, video)) if video.state == VideoState.DONE else None


def _json(body: Body, status: int = HTTPStatus.OK) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), content_type="application/json", status=status)


async def _on_thread(function: Callable[[], T]) -> T:
    def run() -> T:
        close_old_connections()
        return function()

    return await asyncio.get_running_loop().run_in_executor(work_threads(), run)
