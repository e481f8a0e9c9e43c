"""A running hall: the real server, which starts `manage.py watch` itself, its devices, and a client of the event socket."""

from __future__ import annotations

import base64
import json
import sqlite3
import sys
import time
from contextlib import AbstractContextManager, closing
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from tests.live_server import ROOT, LiveServer
from tests.sockets import connect, receive

LOCAL = "127.0.0.0/8"
_SHELL = """
import json, sys
import django
django.setup()
from analytics.models import MediaDevice, RecognitionEvent
for line in sys.stdin:
    names = {"MediaDevice": MediaDevice, "RecognitionEvent": RecognitionEvent, "answer": None}
    exec(json.loads(line), names)
    print(json.dumps(names["answer"], default=str))
"""


class Hall(LiveServer):
    """`settings` as of LiveServer; the event socket is open to this machine."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        defaults = {
            "KIOSK_EVENT_NETWORKS": LOCAL,
            "KIOSK_FACE_ENGINE": "fake",
            "KIOSK_ENGINE_WORKERS": "1",
            "KIOSK_TTS_ENGINE": "espeak",
            "KIOSK_VIDEO_WORKERS": "0",
            "KIOSK_WATCH_SNAPSHOT_SECONDS": "1",
        }
        super().__init__(data_dir, **(defaults | settings))
        self._shell: Popen[str] | None = None

    def run(self, code: str) -> Any:
        """What the Python code leaves in `answer`, run in a process of the installation with its models at hand."""
        if self._shell is None:
            command = [sys.executable, "-u", "-c", _SHELL]
            self._shell = Popen(command, cwd=ROOT, env=self.environment, stdin=PIPE, stdout=PIPE, text=True)
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(json.dumps(code) + "\n")
        self._shell.stdin.flush()
        return json.loads(self._shell.stdout.readline())

    def __exit__(self, *reason: object) -> None:
        try:
            if self._shell is not None and self._shell.stdin is not None:
                self._shell.stdin.close()
                self._shell.wait(timeout=30)
        finally:
            super().__exit__(*reason)

    def add_device(self, name: str, address: str, device_type: str = "rtsp", **fields: Any) -> str:
        """Its device_id."""
        values = {"name": name, "address": address, "device_type": device_type, **fields}
        device_id: str = self.run(f"answer = MediaDevice.objects.create(**{values!r}).device_id")
        return device_id

    def device(self, name: str) -> dict[str, Any]:
        """How the device is: error, last_seen_at, snapshot and more."""
        with closing(sqlite3.connect(self.data_dir / "kiosk.sqlite3")) as rows:
            rows.row_factory = sqlite3.Row
            found = rows.execute("SELECT * FROM analytics_mediadevice WHERE name = ?", [name]).fetchone()
        state: dict[str, Any] = dict(found)
        return state

    def enrol(self, name: str, picture: bytes) -> None:
        body = {"type": "face", "action": "add", "name": name, "image": base64.b64encode(picture).decode()}
        answer = self.post("/face", body)
        assert answer["data"]["entity_id"], answer

    def follow(self, **configuration: Any) -> Follow:
        return Follow(f"{self.web_socket_url}/events", configuration)


class Follow(AbstractContextManager["Follow"]):
    """A client of the event socket."""

    def __init__(self, url: str, configuration: dict[str, Any]) -> None:
        self._context = connect(url, close_timeout=0.1)
        self._client = self._context.__enter__()
        self._client.send(json.dumps({"heartbeat": 3600, **configuration}))
        assert receive(self._client)["message"] == "heartbeat"
        self.events: list[dict[str, Any]] = []
        """All that came, each with `received`, the time on the clock."""

    def __exit__(self, *_reason: object) -> None:
        self._context.__exit__(None, None, None)

    def wait(self, seconds: float, enough: int = 10**9) -> list[dict[str, Any]]:
        """Listens for so long, or until there are so many events; all of them so far."""
        deadline = time.monotonic() + seconds
        while len(self.events) < enough and (left := deadline - time.monotonic()) > 0:
            try:
                event = receive(self._client, left)
            except TimeoutError:
                break
            if "event_id" in event:
                self.events.append({**event, "received": time.time()})
        return self.events


def until(condition: Any, seconds: float = 30) -> Any:
    """What the condition gives once it is true; AssertionError where it does not become so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not come to that in time")
