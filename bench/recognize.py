"""POST /recognize over HTTP beside the engine called directly on the same bytes, decoding included, in the same run.

    python -m bench.recognize [--engine dlib|insightface] [--seconds 20] [--photos FOLDER]

Direct calls and HTTP requests alternate photo by photo, so that both see the same machine. Prints p50 and p99 with one client,
throughput with eight clients beside the same engine on all cores, the longest hold-up of the event loop beside that of a process
that only sleeps (what the machine itself holds up, and what another guest of it takes away), and the memory of the serving
process without its engine processes.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import json
import multiprocessing
import os
import re
import socket
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self, get_args

from faces import analysis
from faces.engines.registry import EngineSpec, resolve
from kiosk.runtime.imaging import ImageLimits
from tests.live_server import ROOT, LiveServer

EngineChoice = Literal["dlib", "insightface"]
SHARED = ROOT.parent / "shared"
MIN_FACE = 80
ONE_CLIENT_BAR = 1.15
EIGHT_CLIENTS_BAR = 0.9
LAG_BAR_MS = 20.0
MEMORY_BAR_MB = 200.0
_RUN_UP_SECONDS = 0.3
"""Until all clients are at it."""
_SPELL_SECONDS = 2.0
"""Machines shared with others change their speed by a fifth within seconds: both sides of a ratio have to see each change."""


def main() -> None:
    """Runs the benchmark for each engine that can run here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", action="append", choices=get_args(EngineChoice))
    parser.add_argument("--seconds", type=float, default=20, help="length of each measurement")
    parser.add_argument("--photos", type=Path, default=SHARED / "testdata" / "faces")
    parser.add_argument("--insightface-root", type=Path, default=SHARED / "models" / "insightface")
    parser.add_argument("--pack", default="mobile")
    arguments = parser.parse_args()
    photos = [path.read_bytes() for path in sorted(arguments.photos.iterdir()) if path.suffix in {".jpg", ".png"}]
    chosen: Sequence[EngineChoice] = arguments.engine or get_args(EngineChoice)
    for engine in chosen:
        if engine == "insightface" and not (arguments.insightface_root / "models" / arguments.pack).is_dir():
            print(f"insightface: skipped, no pack {arguments.pack} under {arguments.insightface_root}")
            continue
        with tempfile.TemporaryDirectory(prefix="bench-recognize-") as folder:
            _measure(engine, photos, arguments, Path(folder))


def _measure(engine: EngineChoice, photos: Sequence[bytes], arguments: argparse.Namespace, folder: Path) -> None:
    settings = {
        "KIOSK_FACE_ENGINE": engine,
        "KIOSK_INSIGHTFACE_ROOT": str(arguments.insightface_root),
        "KIOSK_INSIGHTFACE_PACK": arguments.pack,
    }
    spec, _reason = resolve(engine, insightface_root=arguments.insightface_root, pack=arguments.pack, cache_dir=folder / "models")
    with LiveServer(folder / "data", **settings) as server:
        enrolled = _enrol(server, photos)
        requests = [_request(photo) for photo in photos]
        analysis.prepare(spec, ImageLimits())
        print(f"\n{engine}: {len(photos)} photos, {enrolled} enrolled, {os.cpu_count()} cores")
        _one_client(server, photos, requests, arguments.seconds)
        with _Sleeper() as sleeper:
            _eight_clients(server, spec, photos, requests, arguments.seconds)
            slept, stolen = sleeper.worst_ms, sleeper.stolen
        with urllib.request.urlopen(f"{server.url}/healthz") as response:
            lag = json.load(response)["event_loop_lag_ms"]
        _bar("event loop held up at worst", f"{lag:.1f} ms", lag <= LAG_BAR_MS, f"at most {LAG_BAR_MS:g} ms")
        print(f"  a process that only sleeps, beside the eight clients: {slept:.1f} ms; {stolen}")
        assert server.process is not None
        memory = _resident_mb(server.process.pid)
        _bar("memory of the serving process", f"{memory:.0f} MB", memory <= MEMORY_BAR_MB, f"at most {MEMORY_BAR_MB:g} MB")


def _enrol(server: LiveServer, photos: Sequence[bytes]) -> int:
    answers = (
        server.post("/face", {"type": "face", "action": "add", "name": f"P{index}", "image": base64.b64encode(photo).decode()})
        for index, photo in enumerate(photos)
    )
    return sum(answer["status"] == "success" for answer in answers)


class _Sleeper:
    """A process that does nothing but sleep for 20 ms at a time: how late it wakes up is the machine's doing."""

    _NAP_SECONDS = 0.02

    def __init__(self) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._worst: Any = spawning.Value("d", 0.0)
        self._process = spawning.Process(target=_sleep, args=(self._worst, self._NAP_SECONDS), daemon=True)

    def __enter__(self) -> Self:
        self._stolen = _stolen_seconds()
        self._process.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.join()

    @property
    def worst_ms(self) -> float:
        worst: float = self._worst.value
        return worst * 1000

    @property
    def stolen(self) -> str:
        """Processor time that a hypervisor gave to others meanwhile."""
        return f"{_stolen_seconds() - self._stolen:.1f} s of the processors were taken by the hypervisor"


