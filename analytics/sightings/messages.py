"""The bodies of the four searches (protocol 003), and the status of each error."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from analytics.models import FaceSighting, PlateSighting
from analytics.sightings.errors import SearchProblem, SearchProblemCode
from analytics.sightings.searching import Found
from analytics.videos.answers import Body, Request
from analytics.videos.links import picture_url

_MILLISECONDS: Final = 1000
_MINUTE: Final = 60

_STATUS: Final = {
    SearchProblemCode.IMAGE_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    SearchProblemCode.NO_FACE: HTTPStatus.UNPROCESSABLE_ENTITY,
    SearchProblemCode.FACE_TOO_SMALL: HTTPStatus.UNPROCESSABLE_ENTITY,
    SearchProblemCode.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
    SearchProblemCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    SearchProblemCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def problem_status(code: SearchProblemCode) -> HTTPStatus:
    """400 for what the client should not have written."""
    return _STATUS.get(code, HTTPStatus.BAD_REQUEST)


def problem_body(problem: SearchProblem) -> Body:
    """{"error": message, "code": stable code}."""
    return {"error": problem.message, "code": problem.code}


def face_line(request: Request, found: Found[FaceSighting]) -> Body:
    """One object of /face-detect."""
    return _line(found) | {"similar_face": picture_url(request, found.sighting)}


def plate_line(request: Request, found: Found[PlateSighting]) -> Body:
    """One object of /licence-plate."""
    return _line(found) | {"car_image": picture_url(request, found.sighting), "plate": found.sighting.text}


def face_results(request: Request, found: list[Found[FaceSighting]]) -> Body:
    """The answer of /search-face."""
    return {"results": [_result(request, one) for one in found]}


def plate_results(request: Request, found: list[Found[PlateSighting]]) -> Body:
    """The answer of /search-licence-plate."""
    return {"results": [_result(request, one) | {"plate": one.sighting.text} for one in found]}


def clock(time_ms: int) -> str:
    """mm:ss, as the document writes it; from an hour on the minutes go on: 75:09."""
    minutes, seconds = divmod(time_ms // _MILLISECONDS, _MINUTE)
    return f"{minutes:02}:{seconds:02}"


def _line(found: Found[Any]) -> Body:
    sighting = found.sighting
    return {
        "time": sighting.time_ms,
        "timestamp": sighting.time_ms,
        "video": str(sighting.video.public_id),
        "score": found.score,
    }


def _result(request: Request, found: Found[Any]) -> Body:
    sighting = found.sighting
    return {
        "pic": picture_url(request, sighting),
        "time": clock(sighting.time_ms),
        "time_ms": sighting.time_ms,
        "video": str(sighting.video.public_id),
        "score": found.score,
    }
