"""The base of every protocol's HTTP view: a JSON object in, one service called, the protocol's own envelope out."""

from __future__ import annotations

import io
import logging
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

import orjson
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.views import defaults
from rest_framework.exceptions import AuthenticationFailed, MethodNotAllowed, NotAuthenticated, PermissionDenied, Throttled
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kiosk.api.authentication import ApiClient
from kiosk.api.renderers import OrjsonRenderer
from kiosk.api.scopes import Scope
from kiosk.runtime.audit import acting_client
from kiosk.runtime.payloads import load_json

logger = logging.getLogger(__name__)


class RefusalKind(StrEnum):
    """Why a request never reached its service."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    HOST = "host"
    METHOD = "method"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    THROTTLED = "throttled"
    INTERNAL = "internal"


_HTTP_STATUS = {
    RefusalKind.MALFORMED: 400,
    RefusalKind.TOO_LARGE: 413,
    RefusalKind.HOST: 400,
    RefusalKind.METHOD: 405,
    RefusalKind.UNAUTHENTICATED: 401,
    RefusalKind.FORBIDDEN: 403,
    RefusalKind.THROTTLED: 429,
    RefusalKind.INTERNAL: 500,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal before a protocol decides how it looks in its envelope."""

    kind: RefusalKind
    message: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def http_status(self) -> int:
        """What plain HTTP would say; a protocol may have its own rule."""
        return _HTTP_STATUS[self.kind]


class MalformedBody(Exception):
    """The body is not one JSON object; the message says in Chinese what is wrong."""


class BodyTooLarge(Exception):
    """The body is over the limit."""


class ProtocolView(APIView):
    """One route of a protocol document. A subclass says which scope it asks for, answers posts, and dresses refusals."""

    http_method_names = ["post"]
    picture_keys: ClassVar[frozenset[str]] = frozenset()
    """Keys of the body whose values are photos: load_json() may give them as bytes."""
    _acting: ExitStack | None = None
    _json: dict[str, Any] | None = None

    def required_scope(self, request: Request) -> Scope | None:
        """The scope that the caller's token must carry."""
        raise NotImplementedError

    def refused(self, refusal: Refusal) -> Response:
        """The protocol's envelope for a refusal."""
        raise NotImplementedError

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:  # noqa: ARG002
        """JSON, whatever the client says it would accept: the protocols know nothing else."""
        renderer = OrjsonRenderer()
        return renderer, renderer.media_type

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._acting = ExitStack()
        if isinstance(request.user, ApiClient):
            self._acting.enter_context(acting_client(f"API token {request.user.ident}"))

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if self._acting is not None:
            self._acting.close()
        return super().finalize_response(request, response, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        refusal = _refusal_of(exc)
        if refusal is None:
            # The edge: whatever a service did not foresee is logged, without the request's data, and answered.
            logger.error("%s failed", self.request.path, exc_info=exc)
            refusal = Refusal(RefusalKind.INTERNAL, "服务内部错误")
        response = self.refused(refusal)
        for name, value in refusal.headers.items():
            response.headers[name] = value
        return response

    def json_object(self, request: Request) -> dict[str, Any]:
        """The body, which must be one JSON object; read once. Raises MalformedBody or BodyTooLarge."""
        if self._json is None:
            # Not by DRF's parsers, which drop bodies sent without a length.
            self._json = read_json_object(request._request, self.picture_keys)  # noqa: SLF001
        return self._json


def read_json_object(request: HttpRequest, picture_keys: Collection[str] = ()) -> dict[str, Any]:
    """The JSON object in a request's body; photos of `picture_keys` as load_json() gives them.

    Only application/json is read: a foreign web page can't send that to this machine without the browser asking first.
    """
    if request.content_type not in {"", "application/json"}:
        raise MalformedBody("Content-Type 应为 application/json")
    try:
        body = request.body
    except RequestDataTooBig:
        raise BodyTooLarge("请求体过大") from None
    except UnreadablePostError:
        raise MalformedBody("请求体不完整") from None
    try:
        value = load_json(body, picture_keys)
    except orjson.JSONDecodeError:
        raise MalformedBody("请求体不是有效的 JSON") from None
    if not isinstance(value, dict):
        raise MalformedBody("请求体应为 JSON 对象")
    # While an engine works, a photo need not be kept a second time.
    request._body = b""  # noqa: SLF001
    request._stream = io.BytesIO()  # noqa: SLF001
    return value


def refuse_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """The URL maps' handler400: a host name that is not ours is refused in the words of the protocol that was asked for."""
    view = _protocol_view(request) if isinstance(exception, DisallowedHost) else None
    if view is None:
        return defaults.bad_request(request, exception)
    response = view.refused(Refusal(RefusalKind.HOST, "主机名不在允许之列（KIOSK_ALLOWED_HOSTS）"))
    response.accepted_renderer = OrjsonRenderer()
    response.accepted_media_type = OrjsonRenderer.media_type
    response.renderer_context = {}  # type: ignore[attr-defined] # missing in the stubs
    return response


def _protocol_view(request: HttpRequest) -> ProtocolView | None:
    """The protocol's view that answers this path, on whichever port."""
    try:
        answering = resolve(request.path_info, getattr(request, "urlconf", None)).func
    except Resolver404:
        return None
    kind = getattr(answering, "cls", None)
    return kind() if isinstance(kind, type) and issubclass(kind, ProtocolView) else None


def _refusal_of(exc: Exception) -> Refusal | None:
    match exc:
        case MalformedBody():
            return Refusal(RefusalKind.MALFORMED, str(exc))
        case BodyTooLarge():
            return Refusal(RefusalKind.TOO_LARGE, str(exc))
        case MethodNotAllowed():
            return Refusal(RefusalKind.METHOD, "仅支持 POST 请求")
        case NotAuthenticated() | AuthenticationFailed():
            return Refusal(RefusalKind.UNAUTHENTICATED, "缺少访问令牌或令牌无效", {"WWW-Authenticate": "Bearer"})
        case PermissionDenied():
            return Refusal(RefusalKind.FORBIDDEN, "令牌没有此操作的权限")
        case Throttled():
            wait = max(1, round(getattr(exc, "wait", None) or 1))
            return Refusal(RefusalKind.THROTTLED, "请求过于频繁，请稍后重试", {"Retry-After": str(wait)})
        case _:
            return None
