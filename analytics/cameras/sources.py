"""Where a device's pictures come from, and how FFmpeg is asked for them.

A camera's user and password are put into its URL at the moment when it is opened, and nowhere else: FFmpeg's errors repeat the
URL, so that none of them leaves this module. What went wrong is told by a Problem.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from analytics.models import DeviceType, MediaDevice
from analytics.video.reader import FORMATS

if TYPE_CHECKING:
    import av.container

OPEN_SECONDS: Final = 10.0
READ_SECONDS: Final = 5.0
"""A camera that sends nothing for so long is broken."""

_RTSP: Final = frozenset({"rtsp", "rtsps"})
_HTTP: Final = frozenset({"http", "https"})
_LOCAL: Final = re.compile(r"/dev/video\d{1,3}")
_HTTP_FORMATS: Final = f"{FORMATS},mpjpeg,mjpeg,hls,jpeg_pipe,png_pipe,image2"
_ANALYSED_MICROSECONDS: Final = "500000"
"""What FFmpeg listens to before it gives the first frame; a live stream says in its first packets what it is."""
_DECODER_THREADS: Final = 1
"""One a camera: more hold frames back."""


class Problem(StrEnum):
    """Why a device gives no pictures; the words for it are in analytics/admin/devices.py."""

    BAD_ADDRESS = "bad_address"
    NO_HOST = "no_host"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    NOT_PERMITTED = "not_permitted"
    TIMED_OUT = "timed_out"
    NO_VIDEO = "no_video"
    UNREADABLE = "unreadable"
    ENDED = "ended"
    NO_PASSWORD = "no_password"  # noqa: S105 - the name of a problem
    FAILED = "failed"


class SourceError(Exception):
    """A device that can't be read. Says nothing but the problem's code."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class Kind(Enum):
    """How pictures come out of an address."""

    STREAM = auto()
    FILE = auto()
    """Played in real time, again and again."""
    CAMERA = auto()
    """Of this machine."""
    STILLS = auto()
    """A picture for each request."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be opened."""

    kind: Kind
    address: str
    """Without user and password."""
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @contextmanager
    def open(self) -> Iterator[av.container.InputContainer]:
        """The open container, with a decoder that holds no frame back. Raises SourceError, also for errors inside the block."""
        import av

        try:
            with av.open(
                self._url(),
                format="v4l2" if self.kind is Kind.CAMERA else None,
                options=self._options(),
                timeout=(OPEN_SECONDS, READ_SECONDS),
            ) as container:
                if not container.streams.video or container.streams.video[0].codec_context is None:
                    raise SourceError(Problem.NO_VIDEO)
                context = container.streams.video[0].codec_context
                context.thread_count = _DECODER_THREADS
                yield container
        except (av.FFmpegError, OSError, ValueError) as error:
            # Neither as the cause nor in the words: its text repeats the URL.
            raise SourceError(_problem(error)) from None

    def _url(self) -> str:
        if self.kind in {Kind.FILE, Kind.CAMERA}:
            return f"file:{self.address}" if self.kind is Kind.FILE else self.address
        if not self.username and not self.password:
            return self.address
        parts = urlsplit(self.address)
        login = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}"
        return parts._replace(netloc=f"{login}@{parts.netloc}").geturl()

    def _options(self) -> dict[str, str]:
        """No protocol and no format beyond what the address says: a file must not make FFmpeg open something else."""
        if self.kind is Kind.FILE:
            return {"protocol_whitelist": "file", "format_whitelist": FORMATS}
        if self.kind is Kind.CAMERA:
            return {}
        if urlsplit(self.address).scheme in _RTSP:
            return {
                "protocol_whitelist": "rtsp,rtsps,rtp,srtp,udp,tcp,tls",
                "rtsp_transport": "tcp",
                "analyzeduration": _ANALYSED_MICROSECONDS,
                "max_delay": "200000",
            }
        return {
            "protocol_whitelist": "http,https,tcp,tls,crypto",
            "format_whitelist": _HTTP_FORMATS,
            "analyzeduration": _ANALYSED_MICROSECONDS,
        }


def source_of(device: MediaDevice) -> Source:
    """The source that a device's row describes. Raises SourceError."""
    from kiosk.runtime.encryption import Undecryptable

    try:
        password = device.password
    except Undecryptable:
        raise SourceError(Problem.NO_PASSWORD) from None
    return parse(device.address, device.device_type, device.username, password)


def parse(address: str, device_type: str, username: str = "", password: str = "") -> Source:
    """Raises SourceError for an address that is none: see docs/cameras.md for their forms."""
    if _LOCAL.fullmatch(address):
        return Source(Kind.CAMERA, address)
    if address.startswith("/"):
        if device_type != DeviceType.FILE:
            raise SourceError(Problem.BAD_ADDRESS)
        return Source(Kind.FILE, str(Path(address)))
    parts = _split(address)
    if parts.scheme not in _RTSP | _HTTP or parts.username or parts.password:
        raise SourceError(Problem.BAD_ADDRESS)
    stills = device_type == DeviceType.PHOTO
    if stills and parts.scheme in _RTSP:
        raise SourceError(Problem.BAD_ADDRESS)
    return Source(Kind.STILLS if stills else Kind.STREAM, address, username, password)


def take_out_login(address: str) -> tuple[str, str, str]:
    """The address without user and password, and these; both "" where there are none. Raises SourceError for no address."""
    if address.startswith("/"):
        return address, "", ""
    parts = _split(address)
    if "@" not in parts.netloc:
        return address, "", ""
    login, _at, host = parts.netloc.rpartition("@")
    username, _colon, password = login.partition(":")
    return parts._replace(netloc=host).geturl(), unquote(username), unquote(password)


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise SourceError(Problem.BAD_ADDRESS) from None
    if not host or not address.isprintable() or " " in address:
        raise SourceError(Problem.BAD_ADDRESS)
    return parts


def _problem(error: Exception) -> Problem:
    import av

    known: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Problem], ...] = (
        ((av.HTTPUnauthorizedError, av.HTTPForbiddenError), Problem.UNAUTHORIZED),
        ((av.HTTPNotFoundError, FileNotFoundError), Problem.NOT_FOUND),
        ((av.ExitError, TimeoutError), Problem.TIMED_OUT),
        (ConnectionRefusedError, Problem.REFUSED),
        (PermissionError, Problem.NOT_PERMITTED),
        ((av.EOFError, ConnectionError, BrokenPipeError), Problem.ENDED),
        ((av.InvalidDataError, av.DemuxerNotFoundError, av.DecoderNotFoundError, ValueError), Problem.UNREADABLE),
    )
    for kinds, problem in known:
        if isinstance(error, kinds):
            return problem
    unreachable = {101, 113, 64}  # ENETUNREACH, EHOSTUNREACH, EHOSTDOWN
    if isinstance(error, OSError) and error.errno in unreachable:
        return Problem.UNREACHABLE
    # FFmpeg has no code of its own for a name that nobody knows.
    return Problem.NO_HOST if isinstance(error, OSError) and error.errno == 5 else Problem.FAILED  # noqa: PLR2004 - EIO
