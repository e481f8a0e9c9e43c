"""The clients of bench.events, in a process of their own: what each of them receives, and how late.

As light as can be, so that it is the server that is measured: frames are cut out of what arrives by hand, and of an event only
its number and time are looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import socket
import struct
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Self

PREFIX = b'{"event_id":"bench-'
"""How an event of the benchmark begins; six digits follow, and the time."""
_NUMBER = slice(len(PREFIX), len(PREFIX) + 6)
_TIME = slice(_NUMBER.stop + len('","timestamp":'), _NUMBER.stop + len('","timestamp":') + 13)
_SLOW_BYTES, _SLOW_PAUSE_SECONDS = 8192, 0.5
_LAST_SECONDS = 30


@dataclass
class Seen:
    """What the clients of one kind received, together."""

    clients: int = 0
    events: int = 0
    wrong: int = 0
    """Events missed without a word, repeated or out of order."""
    lost: int = 0
    """As they were told."""
    latencies_ms: list[int] = field(default_factory=list)

    def noted(self, total: int) -> dict[str, Any]:
        late = sorted(self.latencies_ms)
        shares = {
            f"p{share}": late[min(len(late) - 1, len(late) * share // 100)] if late else None for share in (50, 95, 99, 100)
        }
        unaccounted = self.clients * total - self.events - self.lost
        return (
            {key: value for key, value in asdict(self).items() if key != "latencies_ms"} | shares | {"unaccounted": unaccounted}
        )


class Client(asyncio.Protocol):
    """One websocket."""

    def __init__(self, seen: Seen, request: bytes, configuration: bytes, done: asyncio.Event, total: int) -> None:
        self._seen, self._request, self._configuration = seen, request, configuration
        self._held, self._is_open = bytearray(), False
        self.configured = asyncio.Event()
        self.next, self._total, self._done = 0, total, done
        seen.clients += 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        held = self._held
        held += data
        if not self._is_open:
            end = held.find(b"\r\n\r\n")
            if end < 0:
                return
            assert held.startswith(b"HTTP/1.1 101"), bytes(held)
            del held[: end + 4]
            self._is_open = True
            self._transport.write(self._configuration)
        at, now = 0, time.time_ns() // 1_000_000
        while (span := _span(held, at))[1] <= len(held):
            start, end = span
            if held[at] == 0x81:
                self._message(held[start : min(start + 200, end)], now)
            elif held[at] == 0x89:
                # The same content back, or the server takes the client for gone.
                self._transport.write(bytes((0x8A, 0x80 | end - start)) + b"\0\0\0\0" + held[start:end])
            at = end
        del held[:at]

    def _message(self, text: bytearray, now: int) -> None:
        if text.startswith(PREFIX):
            number = int(text[_NUMBER])
            if number != self.next:
                self._seen.wrong += 1
            self.next = number + 1
            self._seen.events += 1
            self._seen.latencies_ms.append(now - int(text[_TIME]))
        else:
            told = json.loads(text)
            if told["message"] == "heartbeat":
                self.configured.set()
                return
            assert told["message"] == "lost", told
            self._seen.lost += told["lost"]
            self.next += told["lost"]
        if self.next >= self._total:
            self._done.set()


def _span(held: bytearray, at: int) -> tuple[int, int]:
    """Where the content of the frame at this place begins and ends; beyond what is held where its head is not there yet."""
    if len(held) < at + 2 or (held[at + 1] >= 126 and len(held) < at + 10):
        return at, len(held) + 1
    length = held[at + 1]
    if length == 126:
        return at + 4, at + 4 + int(struct.unpack_from("!H", held, at + 2)[0])
    if length == 127:
        return at + 10, at + 10 + int(struct.unpack_from("!Q", held, at + 2)[0])
    return at + 2, at + 2 + length


def _request(port: int) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def _frame(body: dict[str, Any]) -> bytes:
    payload = json.dumps(body).encode()
    return bytes((0x81, 0x80 | len(payload))) + b"\0\0\0\0" + payload


async def _slow(client: Client, port: int, hurry: asyncio.Event) -> None:
    """A client that reads a little now and then, and what is left once nothing more is recorded."""
    loop = asyncio.get_running_loop()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    connection.setblocking(False)
    await loop.sock_connect(connection, ("127.0.0.1", port))
    transport = _Writer(connection)
    client.connection_made(transport)
    while data := await loop.sock_recv(connection, _SLOW_BYTES):
        client.data_received(data)
        if not hurry.is_set() and client.next:
            await asyncio.sleep(_SLOW_PAUSE_SECONDS)


class _Writer(asyncio.Transport):
    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection

    def write(self, data: Any) -> None:
        self._connection.send(data)


class _Clients:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._hurry = asyncio.Event()
        self._done: list[asyncio.Event] = []
        self._configured: list[asyncio.Event] = []
        self.seen = {kind: Seen() for kind in ("plain", "with images", "slow")}
        self._reading: list[asyncio.Task[None]] = []

    async def connect(self) -> Self:
        for number in range(self._arguments.clients):
            port = self._arguments.ports[number % len(self._arguments.ports)]
            slow = number % 50 == 7
            images = slow or number % 10 == 3
            client = self._client("slow" if slow else "with images" if images else "plain", port, images=images)
            if slow:
                self._reading.append(asyncio.create_task(_slow(client, port, self._hurry)))
            else:
                await asyncio.get_running_loop().create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
        for configured in self._configured:
            await configured.wait()
        return self

    def _client(self, kind: str, port: int, *, images: bool) -> Client:
        done = asyncio.Event()
        self._done.append(done)
        configuration = _frame({"with_face_image": images, "media_device_ids": [], "heartbeat": 3600})
        client = Client(self.seen[kind], _request(port), configuration, done, self._arguments.events)
        self._configured.append(client.configured)
        return client

    async def finish(self) -> None:
        """Waits until everybody has everything, the slow ones in a hurry now; not for ever."""
        self._hurry.set()
        waiting = [asyncio.create_task(done.wait()) for done in self._done]
        await asyncio.wait(waiting, timeout=_LAST_SECONDS)


async def _run(arguments: argparse.Namespace) -> None:
    clients = await _Clients(arguments).connect()
    print("connected", flush=True)
    # Told when everything is recorded.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await clients.finish()
    print(json.dumps({kind: seen.noted(arguments.events) for kind, seen in clients.seen.items()}), flush=True)


def main() -> None:
    """Connects, says "connected", and after a line on stdin prints what was seen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("ports", type=int, nargs="+")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
