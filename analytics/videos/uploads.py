"""The multipart body of /video and /video-streaming: streamed to the disk and hashed on the way, fields checked."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from analytics.models import MediaDevice
from analytics.videos.errors import ProblemCode, VideoProblem
from analytics.videos.marks import BadMarks, read_lines, read_zones
from analytics.zones import Line, Zone

MAX_NAME = 128
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


class _Hashing(TemporaryFileUploadHandler):
    """Writes every file to the disk, whatever its size, and gives it the `sha256` of what was written."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._digest = hashlib.sha256()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._digest.update(raw_data)
        super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> Any:
        file: Any = super().file_complete(file_size)
        file.sha256 = self._digest.hexdigest()
        return file


@dataclass(frozen=True, slots=True)
class VideoUpload:
    """A request's video and how it is to be analysed."""

    file: TemporaryUploadedFile = field(repr=False)
    """Deleted when it is closed, unless it was moved."""
    sha256: str
    name: str = field(repr=False)
    """As the client calls it, cut to MAX_NAME."""
    interval_ms: int
    lines: tuple[Line, ...] = ()
    zones: tuple[Zone, ...] = ()
    device: MediaDevice | None = None
    recorded_at: datetime | None = None

    @property
    def size_bytes(self) -> int:
        return self.file.size or 0

    @property
    def path(self) -> str:
        return self.file.temporary_file_path()


def read_upload(request: HttpRequest, *, hashed: bool = True) -> VideoUpload:
    """What a request brings, its `sha256` only where it is `hashed`. Raises VideoProblem.

    The caller closes the request, and with it the file.
    """
    if request.content_type != "multipart/form-data":
        raise VideoProblem(ProblemCode.MALFORMED)
    request.upload_handlers = [_Hashing(request) if hashed else TemporaryFileUploadHandler(request)]
    try:
        fields, files = request.POST, request.FILES
    except RequestDataTooBig:
        raise VideoProblem(ProblemCode.TOO_LARGE) from None
    except (MultiPartParserError, UnreadablePostError, SuspiciousOperation, UnicodeError):
        raise VideoProblem(ProblemCode.MALFORMED) from None
    interval_ms = read_interval(fields.get("interval"))
    file = files.get("video")
    if not isinstance(file, TemporaryUploadedFile):
        raise VideoProblem(ProblemCode.MISSING_VIDEO)
    if not file.size:
        raise VideoProblem(ProblemCode.NOT_A_VIDEO)
    device = _device(fields.get("device"))
    lines, zones = _lines(fields.get("lines"), device), _zones(fields.get("zones"), device)
    return VideoUpload(
        file=file,
        sha256=getattr(file, "sha256", ""),
        name=(file.name or "")[:MAX_NAME],
        interval_ms=interval_ms,
        lines=lines,
        zones=zones,
        device=device,
        recorded_at=_time(fields.get("recorded_at")),
    )


def read_interval(text: object) -> int:
    """The interval of a form field, in milliseconds. Raises VideoProblem."""
    if text is None or (isinstance(text, str) and not text.strip()):
        raise VideoProblem(ProblemCode.MISSING_INTERVAL)
    least, most = settings.KIOSK.video_interval_ms, settings.KIOSK.video_interval_max_ms
    if not isinstance(text, str) or not _WHOLE_NUMBER.fullmatch(text.strip()) or not least <= int(text) <= most:
        raise VideoProblem(ProblemCode.BAD_INTERVAL, f"{least} 到 {most}")
    return int(text)


def _lines(text: str | None, device: MediaDevice | None) -> tuple[Line, ...]:
    try:
        return read_lines(_json(text) if text else device.lines if device else [])
    except BadMarks as error:
        raise VideoProblem(ProblemCode.BAD_LINES, str(error)) from None


def _zones(text: str | None, device: MediaDevice | None) -> tuple[Zone, ...]:
    try:
        return read_zones(_json(text) if text else device.zones if device else [])
    except BadMarks as error:
        raise VideoProblem(ProblemCode.BAD_ZONES, str(error)) from None


def _json(text: str) -> object:
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadMarks("不是有效的 JSON") from None
    return value


def _device(text: str | None) -> MediaDevice | None:
    if not text:
        return None
    try:
        device = MediaDevice.objects.filter(device_id=UUID(text)).first()
    except ValueError:
        device = None
    if device is None:
        raise VideoProblem(ProblemCode.BAD_DEVICE)
    return device


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise VideoProblem(ProblemCode.BAD_TIME)
    try:
        return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    except (ValueError, OverflowError):
        raise VideoProblem(ProblemCode.BAD_TIME) from None


def on_disk(file: UploadedFile[bytes]) -> tuple[TemporaryUploadedFile, str]:
    """A file that a form brought, on the disk whatever its size, and its SHA-256. Closing it deletes it, unless it was moved."""
    digest = hashlib.sha256()
    copy = TemporaryUploadedFile(file.name or "", file.content_type or "", 0, None)
    for chunk in file.chunks():
        digest.update(chunk)
        copy.write(chunk)
    copy.flush()
    copy.size = file.size
    copy.seek(0)
    return copy, digest.hexdigest()
