"""Websockets as clients of the tests use them, and frames that no well-behaved client sends."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import time
from typing import Any, Self

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as _connect

from tests.asyncapi import is_documented

PATIENCE_SECONDS = 20
CLOSED = "closed"
"""Key of what answers() says of the end of a connection."""

TEXT, BINARY, CLOSE, PING, CONTINUATION = 1, 2, 8, 9, 0


def connect(url: str, **options: Any) -> ClientConnection:
    """A websocket without compression, which Daphne doesn't speak; keepalive is the server's business."""
    return _connect(
        url, **{"compression": None, "open_timeout": PATIENCE_SECONDS, "ping_interval": None, "max_size": None} | options
    )


def refusal(url: str, **options: Any) -> int:
    """The HTTP status with which a handshake is refused; 101 where it is not."""
    try:
        with connect(url, **options):
            return 101
    except InvalidStatus as error:
        return int(error.response.status_code)


def receive(client: ClientConnection, timeout: float = PATIENCE_SECONDS) -> Any:
    """The next message: a JSON object as that, another text or bytes as they are; the end of the connection as {CLOSED: code}.

    Whatever comes has to be in docs/asyncapi.yaml.
    """
    try:
        message = client.recv(timeout)
    except ConnectionClosed as closed:
        return {CLOSED: closed.rcvd.code if closed.rcvd else None}
    if isinstance(message, bytes):
        return message
    body = json.loads(message) if message[:1] == "{" else message
    assert client.request is not None
    assert is_documented(client.request.path, body), body
    return body


def ask(client: ClientConnection, message: str | bytes | dict[str, Any]) -> Any:
    """Sends one message, a dict as JSON, and returns the answer."""
    client.send(json.dumps(message) if isinstance(message, dict) else message)
    return receive(client)


class RawSocket:
    """A websocket whose bytes are the test's own. Closes in its with block by dropping the connection."""

    def __init__(self, url: str, headers: str = "", *, receive_buffer: int = 0) -> None:
        host, _slash, path = url.removeprefix("ws://").partition("/")
        name, _colon, port = host.partition(":")
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE_SECONDS)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect((name, int(port)))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Version: 13\r\n{headers}\r\n".encode("latin1")
        )
        self._read = b""
        head = self._until(b"\r\n\r\n")
        self.status = int(head.split(b" ", 2)[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.socket.close()

    def send(self, *frames: bytes) -> None:
        self.socket.sendall(b"".join(frames))

    def send_until_stuck(self, message: bytes, *, most: int, seconds: float) -> int:
        """Sends the message again and again, until for so long the server takes no more; how often it did."""
        self.socket.settimeout(seconds)
        try:
            for sent in range(most):
                try:
                    self.send(message)
                except TimeoutError:
                    return sent
        finally:
            self.socket.settimeout(PATIENCE_SECONDS)
        return most

    def frame(self) -> tuple[int, bytes]:
        """The next frame's opcode and payload; (CLOSE, b"") where the connection just ends."""
        head = self._exactly(2)
        if len(head) < 2:
            return CLOSE, b""
        length = head[1] & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._exactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._exactly(8))
        return head[0] & 0x0F, self._exactly(length)

    def close_code(self, seconds: float = PATIENCE_SECONDS) -> int | None:
        """The code of the server's close frame, whatever comes before it; None where the connection ends without one."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                opcode, payload = self.frame()
            except ConnectionError:
                return None
            if opcode == CLOSE:
                return struct.unpack("!H", payload[:2])[0] if payload else None
        raise TimeoutError

    def _until(self, end: bytes) -> bytes:
        while end not in self._read:
            piece = self.socket.recv(4096)
            if not piece:
                raise ConnectionError(self._read)
            self._read += piece
        found, self._read = self._read.split(end, 1)
        return found

    def _exactly(self, count: int) -> bytes:
        while len(self._read) < count:
            piece = self.socket.recv(65536)
            if not piece:
                break
            self._read += piece
        found, self._read = self._read[:count], self._read[count:]
        return found


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, announced: int | None = None, masked: bool = True) -> bytes:
    """A client's frame; `announced` is the length that its head claims. The mask is 0: the payload stands as it is."""
    length = len(payload) if announced is None else announced
    bit = 0x80 if masked else 0
    first = bytes([(0x80 if final else 0) | opcode])
    if length < 126:
        head = first + bytes([bit | length])
    elif length < 65536:
        head = first + bytes([bit | 126]) + struct.pack("!H", length)
    else:
        head = first + bytes([bit | 127]) + struct.pack("!Q", length)
    return head + (b"\0\0\0\0" if masked else b"") + payload
