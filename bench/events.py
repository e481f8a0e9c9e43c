"""The event socket with many clients: how late events are, whether anybody misses one, and what it costs.

    python -m bench.events                          # 1,000 clients, 20 events a second for a minute
    python -m bench.events --redis                  # the same with two servers and Redis (redis-server has to be installed)
    python -m bench.events --clients 100 --seconds 10

A tenth of the clients want pictures of faces; one in fifty reads 16 KB a second, which is less than it is sent. Clients, servers
and the recorder share the machine. A latency runs from the moment before an event is recorded to the moment when a client has
read it. "wrong" counts events that a client missed, or got twice or out of order, without being told; "lost" those that it was
told it lost; "unaccounted" must be 0: every event arrived at every client, or the client knows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.analytics.events.recorder import Recorder
from tests.live_server import ROOT, LiveServer, free_port

_SETTINGS = {"KIOSK_FACE_ENGINE": "fake", "KIOSK_ENGINE_WORKERS": "1", "KIOSK_TTS_ENGINE": "espeak", "KIOSK_VIDEO_WORKERS": "0"}
_FACE_BYTES = 12_000
_SAMPLES_SECONDS = 5.0


def main() -> None:
    """Runs the benchmark; exits with 1 where the bounds of issue 5 are not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=20, help="events a second")
    parser.add_argument("--redis", action="store_true", help="two servers over Redis")
    parser.add_argument("--bound-ms", type=int, default=250, help="p99 of those who read")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-events-")))
        redis = {"REDIS_URL": stack.enter_context(_redis(folder))} if arguments.redis else {}
        servers = [stack.enter_context(_server(folder / "data", **redis)) for _ in range(2 if arguments.redis else 1)]
        recorder = stack.enter_context(Recorder(servers[0].environment))
        seen = _measure(arguments, servers, recorder)
    readers = [seen["plain"]["p99"], seen["with images"]["p99"]]
    whole = all(kind["wrong"] == kind["unaccounted"] == 0 for kind in seen.values())
    sys.exit(0 if whole and max(readers) <= arguments.bound_ms and seen["slow"]["lost"] > 0 else 1)


def _server(data: Path, **settings: str) -> LiveServer:
    return LiveServer(data, all_ports=True, **_SETTINGS, **settings)


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


def _measure(arguments: argparse.Namespace, servers: Sequence[LiveServer], recorder: Recorder) -> dict[str, Any]:
    total = int(arguments.seconds * arguments.rate)
    # Device, code and caches are warm; no client has connected yet.
    recorder.record(face_bytes=_FACE_BYTES)
    command = [sys.executable, "-m", "bench.event_clients", "--clients", str(arguments.clients), "--events", str(total)]
    command += [str(server.event_port) for server in servers]
    clients = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert clients.stdin is not None
    assert clients.stdout is not None
    assert clients.stdout.readline() == "connected\n"
    processes = [server.process.pid for server in servers if server.process is not None]
    cpu_before, began = [_cpu_seconds(pid) for pid in processes], time.monotonic()
    memory: list[list[float]] = []
    took: list[float] = []
    for number in range(total):
        took.append(recorder.record(event_id=f"bench-{number:06d}", face_bytes=_FACE_BYTES)["took"] * 1000)
        if time.monotonic() - began >= len(memory) * _SAMPLES_SECONDS:
            memory.append([round(_memory_mb(pid), 1) for pid in processes])
        time.sleep(max(0.0, began + (number + 1) / arguments.rate - time.monotonic()))
    seconds = time.monotonic() - began
    busy = [round((_cpu_seconds(pid) - before) / seconds, 2) for pid, before in zip(processes, cpu_before, strict=True)]
    clients.stdin.write("\n")
    clients.stdin.close()
    seen: dict[str, Any] = json.loads(clients.stdout.readline())
    clients.wait(timeout=30)
    memory.append([round(_memory_mb(pid), 1) for pid in processes])
    print(
        f"{arguments.clients} clients, {total} events in {seconds:.1f} s, {len(servers)} server(s), load {os.getloadavg()[0]:.1f}"
    )
    for kind, numbers in seen.items():
        print(f"  {kind:12} " + "  ".join(f"{name} {value}" for name, value in numbers.items()))
    print(f"  cores used by the servers: {busy}; memory, MB, every {_SAMPLES_SECONDS:.0f} s: {memory}")
    print(f"  recording, ms: median {sorted(took)[len(took) // 2]:.1f}, slowest {max(took):.1f}", flush=True)
    return seen


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
