"""One Daphne for all listeners: graceful shutdown, and a bound on what a client may send before anything reads it."""

from __future__ import annotations

# Daphne has to come before anything that imports Twisted's reactor.
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server, reactor

# isort: split
import asyncio
import gc
import logging
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Server as TCPServer
from twisted.web.http import HTTPChannel, _GenericHTTPChannelProtocol

from kiosk.frames import OUTLET
from kiosk.health import loop_lag
from kiosk.listeners import BODY_FILE, PEER, ASGIApplication, OpenedListener
from kiosk.websocket import BoundedWebSocket, Inbox, SocketLimits, bound_websockets

logger = logging.getLogger(__name__)

_READ_SIZE = 1024 * 1024
_IN_MEMORY = 4 * 1024 * 1024
"""Bodies up to this size, in bytes, are not written to the disk on their way to the application."""
_SMALL = 16 * 1024
_HEARTBEAT_SECONDS = 0.02
_TOO_LARGE_BODY = '{"error":"请求体过大","code":"too_large"}'.encode()
_TOO_LARGE = (
    b"HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
    + str(len(_TOO_LARGE_BODY)).encode()
    + b"\r\n\r\n"
    + _TOO_LARGE_BODY
)
_LINGER_SECONDS = 3.0
"""How long a client that was refused may go on sending: closed at once, the connection would lose the answer on its way."""


def _settle() -> None:
    """Keeps the interpreter itself from holding up the event loop."""
    # What was loaded at start stays: no later collection has to walk through it, which takes tens of milliseconds.
    gc.collect()
    gc.freeze()
    # A request's thread in the middle of a computation gives way to the loop sooner than after Python's 5 ms.
    sys.setswitchinterval(0.0005)


class _WideTransport(TCPServer):
    """A connection that is read in larger pieces than Twisted's 64 KiB: a photo is a few hundred KiB."""

    bufferSize = 1024 * 1024  # noqa: N815 - Twisted's name


