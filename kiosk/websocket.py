"""Daphne's websockets, bounded in both directions.

Daphne takes in whatever a client sends, however fast, and keeps whatever a client does not read. Here a client that sends more
than is being answered, or reads less than it is sent, is no longer read from, and TCP makes it wait. The event loop is never held
up by one client's many small frames.
"""

from __future__ import annotations

# Daphne has to come before anything that imports Twisted's reactor.
from daphne.server import reactor
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

# isort: split
import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from autobahn.exception import Disconnected
from autobahn.util import encode_truncate
from autobahn.websocket.types import ConnectionDeny
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

STOPPING = "kiosk.stopping"
"""The type of the message that tells an application to come to an end: beyond ASGI, sent when the server stops."""
REFUSE = "websocket.http.response.start"
"""ASGI's way to answer a handshake with an HTTP status of one's own (extension websocket.http.response)."""

_WAITING_MESSAGES = 8
_WAITING_BYTES = 1024 * 1024
"""Messages that may wait for the application; with more, the client is not read from."""
_PIECE_BYTES = 2048
"""What is looked at in one go: it may hold hundreds of tiny frames, and Autobahn copies it for each."""
_TURN_SECONDS = 0.005
"""How long one client may keep the event loop."""
_FRAGMENTS = 1024
_PINGS_A_MINUTE = 600
_KEEP_ALIVE_SECONDS = 20
_UNREAD_SECONDS = 30.0
"""A client that does not read what it was sent for so long is cut off."""
_CLOSE_SECONDS = 5
_CLOSE_REASON_BYTES = 123
_MESSAGE_TOO_BIG, _POLICY_VIOLATION = 1009, 1008


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """The largest messages, in bytes."""

    text_bytes: int
    binary_bytes: int


class Inbox(asyncio.Queue[dict[str, Any]]):
    """What the application has not taken yet; says when it is full, and when there is room again."""

    def __init__(self, *, on_full: Callable[[], None], on_room: Callable[[], None]) -> None:
        super().__init__()
        self._waiting_bytes = 0
        self._on_full = on_full
        self._on_room = on_room

    def put_nowait(self, message: dict[str, Any]) -> None:
        super().put_nowait(message)
        self._waiting_bytes += _size(message)
        if self.qsize() >= _WAITING_MESSAGES or self._waiting_bytes >= _WAITING_BYTES:
            self._on_full()

    def get_nowait(self) -> dict[str, Any]:
        message = super().get_nowait()
        self._waiting_bytes -= _size(message)
        if self.qsize() < _WAITING_MESSAGES // 2 and self._waiting_bytes < _WAITING_BYTES // 2:
            self._on_room()
        return message

    def supersede(self, message: dict[str, Any]) -> None:
        """Drops what waits, and puts this in its place."""
        while not self.empty():
            self.get_nowait()
        self.put_nowait(message)


def _size(message: dict[str, Any]) -> int:
    return len(message.get("bytes") or message.get("text") or b"")


