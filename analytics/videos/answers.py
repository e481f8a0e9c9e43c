"""The bodies of protocol 003's answers about videos, and the status of each error."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Protocol

from django.urls import reverse

from analytics.models import FaceSighting, PlateSighting, Video, VideoState
from analytics.videos.errors import MESSAGES, ProblemCode, VideoProblem
from analytics.videos.jobs import queue_position
from analytics.videos.links import picture_url, processed_url

Body = dict[str, Any]

_STATUS: dict[ProblemCode, HTTPStatus] = {
    ProblemCode.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ProblemCode.NOT_A_VIDEO: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ProblemCode.NO_VIDEO_STREAM: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ProblemCode.UNSUPPORTED_CODEC: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ProblemCode.NO_FRAMES: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemCode.BAD_DIMENSIONS: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemCode.TOO_LONG: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemCode.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ProblemCode.FINISHED: HTTPStatus.CONFLICT,
    ProblemCode.CANCELLED: HTTPStatus.CONFLICT,
    ProblemCode.DETECTION_FAILED: HTTPStatus.INTERNAL_SERVER_ERROR,
    ProblemCode.STORAGE_FAILED: HTTPStatus.INSUFFICIENT_STORAGE,
    ProblemCode.WORKER_DIED: HTTPStatus.INTERNAL_SERVER_ERROR,
    ProblemCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}


class Request(Protocol):
    """What makes a path absolute."""

    def build_absolute_uri(self, location: str | None = None) -> str: ...


def problem_status(code: ProblemCode) -> HTTPStatus:
    """400 for what the client should not have written."""
    return _STATUS.get(code, HTTPStatus.BAD_REQUEST)


def problem_body(problem: VideoProblem) -> Body:
    """{"error": Chinese message, "code": stable code}, and `time` where the video says where."""
    body: Body = {"error": str(problem), "code": problem.code}
    return body if problem.at_ms is None else body | {"time": problem.at_ms}


def problem_of(video: Video) -> VideoProblem | None:
    """Why a video that ended has no result; None for one that has, or has not ended."""
    if video.state == VideoState.CANCELLED:
        return VideoProblem(ProblemCode.CANCELLED)
    if video.state == VideoState.FAILED:
        known = video.error_code in {code.value for code in MESSAGES}
        return VideoProblem(ProblemCode(video.error_code) if known else ProblemCode.INTERNAL, at_ms=video.error_at_ms)
    return None


def job_url(request: Request, video: Video) -> str:
    """Where a job's state is asked for."""
    return request.build_absolute_uri(reverse("analytics:video-job", args=[video.public_id]))


def result_body(request: Request, video: Video) -> Body:
    """The answer of /video (protocol 003, 1): the five documented keys, and what more there is."""
    intervals = list(video.intervals.order_by("position").values_list("people", "vehicles", "people_passed", "vehicles_passed"))
    return {
        "processed_video_url": processed_url(request, video),
        "pedestrian_counts": [people for people, _vehicles, _passed, _driven in intervals],
        "vehicle_counts": [vehicles for _people, vehicles, _passed, _driven in intervals],
        "pedestrians_per_interval": [passed for _people, _vehicles, passed, _driven in intervals],
        "vehicles_per_interval": [driven for _people, _vehicles, _passed, driven in intervals],
        "id": str(video.public_id),
        "interval": video.interval_ms,
        "duration_ms": video.duration_ms,
        "detector": video.detector,
        "broken_at_ms": video.broken_at_ms,
        "passages": video.passages,
        "faces": [_face(request, face) for face in _sightings(FaceSighting, video)],
        "plates": [_plate(request, plate) for plate in _sightings(PlateSighting, video)],
    }


def job_body(request: Request, video: Video) -> Body:
    """The answer of a job URL: state and progress; `result` once it is done, `error` and `code` where it failed."""
    body: Body = {
        "id": str(video.public_id),
        "state": video.state,
        "progress": round(video.progress, 3),
        "waiting_before": queue_position(video),
        "url": job_url(request, video),
    }
    problem = problem_of(video)
    if problem is not None:
        body |= problem_body(problem)
    if video.state == VideoState.DONE:
        body["result"] = result_body(request, video)
    return body


def _sightings(model: Any, video: Video) -> Any:
    rows = model.objects.filter(video=video).order_by("time_ms", "pk")
    return rows.defer("embedding") if model is FaceSighting else rows


def _face(request: Request, face: FaceSighting) -> Body:
    """Whom it shows is not told here: that is for /recognize and for staff."""
    return {
        "time": face.time_ms,
        "image": picture_url(request, face),
        "bbox": face.bbox.as_dict(),
        "quality": round(face.quality, 3),
    }


def _plate(request: Request, plate: PlateSighting) -> Body:
    return {
        "time": plate.time_ms,
        "image": picture_url(request, plate),
        "bbox": plate.bbox.as_dict(),
        "licence_plate": plate.text,
        "kind": plate.kind,
        "colour": plate.colour,
        "confidence": round(plate.confidence, 3),
    }
