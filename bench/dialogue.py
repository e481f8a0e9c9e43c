"""A visit's handshake, questions, storage and summary over HTTP and websocket, beside a bare view and a bare echo in one run.

    python -m bench.dialogue [--seconds 20] [--visits 200]

Calls alternate, so that all see the same machine. Prints p50 and p99 of each and its ratio to the bare one: GET /healthz is a
Django view that does nothing, the echo a websocket application of five lines under the same Daphne. Then as many visits at once,
each with a telephone and an ID number of its own, which have to come back in its own storage and summary; busy and processing
are counted and asked again. Without the flow socket the questions are left out, and said so.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from websockets.exceptions import InvalidHandshake, InvalidMessage
from websockets.sync.client import ClientConnection, connect

from tests.live_server import ROOT, LiveServer, free_port

BAR_MS = 15.0
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_GROUPS = {"visit": 0, "bench": 25_000, "turns": 50_000}
_RETRY_SECONDS = 0.2
_PATIENCE_SECONDS = 120.0


async def echo(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """The bare websocket: sends back what it gets."""
    if scope["type"] != "websocket":
        return
    await send({"type": "websocket.accept"})
    await receive()
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="length of each measurement")
    parser.add_argument("--visits", type=int, default=200, help="visits at once")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bench-dialogue-") as folder,
        LiveServer(Path(folder) / "data", all_ports=True, KIOSK_FACE_ENGINE="fake") as server,
    ):
        hall = Hall(server.flow_http_port, server.flow_socket_port)
        print(f"sockets: {'served' if hall.has_socket else 'the flow socket is not served, questions are left out'}")
        _latencies(hall, arguments.seconds)
        _crowd(hall, arguments.visits)


@dataclass(slots=True)
class Hall:
    """The server as kiosks see it."""

    port: int
    socket_port: int
    has_socket: bool = False

    def __post_init__(self) -> None:
        try:
            with self.socket():
                self.has_socket = True
        except (OSError, InvalidHandshake, InvalidMessage):
            return

    def client(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_SECONDS)

    def socket(self) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.socket_port}/", open_timeout=_PATIENCE_SECONDS, compression=None)


def _post(client: http.client.HTTPConnection, body: dict[str, Any]) -> dict[str, Any]:
    client.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
    answer: dict[str, Any] = json.loads(client.getresponse().read())
    return answer


def _must(client: http.client.HTTPConnection, body: dict[str, Any]) -> dict[str, Any]:
    answer = _post(client, body)
    if answer["type"] != body["type"]:
        raise RuntimeError(f"{body['type']}: {answer['type']} {answer.get('detail')}")
    return answer


# One client


def _latencies(hall: Hall, seconds: float) -> None:
    client = hall.client()
    times: dict[str, list[float]] = {name: [] for name in ("bare view", "handshake", "storage", "summary")}
    deadline, number = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        number += 1
        citizen = Citizen(number, "bench")
        _timed(times["bare view"], partial(_get, client, "/healthz"))
        said = citizen.handshake(complete=True)
        token = _timed(times["handshake"], partial(_must, client, said))["hash"]
        for kind in ("storage", "summary"):
            body = {"user_id": citizen.user_id, "type": kind, "hash": token}
            _timed(times[kind], partial(_must, client, body))
    _report(times, "bare view")
    if hall.has_socket:
        with _echo_server() as port:
            _report(_turns(hall, client, port, seconds), "bare echo")


def _turns(hall: Hall, client: http.client.HTTPConnection, echo_port: int, seconds: float) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"bare echo": [], "qna turn": []}
    deadline, number = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        number += 1
        citizen = Citizen(number, "turns")
        token = _must(client, citizen.handshake())["hash"]
        with hall.socket() as socket, connect(f"ws://127.0.0.1:{echo_port}/", compression=None) as bare:
            socket.send(json.dumps({"user_id": citizen.user_id, "type": "qna", "hash": token}))
            question = socket.recv()
            while question:
                said = citizen.answer(str(question))
                _timed(times["bare echo"], partial(_said, bare, said))
                question = _timed(times["qna turn"], partial(_said, socket, said))
    return times


def _said(socket: ClientConnection, words: str) -> str:
    socket.send(words)
    return str(socket.recv())


def _get(client: http.client.HTTPConnection, path: str) -> None:
    client.request("GET", path)
    client.getresponse().read()


@contextlib.contextmanager
def _echo_server() -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), "bench.dialogue:echo"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _attempt in range(100):
            with contextlib.suppress(OSError, InvalidHandshake, InvalidMessage), connect(f"ws://127.0.0.1:{port}/"):
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def _report(times: dict[str, list[float]], bare: str) -> None:
    base = _percentile(times[bare], 50)
    for name, measured in times.items():
        p50, p99 = _percentile(measured, 50), _percentile(measured, 99)
        bar = (
            ""
            if name == bare
            else f", {p50 / base:.1f} of the {bare} (p50 at most {BAR_MS:g} ms: {'met' if p50 <= BAR_MS else 'MISSED'})"
        )
        print(f"  {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms ({len(measured)} calls){bar}")


# Many at once


@dataclass(slots=True)
class Citizen:
    """A citizen of the benchmark, all of whose data follows from a number."""

    number: int
    group: str = "visit"
    asked: list[str] = field(default_factory=list)

    @property
    def user_id(self) -> str:
        return f"{self.group}-{self.number}"

    @property
    def phone(self) -> str:
        return f"139{self.number % 100_000_000:08d}"

    @property
    def id_card(self) -> str:
        """A number with a right checksum, another one for each citizen of a group."""
        day, order = divmod(self.number + _GROUPS[self.group], 900)
        body = f"440103{1960 + day // 28 % 45}05{day % 28 + 1:02d}{order:03d}"
        return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]

    @property
    def gender(self) -> str:
        return "男" if int(self.id_card[16]) % 2 else "女"

    def handshake(self, *, complete: bool = False) -> dict[str, Any]:
        info = {"name": "王小明", "gender": self.gender, "nationality": "汉", "phone": self.phone, "id_card": self.id_card}
        info |= {"birth": f"{self.id_card[6:14]}", "address": "广东省广州市番禺区大学城外环西路100号", "hukou": "广州市番禺区"}
        said = {"type": "text", "text": "我要办身份证"}
        return {"user_id": self.user_id, "type": "handshake", "info": info if complete else {}, "input": said}

    def answer(self, question: str) -> str:
        """What this citizen says to a question of the id-card service."""
        self.asked.append(question)
        answers = {
            "名": "我叫王小明",
            "性别": f"我是{self.gender}的",
            "民族": "汉族",
            "电话": self.phone,
            "手机": self.phone,
            "身份证号": self.id_card,
            "住": "广东省广州市番禺区大学城外环西路100号",
            "户口": "广州市番禺区",
        }
        return next((said for word, said in answers.items() if word in question), "跳过")


@dataclass(slots=True)
class Tally:
    """What came of many visits."""

    types: Counter[str] = field(default_factory=Counter)
    mixed_up: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def _crowd(hall: Hall, visits: int) -> None:
    tally = Tally()
    together = threading.Barrier(visits)
    threads = [threading.Thread(target=_visit, args=[hall, Citizen(number), together, tally]) for number in range(visits)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - start
    done = len(tally.seconds)
    print(f"{visits} visits at once: {done} done in {took:.1f} s, {_percentile(tally.seconds, 50):.1f} s p50 of a visit")
    print(f"  answers: {dict(tally.types)}")
    print(f"  mixed up: {len(tally.mixed_up)} ({'met' if not tally.mixed_up else 'MISSED'})")
    print(f"  failed: {len(tally.failed)} ({'met' if not tally.failed else 'MISSED'}) {tally.failed[:3]}")


def _visit(hall: Hall, citizen: Citizen, together: threading.Barrier, tally: Tally) -> None:
    client = hall.client()
    together.wait()
    start = time.monotonic()
    try:
        token = _patiently(client, citizen.handshake(complete=not hall.has_socket), tally)["hash"]
        if hall.has_socket:
            _questions(hall, citizen, token)
        stored = _patiently(client, {"user_id": citizen.user_id, "type": "storage", "hash": token}, tally)
        shown = _patiently(client, {"user_id": citizen.user_id, "type": "summary", "hash": token}, tally)
    except (OSError, RuntimeError, InvalidHandshake, TimeoutError, KeyError) as error:
        tally.failed.append(f"{type(error).__name__}: {error}")
        return
    tally.seconds.append(time.monotonic() - start)
    for found in (stored["output"], shown["output"]["tables"][0]):
        if (found["phone"], found["id_card"]) != (citizen.phone, citizen.id_card):
            tally.mixed_up.append(citizen.user_id)


def _questions(hall: Hall, citizen: Citizen, token: str) -> None:
    with hall.socket() as socket:
        socket.send(json.dumps({"user_id": citizen.user_id, "type": "qna", "hash": token}))
        question = str(socket.recv(timeout=_PATIENCE_SECONDS))
        while question:
            question = _said(socket, citizen.answer(question))


def _patiently(client: http.client.HTTPConnection, body: dict[str, Any], tally: Tally) -> dict[str, Any]:
    """The answer; busy and processing are counted and asked again."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = _post(client, body)
        tally.types[answer["type"]] += 1
        if answer["type"] == body["type"]:
            return answer
        if answer["type"] not in {"busy", "processing"}:
            raise RuntimeError(f"{body['type']}: {answer.get('detail')}")
        time.sleep(_RETRY_SECONDS)
    raise TimeoutError(body["type"])


def _timed(times: list[float], call: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    result = call()
    times.append((time.perf_counter() - start) * 1000)
    return result


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else float("nan")


if __name__ == "__main__":
    main()
