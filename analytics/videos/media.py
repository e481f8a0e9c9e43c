"""What permanent links lead to: pictures and processed videos, in ranges where a player asks for them.

From the file system they are sent by WhiteNoise's file responder, which knows ranges, HEAD and conditional requests; from
S3-compatible storage the link redirects to the storage's own signed URL of a short life.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.views.decorators.http import require_safe
from whitenoise.responders import MissingFileError, StaticFile

from analytics.models import FaceSighting, PlateSighting, Video
from kiosk.runtime.threads import work_threads

_PIECE_BYTES = 256 * 1024
_HEADERS = {
    # Once the row is deleted nobody may still have it from a cache.
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class _RangedFile(StaticFile):  # type: ignore[misc]
    """WhiteNoise's, that takes a range of one byte for an empty one: such a range is passed over, as RFC 9110 allows."""

    def get_byte_range(self, range_header: str, size: int) -> tuple[int, int]:
        start, end = super().get_byte_range(range_header, size)
        if start == end:
            raise ValueError(range_header)
        return start, end


@require_safe
def face_picture(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """The picture of a face in a video."""
    return _send(request, _stored(FaceSighting, public_id, "picture"), "image/jpeg")


@require_safe
def car_picture(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """The picture of a car whose plate was read."""
    return _send(request, _stored(PlateSighting, public_id, "picture"), "image/jpeg")


@require_safe
def processed_video(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """A video with boxes drawn."""
    return _send(request, _stored(Video, public_id, "processed"), "video/mp4")


def _stored(model: type[Model], public_id: UUID, field: str) -> str:
    """The name in the storage; Http404 where the row is gone or has none."""
    name = model._default_manager.filter(public_id=public_id).values_list(field, flat=True).first()  # noqa: SLF001
    if not name:
        raise Http404
    return str(name)


def _send(request: HttpRequest, name: str, content_type: str) -> HttpResponseBase:
    if settings.KIOSK.media_storage != "filesystem":
        redirect = HttpResponseRedirect(default_storage.url(name))
        for header, value in _HEADERS.items():
            redirect.headers[header] = value
        return redirect
    try:
        file = _RangedFile(
            default_storage.path(name), [*_HEADERS.items(), ("Content-Type", content_type), ("Accept-Ranges", "bytes")]
        )
    except MissingFileError:
        raise Http404 from None
    answer = file.get_response(request.method, request.META)
    response: HttpResponseBase
    if answer.file is None:
        response = HttpResponse(status=answer.status)
    else:
        response = StreamingHttpResponse(_pieces(answer.file), status=answer.status)
    for header, value in answer.headers:
        response.headers[header] = value
    return response


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    """The file piece by piece, read on threads; a client that goes away ends it."""
    loop = asyncio.get_running_loop()
    try:
        while piece := await loop.run_in_executor(work_threads(), file.read, _PIECE_BYTES):
            yield piece
    finally:
        file.close()
