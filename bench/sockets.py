"""How long the server's event loop keeps others waiting while many websockets talk.

    python -m bench.sockets                 # 200 sockets for 20 seconds
    python -m bench.sockets --sockets 1000

A third of the sockets send pictures to /face_predict, a third texts to /tts, a third begin visits and answer their questions;
each sends its next message half a second after the last answer. One socket more sends messages that the event loop answers by
itself, without a thread: how long it waits is what the loop was busy with others. The engine is the fake one: engines run in
other processes, and compete with the loop for cores alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from faces.engines.fake import FakeFace
from tests.live_server import LiveServer
from tests.media import fake_jpeg

_PAUSE_SECONDS = 0.5
_PROBE_PAUSE_SECONDS = 0.01
_OPTIONS: dict[str, Any] = {"compression": None, "open_timeout": 60, "ping_interval": None, "max_size": None}


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    settings = {"KIOSK_FACE_ENGINE": "fake", "KIOSK_TTS_ENGINE": "espeak", "KIOSK_FACE_PREDICT_IMAGES": "1000"}
    with (
        tempfile.TemporaryDirectory(prefix="bench-sockets-") as folder,
        LiveServer(Path(folder) / "data", all_ports=True, **settings) as server,
    ):
        for count in (0, arguments.sockets):
            asyncio.run(_measure(server, count, arguments.seconds))


async def _measure(server: LiveServer, count: int, seconds: float) -> None:
    talkers = [
        lambda: _talk(f"{server.tool_url}/face_predict", fake_jpeg(FakeFace(1))),
        lambda: _talk(f"{server.tool_url}/tts", "请问您的电话号码是多少？"),
        lambda: _visit(server),
    ]
    counts = [asyncio.ensure_future(talkers[number % 3]()) for number in range(count)]
    await asyncio.sleep(2 if count else 0)
    waited = await _probe(server, seconds)
    for task in counts:
        task.cancel()
    answered = [result for result in await asyncio.gather(*counts, return_exceptions=True) if isinstance(result, int)]
    broken = count - len(answered)
    millis = sorted(1000 * value for value in waited)
    print(
        f"{count} sockets, {sum(answered) / (seconds + 2):.0f} messages a second, {broken} broken:"
        f" a message waits p50 {statistics.median(millis):.1f} ms, p99 {millis[int(len(millis) * 0.99)]:.1f} ms,"
        f" at most {millis[-1]:.1f} ms"
    )


async def _probe(server: LiveServer, seconds: float) -> list[float]:
    waited = []
    async with connect(f"{server.tool_url}/tts", **_OPTIONS) as socket:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            started = time.monotonic()
            await socket.send(b"")
            await socket.recv()
            waited.append(time.monotonic() - started)
            await asyncio.sleep(_PROBE_PAUSE_SECONDS)
    return waited


async def _talk(url: str, message: str | bytes) -> int:
    """How many messages were answered until it was cancelled."""
    answered = 0
    async with connect(url, **_OPTIONS) as socket:
        try:
            while True:
                await socket.send(message)
                await socket.recv()
                answered += 1
                await asyncio.sleep(_PAUSE_SECONDS)
        except asyncio.CancelledError:
            return answered


async def _visit(server: LiveServer) -> int:
    answered = 0
    async with connect(server.flow_socket_url, **_OPTIONS) as socket:
        try:
            while True:
                user = f"bench-{id(socket)}-{answered}"
                token = await asyncio.to_thread(_shake_hands, server, user)
                question = await _asked(socket, json.dumps({"user_id": user, "type": "qna", "hash": token}))
                answered += 1
                while question:
                    await asyncio.sleep(_PAUSE_SECONDS)
                    question = await _asked(socket, "跳过")
                    answered += 1
        except asyncio.CancelledError:
            return answered


async def _asked(socket: ClientConnection, message: str) -> str:
    await socket.send(message)
    question = await socket.recv()
    assert isinstance(question, str)
    return question


def _shake_hands(server: LiveServer, user: str) -> str:
    body = {"user_id": user, "type": "handshake", "input": {"type": "text", "text": "我要办身份证"}}
    request = urllib.request.Request(server.flow_url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        token: str = json.load(response)["hash"]
    return token


if __name__ == "__main__":
    main()