@implementer(IPushProducer)
class _Outflow:
    """Told by Twisted when a client does not read what it is sent, and when it has."""

    def __init__(self, socket: BoundedWebSocket) -> None:
        self._socket = socket

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._socket.clogged()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._socket.drained()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection is lost; connectionLost tells."""


class BoundedWebSocket(WebSocketProtocol):  # type: ignore[misc]
    """One websocket of a client."""

    limits: SocketLimits
    autoPingTimeoutCall: Any  # noqa: N815 - Autobahn's name
    on_drained: Callable[[], None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held = b""
        """What has arrived and was not looked at yet."""
        self._pauses: set[str] = set()
        """Why the client is not read from now."""
        self._handed_over = False
        self._fragments = 0
        self._pings: list[float] = [0.0, 0]
        self._kept_alive = False
        """The system notices when the client has gone: no ping has to ask."""
        self._readable = asyncio.Event()
        self._readable.set()

    # What comes in

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        if not self._handed_over:
            # The request that asks for a websocket, whole, from Daphne.
            self._handed_over = True
            super().dataReceived(data)
            return
        self._held = self._held + data if self._held else data
        if self.state == self.STATE_CONNECTING:
            # Too early: the application has not accepted yet.
            self._pause("opening")
        self._feed()

    def onConnect(self, request: Any) -> Any:  # noqa: N802 - Autobahn's name
        try:
            for value in request.headers.values():
                value.encode("latin1")
            request.headers.get("sec-websocket-protocol", "").encode("ascii")
        except UnicodeEncodeError:
            # Daphne would log it as an error of its own.
            raise _denial(HTTPStatus.BAD_REQUEST) from None
        return super().onConnect(request)

    def onOpen(self) -> None:  # noqa: N802 - Autobahn's name
        super().onOpen()
        # Twisted's HTTP channel, which is out of the game, would stop reading for good when a client doesn't read.
        self.transport.unregisterProducer()
        self.transport.registerProducer(_Outflow(self), streaming=True)
        self._resume("opening")

    def onMessageBegin(self, is_binary: bool) -> None:  # noqa: N802 - Autobahn's name
        super().onMessageBegin(is_binary)
        self._fragments = 0

    def onMessageFrameBegin(self, length: int) -> None:  # noqa: N802 - Autobahn's name
        super().onMessageFrameBegin(length)
        self._fragments += 1
        if self.failedByMe:
            return
        if not self.message_is_binary and self.message_data_total_length > self.limits.text_bytes:
            self._fail_connection(_MESSAGE_TOO_BIG, f"文本消息过大，最多 {self.limits.text_bytes // 1024} KB")
        elif self._fragments > _FRAGMENTS:
            self._fail_connection(_POLICY_VIOLATION, f"一条消息最多分为 {_FRAGMENTS} 段")

    def _max_message_size_exceeded(self, _size: int, limit: int, _reason: str) -> None:
        self._fail_connection(_MESSAGE_TOO_BIG, f"消息过大，最多 {limit // 1024 // 1024} MB")

    def onMessage(self, payload: bytes, is_binary: bool) -> None:  # noqa: N802 - Autobahn's name
        if self.state == self.STATE_OPEN:
            super().onMessage(payload, is_binary)

    def onPing(self, payload: bytes) -> None:  # noqa: N802 - Autobahn's name
        now = time.monotonic()
        if now - self._pings[0] > 60:  # noqa: PLR2004 - a minute
            self._pings = [now, 0]
        self._pings[1] += 1
        if self._pings[1] > _PINGS_A_MINUTE:
            self.close(_POLICY_VIOLATION, "ping 过于频繁")
            return
        super().onPing(payload)

    def _feed(self) -> None:
        """Looks at what has arrived, in pieces: none larger than what the frame that has begun still needs, or a small one."""
        turn_ends = time.monotonic() + _TURN_SECONDS
        while self._held and not self._pauses and self.state in {self.STATE_OPEN, self.STATE_CLOSING}:
            frame = self.current_frame
            missing = 0 if frame is None else frame.length - self.current_frame_masker.pointer()
            size = max(missing, _PIECE_BYTES)
            piece, self._held = (self._held, b"") if len(self._held) <= size else (self._held[:size], self._held[size:])
            super().dataReceived(piece)
            if self._held and not self._pauses and time.monotonic() > turn_ends:
                self._pause("turn")
                reactor.callLater(0, self._resume, "turn")

    def _pause(self, why: str) -> None:
        if not self._pauses:
            self.transport.pauseProducing()
        self._pauses.add(why)
        # Its pong may lie among what is not read now.
        if self.autoPingTimeoutCall:
            self.autoPingTimeoutCall.cancel()
            self.autoPingTimeoutCall = self.autoPingPending = None

    def _resume(self, why: str) -> None:
        if why not in self._pauses:
            return
        self._pauses.discard(why)
        if not self._pauses:
            self.transport.resumeProducing()
            self._feed()

    # What goes out

    def inbox(self) -> Inbox:
        """What the server puts this client's messages into."""
        return Inbox(on_full=lambda: self._pause("inbox"), on_room=lambda: self._resume("inbox"))

    def handle_reply(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "websocket.send" if not message.get("text") and not message.get("bytes"):
                # Daphne takes an empty message for none.
                is_binary = message.get("bytes") is not None
                self.serverSend(b"" if is_binary else "", is_binary)
            case "websocket.close" if self.state != self.STATE_CONNECTING:
                self.close(message.get("code") or 1000, message.get("reason") or "")
            case type_ if type_ == REFUSE:
                self.refuse(HTTPStatus(message["status"]))
            case "websocket.http.response.body":
                pass
            case _:
                super().handle_reply(message)

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:  # noqa: N802 - Daphne's name
        """Sends one message; nothing to a client that went away while its answer was made, which is no error (ASGI)."""
        with suppress(Disconnected):
            super().serverSend(content, binary)

    def refuse(self, status: HTTPStatus) -> None:
        """Answers the handshake with an HTTP status."""
        self.handshake_deferred.errback(_denial(status))
        del self.handshake_deferred
        self.server.protocol_disconnected(self)

    def close(self, code: int, reason: str = "") -> None:
        """Begins the closing handshake; with any code, where Autobahn's own sendClose allows few."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code, encode_truncate(reason, _CLOSE_REASON_BYTES) if reason else None)
            # The answer lies behind what is not read now; nobody waits for that any more.
            self._resume("inbox")

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802 - Daphne's name
        self.close(1000 if code is None else code)

    def clogged(self) -> None:
        """The client does not read what it is sent: what it sends, pings among it, is not read either."""
        self._readable.clear()
        self._pause("outflow")

    def drained(self) -> None:
        """The client has read everything."""
        self._readable.set()
        self._resume("outflow")
        if self.on_drained is not None:
            self.on_drained()

    async def written(self) -> None:
        """Returns when the client has room for more; one that reads nothing for long is cut off."""
        if self._readable.is_set():
            return
        try:
            await asyncio.wait_for(self._readable.wait(), _UNREAD_SECONDS)
        except TimeoutError:
            self.transport.abortConnection()

    # What an application writes by itself (kiosk.frames.Outlet)

    def bound(self, *, unsent_bytes: int, kernel_bytes: int, unread_seconds: float) -> None:
        """Makes this client count as clogged sooner, and the system give it up when it takes nothing for so long."""
        self.transport.bufferSize = unsent_bytes
        connection = self.transport.getHandle()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, kernel_bytes)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(unread_seconds * 1000))
        self._keep_alive(connection)

    def _keep_alive(self, connection: socket.socket) -> None:
        """Has TCP ask whether the client is still there, in place of pings.

        Clients that are shown every frame, as the reference code of protocol 001 is, take a ping for an event. Behind a proxy
        TCP would ask the proxy, which besides ends connections that are silent: there pings go on.
        """
        forwarded = bool(self.client_addr) and self.client_addr[0] != self.transport.getPeer().host
        if forwarded or not hasattr(socket, "TCP_KEEPIDLE"):
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEP_ALIVE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEP_ALIVE_SECONDS // 2)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        self._kept_alive = True

    @property
    def is_clogged(self) -> bool:
        return not self._readable.is_set()

    def write_frames(self, frames: bytes) -> None:
        """Sends frames as they are; nothing where the connection is not open any more."""
        if self.state == self.STATE_OPEN:
            self.transport.write(frames)

    def onClose(self, was_clean: bool, code: int | None, reason: Any) -> None:  # noqa: N802 - Autobahn's name
        self._held = b""
        self._readable.set()
        if hasattr(self, "server"):
            super().onClose(was_clean, code, reason)

    def check_timeouts(self) -> None:
        if self._kept_alive:
            self.last_ping = time.time()
        # A client that is not read from can't answer a ping.
        if not self._pauses:
            super().check_timeouts()

    def tell_stopping(self) -> None:
        """Lets the application come to an end; a handshake under way is refused."""
        if self.state == self.STATE_CONNECTING and hasattr(self, "handshake_deferred"):
            self.refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        elif self.state == self.STATE_OPEN:
            self.application_queue.supersede({"type": STOPPING})


def _denial(status: HTTPStatus) -> ConnectionDeny:
    return ConnectionDeny(code=int(status), reason=status.phrase)  # type: ignore[no-untyped-call]


def bound_websockets(factory: WebSocketFactory, limits: SocketLimits) -> None:
    """Makes a factory of Daphne's produce bounded websockets."""
    factory.protocol = type("BoundedWebSocket", (BoundedWebSocket,), {"limits": limits})
    # Whoever breaks a rule is told which before the connection ends.
    factory.setProtocolOptions(failByDrop=False, closeHandshakeTimeout=_CLOSE_SECONDS)
