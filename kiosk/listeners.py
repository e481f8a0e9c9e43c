"""Which port serves what: the table of listeners, and the ASGI application that routes by the port a connection came in on."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Listener:
    """One port to open. `setting` is the environment name that an operator changes when the port can't be opened."""

    name: str
    host: str
    port: int
    setting: str

    @property
    def enabled(self) -> bool:
        return self.port != 0


@dataclass(frozen=True, slots=True)
class OpenedListener:
    """A listener whose socket is bound and listening."""

    listener: Listener
    socket: socket.socket

    @property
    def address(self) -> str:
        host, port = self.socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


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


def open_listeners(listeners: Sequence[Listener]) -> tuple[list[OpenedListener], list[ListenerFailure]]:
    """Binds every enabled listener. One that fails does not keep the others from opening."""
    opened: list[OpenedListener] = []
    failed: list[ListenerFailure] = []
    for listener in listeners:
        if not listener.enabled:
            continue
        try:
            opened.append(OpenedListener(listener, _bind(listener)))
        except OSError as error:
            failed.append(ListenerFailure(listener, error.strerror or str(error)))
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