def _sleep(worst: Any, seconds: float) -> None:
    while True:
        due = time.monotonic() + seconds
        time.sleep(seconds)
        worst.value = max(worst.value, time.monotonic() - due)


def _stolen_seconds() -> float:
    return int(Path("/proc/stat").read_text(encoding="ascii").split(maxsplit=9)[8]) / os.sysconf("SC_CLK_TCK")


class _Client:
    """One connection that sends requests made before and reads the answers: a load generator must cost next to nothing itself.

    http.client takes half a millisecond a request, of the two cores that server and engines have.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, request: bytes) -> Any:
        """Raises RuntimeError where the answer is an error."""
        self._socket.sendall(request)
        answer = b""
        while (end := answer.find(b"\r\n\r\n")) < 0 or len(answer) < end + 4 + _length(answer[:end]):
            received = self._socket.recv(65536)
            if not received:
                raise RuntimeError("the server closed the connection")
            answer += received
        body = json.loads(answer[end + 4 :])
        if body["statusCode"] >= 400:
            raise RuntimeError(body["message"])
        return body


def _length(head: bytes) -> int:
    match = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if match is None:
        raise RuntimeError("an answer without a length")
    return int(match[1])


def _request(photo: bytes) -> bytes:
    body = json.dumps({"photo": base64.b64encode(photo).decode()}).encode()
    return (
        b"POST /recognize HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    ) + body


def _one_client(server: LiveServer, photos: Sequence[bytes], requests: Sequence[bytes], seconds: float) -> None:
    client = _Client(server.port)
    direct: list[float] = []
    over_http: list[float] = []
    deadline = time.monotonic() + 2 * seconds
    turn = 0
    while time.monotonic() < deadline:
        photo, request = photos[turn % len(photos)], requests[turn % len(requests)]
        direct.append(_timed(partial(analysis.largest_face, photo, MIN_FACE)))
        over_http.append(_timed(partial(client.post, request)))
        turn += 1
    ratio = _percentile(over_http, 50) / _percentile(direct, 50)
    # With photos of very different size, a p50 falls between two of them: a little slower, and it jumps.
    paired = statistics.median(served / called for served, called in zip(over_http, direct, strict=True))
    for name, times in (("engine called directly", direct), ("POST /recognize, one client", over_http)):
        print(f"  {name}: p50 {_percentile(times, 50):.1f} ms, p99 {_percentile(times, 99):.1f} ms ({len(times)} calls)")
    _bar("p50 over HTTP / p50 direct", f"{ratio:.3f}", ratio <= ONE_CLIENT_BAR, f"at most {ONE_CLIENT_BAR}")
    print(f"  each request / the same photo just before, directly: median {paired:.3f}")


def _eight_clients(
    server: LiveServer, spec: EngineSpec, photos: Sequence[bytes], requests: Sequence[bytes], seconds: float
) -> None:
    """Alternates spells of both, so that a neighbour's load on the machine hits both alike."""
    spells, cores = max(4, round(seconds / _SPELL_SECONDS)), os.cpu_count() or 1
    direct = served = 0.0
    latencies: list[float] = []
    with multiprocessing.get_context("spawn").Pool(cores, analysis.prepare, (spec, ImageLimits())) as pool:
        pool.map(_engine_for, [(photos, 1.0)] * cores)
        for _spell in range(spells):
            direct += sum(pool.map(_engine_for, [(photos, seconds / spells)] * cores, chunksize=1)) / spells
            rate, times = _clients(server.port, requests, seconds / spells, clients=8)
            served += rate / spells
            latencies += times
    print(
        f"  engine on all cores: {direct:.1f} photos/s; eight clients: {served:.1f} photos/s, "
        f"p50 {_percentile(latencies, 50):.0f} ms, p99 {_percentile(latencies, 99):.0f} ms"
    )
    _bar(
        "throughput over HTTP / direct",
        f"{served / direct:.3f}",
        served / direct >= EIGHT_CLIENTS_BAR,
        f"at least {EIGHT_CLIENTS_BAR}",
    )


def _engine_for(task: tuple[Sequence[bytes], float]) -> float:
    """Photos a second of one process. Whole rounds only: some photos take three times as long as others."""
    photos, seconds = task
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        for photo in photos:
            analysis.largest_face(photo, MIN_FACE)
        done += len(photos)
    return done / (time.perf_counter() - start)


def _clients(port: int, requests: Sequence[bytes], seconds: float, *, clients: int) -> tuple[float, list[float]]:
    """Requests a second, all clients together, and how long each took; of the time in which all of them are at it."""
    times: list[float] = []
    # One turn for all, so that every photo is sent as often as the others.
    turns = itertools.count()
    start = time.perf_counter() + _RUN_UP_SECONDS

    def work() -> None:
        client = _Client(port)
        while time.perf_counter() < start + seconds:
            took = _timed(partial(client.post, requests[next(turns) % len(requests)]))
            if start <= time.perf_counter() < start + seconds:
                times.append(took)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(times) / seconds, times


def _timed(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _resident_mb(process_id: int) -> float:
    for line in Path(f"/proc/{process_id}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def _bar(name: str, value: str, met: bool, bar: str) -> None:
    print(f"  {name}: {value} ({bar}: {'met' if met else 'MISSED'})")


if __name__ == "__main__":
    main()
