"""The client in protocol 001, unchanged but for the address, against the real server."""

from __future__ import annotations

import ast
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.live_server import ROOT
from tests.media import shared

DEVICES = [
    "04f98265-1fad-47e5-9dda-66e191272055",
    "f9f0768f-497c-45f3-9307-ae80a9d89390",
    "804b1218-218e-4465-8e1f-c305a5981001",
    "9483034a-da64-4db0-b223-64e87d5567db",
]
ADDRESS = "ws://192.168.1.180:5679"
PING_SECONDS = 20
"""After so much silence the server would ask a client whether it is still there."""


def sample_client() -> str:
    """The code that stands in the document."""
    (document,) = shared("protocols").glob("001*.txt")
    return document.read_text(encoding="utf-8").split("客户端参考代码(python)")[1].split("```")[1]


@contextmanager
def running(server, folder) -> Iterator[subprocess.Popen[str]]:
    """The document's client as a process, connected to this server."""
    code = sample_client()
    assert ADDRESS in code
    script = folder / "sample.py"
    script.write_text(code.replace(ADDRESS, server.event_url.rstrip("/")), encoding="utf-8")
    client = subprocess.Popen([sys.executable, "-u", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield client
    finally:
        client.kill()
        client.wait()


def test_is_told_of_its_devices_events(server, recorder, tmp_path):
    with running(server, tmp_path) as client:
        recorded = []
        # Until the client has connected nothing is told; it says nothing by itself.
        while not recorded or not _line_is_there(client):
            recorded.append(recorder.record(device=DEVICES[len(recorded) % 4])["event_id"])
            recorder.record(device="11111111-2222-4333-8444-555555555555")
            time.sleep(0.3)
            assert len(recorded) < 100
        first = ast.literal_eval(client.stdout.readline())
        recorded.append(recorder.record(device=DEVICES[0])["event_id"])
        told = [first["event_id"]]
        while told[-1] != recorded[-1]:
            event = ast.literal_eval(client.stdout.readline())
            assert event["media_device_id"] in DEVICES
            assert event["recognize_face_image"].startswith("data:image/jpeg;base64,/9j/")
            assert event["register_image"] == ""
            told.append(event["event_id"])
        assert told == recorded[-len(told) :]


def test_bears_silence(server, recorder, tmp_path):
    """Its `recv_data(4096)` hands it every frame, pings too, and it takes each for an event."""
    with running(server, tmp_path) as client:
        while not _line_is_there(client):
            recorder.record(device=DEVICES[0])
            time.sleep(0.3)
        time.sleep(PING_SECONDS + 3)
        last = recorder.record(device=DEVICES[0])["event_id"]
        while ast.literal_eval(client.stdout.readline())["event_id"] != last:
            pass


def _line_is_there(client: subprocess.Popen[str]) -> bool:
    return bool(select.select([client.stdout], [], [], 0)[0])
