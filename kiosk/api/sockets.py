"""The base of every websocket consumer: who may connect, what a client may send, and how work leaves the event loop.

A socket answers its messages one after the other, in the order in which they came. Whatever blocks (databases, engines) runs on a
thread of a bounded pool, through `work()`. Bounds, all of them settings: messages a minute of one client, open sockets, and
silence; the size of messages, and how many may wait, kiosk.websocket bounds before they come here.

A handshake is refused with an HTTP status: 401 no or a bad token, 403 a token without the scope or a page of another site, 503
too many sockets. Close codes: 1000 the protocol's end; 1001 the server stops, or nothing was said for too long; 1007 text that is
no UTF-8; 1008 against a rule; 1009 too large.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import logging
import time
from collections.abc import Callable, Iterable
from contextvars import copy_context
from enum import IntEnum
from http import HTTPStatus
from typing import Any, ClassVar, ParamSpec, TypeVar
from urllib.parse import urlsplit

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.http.request import split_domain_port, validate_host
from rest_framework.exceptions import AuthenticationFailed

from kiosk.api.authentication import ApiClient, authenticate
from kiosk.api.message_rate import MessageRate
from kiosk.api.scopes import Scope
from kiosk.listeners import PEER, refuse_websocket
from kiosk.runtime.audit import acting_client
from kiosk.runtime.threads import work_threads

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Message = dict[str, Any]

INTERNAL = "服务内部错误"
TOO_MANY = "请求过于频繁，请稍后重试"

_SUBPROTOCOL = "kiosk"
_BEARER = "bearer."
_PAUSE_SECONDS = 1.0
"""How long a client that sends too often is not listened to."""


class CloseCode(IntEnum):
    """RFC 6455, 7.4.1, as far as consumers use them."""

    NORMAL = 1000
    GOING_AWAY = 1001
    POLICY_VIOLATION = 1008


class Refused(Exception):
    """A message that is wrong; the text is the Chinese detail of the answer. The connection stays open."""


class ConnectionRefused(Exception):
    """A handshake that is refused with this HTTP status."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


class ProtocolConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One websocket. A subclass says which scope it asks for and how an error looks, and answers texts and bytes."""

    required_scope: ClassVar[Scope]
    channel_layer_alias = "none"  # nobody sends to these sockets from elsewhere
    client: ApiClient | None = None
    """Who connected; None where nobody has to say."""
    _closing = False

    async def on_text(self, text: str) -> None:  # noqa: ARG002
        """Answers a text message. May raise Refused."""
        raise Refused("这里不接受文本消息")

    async def on_bytes(self, data: bytes) -> None:  # noqa: ARG002
        """Answers a binary message. May raise Refused."""
        raise Refused("这里不接受二进制消息")

    def error_body(self, detail: str) -> Message:
        """The protocol's message for an error."""
        raise NotImplementedError

    def may_connect(self, client: ApiClient | None) -> bool:
        """Whether this client may use the socket; None is one that showed no token."""
        return client is not None and self.required_scope in client.scopes

    def idle_seconds(self) -> float | None:
        """How long the client may be silent before the socket is closed; None for ever."""
        seconds: float = settings.KIOSK.socket_idle_seconds
        return seconds

    async def work(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs what blocks on a thread, in the name of the client, its database connection looked after.

        Cancelled while it waits for a thread, it does not begin; once begun it comes to its end, whoever is still there.
        """
        begin = functools.partial(self._worked, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(work_threads(), copy_context().run, begin)

    async def send_json(self, body: Message) -> None:
        await self.send(text_data=orjson.dumps(body).decode())

    async def send_error(self, detail: str) -> None:
        await self.send_json(self.error_body(detail))

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Ends the connection; what the client sends from now on is not read."""
        self._closing = True
        await super().close(code=code, reason=reason)

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """The whole life of a socket, as ASGI calls it.

        Channels' own loop asks for the next message only after it has answered the last, and so does not notice when a client
        goes away meanwhile; and it goes through a thread for each message.
        """
        self.scope, self.base_send = scope, send
        await receive()  # websocket.connect
        _open_sockets.add(self)
        try:
            await self._admit()
            await self.accept(subprotocol=_chosen_subprotocol(scope))
            await self._converse(receive)
        except ConnectionRefused as refused:
            await refuse_websocket(scope, send, refused.status)
        finally:
            _open_sockets.discard(self)

    async def _admit(self) -> None:
        if len(_open_sockets) > settings.KIOSK.sockets:
            raise ConnectionRefused(HTTPStatus.SERVICE_UNAVAILABLE)
        if not _is_own_page(self.scope):
            raise ConnectionRefused(HTTPStatus.FORBIDDEN)
        address = client_address(self.scope)
        try:
            self.client = await self.work(authenticate, _authorization(self.scope), address, forwarded=_is_forwarded(self.scope))
        except AuthenticationFailed:
            raise ConnectionRefused(HTTPStatus.UNAUTHORIZED) from None
        except DatabaseError:
            logger.exception("Nobody can be let in: the database does not answer")
            raise ConnectionRefused(HTTPStatus.SERVICE_UNAVAILABLE) from None
        if not self.may_connect(self.client):
            raise ConnectionRefused(HTTPStatus.UNAUTHORIZED if self.client is None else HTTPStatus.FORBIDDEN)
        # As for HTTP: each token is one client, and without one each address.
        known = self.client is not None and self.client.ident != "local"
        self._ident = self.client.ident if known and self.client is not None else address

    async def _converse(self, receive: Any) -> None:
        """Takes one message after the other; always asks for one more, so that the client's going is noticed."""
        following = asyncio.ensure_future(receive())
        answering: asyncio.Future[None] | None = None
        try:
            while True:
                message = await self._next(following)
                if message["type"] == "websocket.disconnect":
                    return
                following = asyncio.ensure_future(receive())
                if self._closing:
                    continue
                answering = asyncio.ensure_future(self._take(message))
                await asyncio.wait({answering, following}, return_when=asyncio.FIRST_COMPLETED)
                if not answering.done() and following.result()["type"] == "websocket.disconnect":
                    return
                await answering
        finally:
            following.cancel()
            if answering is not None:
                answering.cancel()

    async def _next(self, following: asyncio.Future[Message]) -> Message:
        """The next message; in the silence before it, the socket may be closed."""
        seconds = None if self._closing else self.idle_seconds()
        await asyncio.wait({following}, timeout=seconds)
        if not following.done():
            await self.close(CloseCode.GOING_AWAY, "长时间没有消息")
        return await following

    async def _take(self, message: Message) -> None:
        if message["type"] != "websocket.receive":
            await self.close(CloseCode.GOING_AWAY, "服务正在停止")
            return
        try:
            await self._answer(message.get("text"), message.get("bytes"))
        except Refused as refused:
            await self.send_error(str(refused))
        except Exception:
            # The edge: whatever was not foreseen is logged, without the message, and answered.
            logger.exception("%s failed", self.scope["path"])
            await self.send_error(INTERNAL)

    async def _answer(self, text: str | None, data: bytes | None) -> None:
        if not _rate().allows(self._ident, time.monotonic()):
            await self.send_error(TOO_MANY)
            await asyncio.sleep(_PAUSE_SECONDS)
        elif text is not None:
            await self.on_text(text)
        elif data is not None:
            await self.on_bytes(data)

    def _worked(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        close_old_connections()
        try:
            if self.client is None:
                return function(*args, **kwargs)
            with acting_client(f"API token {self.client.ident}"):
                return function(*args, **kwargs)
        finally:
            close_old_connections()


class ToolConsumer(ProtocolConsumer):
    """A tool socket (工具模块): no credentials from KIOSK_TOOL_NETWORKS, a token from elsewhere."""

    required_scope = Scope.TOOLS
    kind: ClassVar[str]
    """`type` of its messages."""

    def may_connect(self, client: ApiClient | None) -> bool:
        return is_near(self.scope, settings.KIOSK.tool_networks) or super().may_connect(client)

    def error_body(self, detail: str) -> Message:
        return {"type": self.kind, "message": "error", "detail": detail}


def client_address(scope: Message) -> str:
    """Where the client is; by the word of the proxy in front, if the settings trust it."""
    return str(scope["client"][0]) if scope.get("client") else ""


def is_near(scope: Message, allowed: Iterable[str]) -> bool:
    """Whether a socket comes from one of these networks (CIDR).

    Behind a proxy both have to, the proxy and the client it speaks of: somebody who gets round the proxy can write any address
    into its header.
    """
    if _is_forwarded(scope) and not settings.KIOSK.behind_proxy:
        return False
    networks = [ipaddress.ip_network(network, strict=False) for network in allowed]
    return all(_is_in(address, networks) for address in (client_address(scope), scope.get(PEER, "")))


def _is_in(address: str, networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in network for network in networks)


def _header(scope: Message, name: bytes) -> str:
    return next((value.decode("latin1") for key, value in scope["headers"] if key == name), "")


def _is_forwarded(scope: Message) -> bool:
    return bool(_header(scope, b"x-forwarded-for"))


def _authorization(scope: Message) -> str:
    """The Authorization header, or, for browsers, which can't send one, what a subprotocol "bearer.TOKEN" says."""
    offered = next((name for name in scope["subprotocols"] if name.startswith(_BEARER)), "")
    return _header(scope, b"authorization") or (f"Bearer {offered.removeprefix(_BEARER)}" if offered else "")


def _chosen_subprotocol(scope: Message) -> str | None:
    """One of those that the client offered, without which browsers drop the connection; the token only where it stands alone."""
    offered = scope["subprotocols"]
    if _SUBPROTOCOL in offered:
        return _SUBPROTOCOL
    return next((name for name in offered if name.startswith(_BEARER)), None)


def _is_own_page(scope: Message) -> bool:
    """A page of another site may not talk to the sockets of this machine through a visitor's browser; only browsers send Origin.

    The page may come from another port of the host that it talks to. The host has to be one of ours: another site's name can be
    made to lead here.
    """
    origin = _header(scope, b"origin")
    if not origin:
        return True
    try:
        page = urlsplit(origin)
        if OriginValidator(None, _trusted_origins()).validate_origin(page):
            return True
    except ValueError:
        return False
    host, _port = split_domain_port(_header(scope, b"host"))
    ours = bool(host) and validate_host(host, settings.ALLOWED_HOSTS)
    return ours and page.scheme in {"http", "https"} and page.hostname == host.strip("[]")


def _trusted_origins() -> list[str]:
    """As Channels writes them: https://.hall.example where Django has https://*.hall.example."""
    return [pattern.replace("://*.", "://.") for pattern in settings.CSRF_TRUSTED_ORIGINS]


@functools.cache
def _rate() -> MessageRate:
    return MessageRate(settings.KIOSK.socket_rate)


_open_sockets: set[ProtocolConsumer] = set()
"""Of this process; used from the event loop alone."""


def json_object(text: str) -> Message | None:
    """The JSON object that a text message is; None where it is anything else."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
