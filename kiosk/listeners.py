"""Which port serves what: the table of listeners, and the ASGI application that routes by the port a connection came in on."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH_PATH = "/healthz"
HEALTH_PATHS = frozenset({HEALTH_PATH, "/readyz"})
BODY_FILE = "kiosk.body"
"""Key of a request's scope: the body as an open file, where it is too large for the memory; no message brings it then."""
PEER = "kiosk.peer"
"""Key of a websocket's scope: the address that the connection came from; of a proxy, where `client` is of whom it speaks."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One port to open. `setting` is the environment name that an operator changes when the port can't be opened."""

    name: str
    host: str
    port: int
    setting: str
    scheme: str = "http"
    """Of the URL that is shown: ws where there are nothing but websockets."""

    @property
    def enabled(self) -> bool:
        return self.port != 0


@dataclass(frozen=True, slots=True)
class OpenedListener:
    """A listener whose socket is bound and listening."""

    listener: Listener
    socket: socket.socket

    @property
    def url(self) -> str:
        host, port = self.socket.getsockname()[:2]
        return f"{self.listener.scheme}://{f'[{host}]' if ':' in host else host}:{port}/"


@dataclass(frozen=True, slots=True)
class ListenerFailure:
    """A listener that could not be opened, and why."""

    listener: Listener
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.listener.name}: can't listen on {self.listener.host}:{self.listener.port} ({self.reason});"
            f" choose another port with {self.listener.setting}, or 0 to switch it off"
        )


@dataclass(frozen=True, slots=True)
class Opening:
    """What became of the listeners of this process."""

    urls: Mapping[str, str] = field(default_factory=dict)
    """Of those that were opened, by name; their sockets are the server's by now."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Of those that could not be, by name."""


_opening = Opening()


def opening() -> Opening:
    """What the last open_listeners() of this process did; empty in a process that serves nothing."""
    return _opening


def open_listeners(listeners: Sequence[Listener]) -> tuple[list[OpenedListener], list[ListenerFailure]]:
    """Binds every enabled listener. One that fails does not keep the others from opening."""
    global _opening  # noqa: PLW0603 - one set of ports a process
    opened: list[OpenedListener] = []
    failed: list[ListenerFailure] = []
    for listener in listeners:
        if not listener.enabled:
            continue
        try:
            opened.append(OpenedListener(listener, _bind(listener)))
        except OSError as error:
            failed.append(ListenerFailure(listener, error.strerror or str(error)))
    _opening = Opening(
        {one.listener.name: one.url for one in opened}, {failure.listener.name: failure.reason for failure in failed}
    )
    return opened, failed


def _bind(listener: Listener) -> socket.socket:
    family, kind, protocol, _name, address = socket.getaddrinfo(
        listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(1024)
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound


class PortRouter:
    """Sends a connection to the application of the port it came in on; any other port gets `default`."""

    def __init__(self, default: ASGIApplication, by_port: Mapping[int, ASGIApplication]) -> None:
        self._default = default
        self._by_port = dict(by_port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = scope.get("server")
        application = self._by_port.get(server[1], self._default) if server else self._default
        await application(scope, receive, send)


class ByProtocol:
    """One port: HTTP requests go to one application, websockets to another."""

    def __init__(self, http: ASGIApplication, websocket: ASGIApplication) -> None:
        self._applications = {"http": http, "websocket": websocket}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._applications[scope["type"]](scope, receive, send)


class SocketRouter:
    """The websockets of one port, by their path; on any other path the handshake is answered with 404."""

    def __init__(self, by_path: Mapping[str, ASGIApplication]) -> None:
        self.by_path = dict(by_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        application = self.by_path.get(scope["path"], _no_socket_here)
        await application(scope, receive, send)


class SocketsOnly:
    """HTTP on a port of websockets: 426 where there is one, 404 elsewhere; /healthz is passed on."""

    def __init__(self, by_path: Mapping[str, ASGIApplication], http: ASGIApplication) -> None:
        self._paths = frozenset(by_path)
        self._http = http

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == HEALTH_PATH:
            await self._http(scope, receive, send)
            return
        is_socket = scope["path"] in self._paths
        text = "这里是 websocket 端口，请用 websocket 连接" if is_socket else "没有这个地址"
        body = text.encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        if is_socket:
            headers += [(b"upgrade", b"websocket"), (b"connection", b"upgrade")]
        status = HTTPStatus.UPGRADE_REQUIRED if is_socket else HTTPStatus.NOT_FOUND
        await send({"type": "http.response.start", "status": int(status), "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def refuse_websocket(scope: Scope, send: Send, status: HTTPStatus) -> None:
    """Answers a handshake with an HTTP status; where the server can't, with its own refusal, 403."""
    if "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": int(status), "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})
    else:
        await send({"type": "websocket.close"})


async def _no_socket_here(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await refuse_websocket(scope, send, HTTPStatus.NOT_FOUND)