class _Body:
    """A body in memory, with what Twisted and Daphne use of a file. Read at once, as it mostly is, it is copied once or never."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._at = 0

    def write(self, data: bytes) -> None:
        self._at += len(data)
        # However many pieces a body comes in, few are kept, and no byte is copied more often than their number has digits.
        while self._pieces and len(self._pieces[-1]) <= len(data):
            data = self._pieces.pop() + data
        self._pieces.append(data)

    def tell(self) -> int:
        return self._at

    def seek(self, position: int, _whence: int = 0) -> None:
        self._at = position

    def read(self, size: int | None = None) -> bytes:
        if len(self._pieces) != 1:
            self._pieces = [b"".join(self._pieces)]
        data = self._pieces[0][self._at : None if size is None else self._at + size]
        self._at += len(data)
        return data

    def close(self) -> None:
        self._pieces, self.closed = [], True


class BoundedRequest(WebRequest):  # type: ignore[misc]
    """A request whose body may not exceed the server's `max_body_bytes`, announced or not."""

    received_bytes = 0
    _refused = False
    content: Any
    body_file: Any = None
    """A large body, on the disk."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Forms are read by Django, on a thread; Twisted would read them here, in the event loop, and drop what it read.
        self._parsePOSTFormSubmission = False  # Twisted's name

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        if length is not None and length <= _IN_MEMORY:
            self.content = _Body()
        else:
            super().gotLength(length)
        if length is not None and length > self.server.max_body_bytes:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        if self._refused:
            return
        self.received_bytes += len(data)
        if self.received_bytes > self.server.max_body_bytes:
            self._refuse()
            return
        super().handleContentChunk(data)

    def process(self) -> Any:
        if self._refused:
            self.channel.transport.loseConnection()
            return None
        if self.received_bytes > _IN_MEMORY:
            # Daphne would read all of it into the application's queue, in the event loop.
            self.body_file, self.content = self.content, _Body()
            self.body_file.seek(0)
        handed_over = super().process()
        # The application has the body now; a photo need not be kept a second time while an engine works.
        self.content = _Body()
        return handed_over

    def _refuse(self) -> None:
        self._refused = True
        # What came is forgotten, what still comes is not kept.
        self.content = _Body()
        transport = self.channel.transport
        transport.write(_TOO_LARGE)
        reactor.callLater(_LINGER_SECONDS, transport.loseConnection)


class _Channel(HTTPChannel):
    """Reads a request's head apart from its body.

    Twisted takes the head line by line off what has arrived, and so copies all that follows, a photo, once for each line.
    """

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        if self.line_mode and len(data) > _SMALL and (end := data.find(b"\r\n\r\n") + 4) > 3:  # noqa: PLR2004 - found at all
            super().dataReceived(data[:end])  # type: ignore[no-untyped-call]
            data = data[end:]
            if not data or self.transport is None or self.transport.disconnecting:
                return
        super().dataReceived(data)  # type: ignore[no-untyped-call]


class _BoundedFactory(HTTPFactory):  # type: ignore[misc]
    @staticmethod
    def protocol() -> Protocol:
        """What a connection starts with."""
        return _GenericHTTPChannelProtocol(_Channel())  # type: ignore[no-untyped-call]

    def buildProtocol(self, addr: Any) -> Protocol:  # noqa: N802 - Twisted's name
        channel: Protocol = super().buildProtocol(addr)
        channel.requestFactory = BoundedRequest  # type: ignore[attr-defined]
        return channel


class KioskServer(Server):  # type: ignore[misc]
    """Serves `application` on sockets that are open already.

    SIGTERM and SIGINT stop it in order: no new connection is taken, HTTP requests under way are answered, websockets answer the
    message that they are at and close (all for at most `drain_seconds`). A second signal stops it at once.
    """

    connections: dict[Any, dict[str, Any]]

    def __init__(
        self,
        application: ASGIApplication,
        opened: Sequence[OpenedListener],
        *,
        max_body_bytes: int,
        socket_limits: SocketLimits,
        drain_seconds: float,
        behind_proxy: bool,
    ) -> None:
        super().__init__(
            application,
            endpoints=["sockets that are open already, see _start"],
            signal_handlers=False,
            request_buffer_size=_READ_SIZE,
            websocket_max_message_size=socket_limits.binary_bytes,
            websocket_max_frame_size=socket_limits.binary_bytes,
            proxy_forwarded_address_header="X-Forwarded-For" if behind_proxy else None,
            proxy_forwarded_proto_header="X-Forwarded-Proto" if behind_proxy else None,
            server_name="",
        )
        # Daphne opens endpoints from strings, one failure ending all; ours are adopted in _start instead.
        self.endpoints: list[str] = []
        self._opened = list(opened)
        self._ports: list[Any] = []
        self.max_body_bytes = max_body_bytes
        self._socket_limits = socket_limits
        self._drain_seconds = drain_seconds
        self._stopping_since: float | None = None

    def run(self) -> None:
        """Serves until a signal."""
        reactor.callWhenRunning(self._start)
        super().run()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Runs the application of one request or websocket. Returns the queue that takes what the client sends."""
        if not isinstance(protocol, BoundedWebSocket):
            if protocol.body_file is not None:
                scope[BODY_FILE] = protocol.body_file
            return super().create_application(protocol, scope)
        inbox: Inbox = protocol.inbox()
        scope |= {
            "asgi": {"version": "3.0"},
            "extensions": {"websocket.http.response": {}},
            PEER: str(protocol.transport.getPeer().host),
            OUTLET: protocol,
        }
        conversation = self.application(scope=scope, receive=inbox.get, send=partial(self.handle_reply, protocol))
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(conversation)
        return inbox

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Sends what an application answers; returns when a websocket's client has room for more."""
        await super().handle_reply(protocol, message)
        if isinstance(protocol, BoundedWebSocket):
            await protocol.written()

    def kill_all_applications(self) -> Any:
        """Cancels what is still running when the reactor stops."""
        # Of a connection whose application has ended, Daphne's own would stumble over what is missing.
        self.connections = {key: details for key, details in self.connections.items() if "application_instance" in details}
        return super().kill_all_applications()

    def _start(self) -> None:
        bound_websockets(self.ws_factory, self._socket_limits)
        factory = _BoundedFactory(self)
        for opened in self._opened:
            port = reactor.adoptStreamPort(opened.socket.fileno(), opened.socket.family, factory)
            port.transport = _WideTransport
            self._ports.append(port)
            opened.socket.close()
        loop = asyncio.get_event_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._begin_stop)
        _settle()
        self._beat(loop.time())

    def _beat(self, due: float) -> None:
        """Notes how late the loop is for a heartbeat: as long as something kept it from serving."""
        loop = asyncio.get_event_loop()
        loop_lag.note(max(0.0, loop.time() - due))
        due = loop.time() + _HEARTBEAT_SECONDS
        loop.call_at(due, self._beat, due)

    def _begin_stop(self) -> None:
        if self._stopping_since is not None:
            self.stop()
            return
        self._stopping_since = time.monotonic()
        logger.info("Stopping: no new connections; waiting for requests under way")
        for port in self._ports:
            port.stopListening()
        for connection in list(self.connections):
            if isinstance(connection, BoundedWebSocket):
                connection.tell_stopping()
        self._stop_when_idle()

    def _stop_when_idle(self) -> None:
        assert self._stopping_since is not None
        waited = time.monotonic() - self._stopping_since
        if waited < self._drain_seconds and self._requests_under_way():
            reactor.callLater(0.05, self._stop_when_idle)
            return
        self.stop()

    def _requests_under_way(self) -> bool:
        return any(
            isinstance(protocol, WebRequest | BoundedWebSocket)
            and "disconnected" not in details
            and "application_instance" in details
            and not details["application_instance"].done()
            for protocol, details in self.connections.items()
        )
