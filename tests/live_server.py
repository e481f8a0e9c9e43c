"""A real server for tests and benchmarks: `manage.py serve` in a process of its own, on free ports, in a fresh data folder."""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 60
_OF_ITS_OWN = frozenset(
    {
        "DATABASE_URL",
        "ELASTICSEARCH_URL",
        "KIOSK_ENCRYPTION_KEYS",
        "KIOSK_FACE_INDEX",
        "KIOSK_LANGUAGE",
        "KIOSK_MODE",
        "KIOSK_SECRET_KEY",
        "REDIS_URL",
    }
)
"""Settings on which it depends what `manage.py bootstrap` makes of an empty data folder, or by which servers share anything:
what they keep there is named by their database."""


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@functools.cache
def _bootstrapped() -> tempfile.TemporaryDirectory[str]:
    """Its folder "data" is what `manage.py bootstrap` makes of an empty one without settings of _OF_ITS_OWN; made once."""
    folder = tempfile.TemporaryDirectory(prefix="kiosk-bootstrapped-")
    LiveServer(Path(folder.name) / "data").manage("bootstrap")
    return folder


class LiveServer(AbstractContextManager["LiveServer"]):
    """Bootstraps `data_dir` and serves from it until the end of the with block. `settings` are added to the environment.

    The pages' port alone, on a free port, or with `all_ports` all others too.
    """

    def __init__(self, data_dir: Path, *, all_ports: bool = False, **settings: str) -> None:
        self.data_dir = data_dir
        self._settings = settings
        self.port = free_port()
        self.tool_port, self.flow_socket_port, self.flow_http_port, self.event_port = (
            free_port() if all_ports else 0 for _ in range(4)
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self.flow_url = f"http://127.0.0.1:{self.flow_http_port}"
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "kiosk.settings",
            "KIOSK_ENV_FILE": os.devnull,
            "KIOSK_MODE": "development",
            "KIOSK_DATA_DIR": str(data_dir),
            "KIOSK_PORT": str(self.port),
            "KIOSK_TOOL_PORT": str(self.tool_port),
            "KIOSK_FLOW_SOCKET_PORT": str(self.flow_socket_port),
            "KIOSK_FLOW_HTTP_PORT": str(self.flow_http_port),
            "KIOSK_EVENT_PORT": str(self.event_port),
            # Processes that few tests need.
            "KIOSK_VIDEO_WORKERS": "0",
            "KIOSK_VIDEO_STREAMS": "1",
            "KIOSK_API_RATE": "off",
            "KIOSK_SOCKET_RATE": "off",
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "ELASTICSEARCH_URL": "",
            **settings,
        }
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._bootstrap()
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    @property
    def tool_url(self) -> str:
        """Of the tool sockets' own port; the path follows."""
        return f"ws://127.0.0.1:{self.tool_port}"

    @property
    def flow_socket_url(self) -> str:
        """Of the flow socket's own port."""
        return f"ws://127.0.0.1:{self.flow_socket_port}/"

    @property
    def event_url(self) -> str:
        """Of the event socket's own port."""
        return f"ws://127.0.0.1:{self.event_port}/"

    @property
    def web_socket_url(self) -> str:
        """Of the websockets on the pages' port; the path follows."""
        return f"ws://127.0.0.1:{self.port}"

    def manage(self, *arguments: str) -> str:
        """What a management command prints; RuntimeError with all of it where it fails."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _bootstrap(self) -> None:
        """`manage.py bootstrap`, or, into a new folder, a copy of what it would make there."""
        if self._settings.keys() & _OF_ITS_OWN or self.data_dir.exists():
            self.manage("bootstrap")
        else:
            shutil.copytree(Path(_bootstrapped().name) / "data", self.data_dir)

    def start(self, *, wait: bool = True) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "manage.py", "serve"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self, seconds: float = _START_SECONDS) -> None:
        """Returns when /readyz says so; RuntimeError with the server's log where it does not come to that."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError(f"The server did not become ready:\n{self.log.read_text(encoding='utf-8', errors='replace')}")

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Sends a signal and waits for the end; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=seconds)

    def post(self, path: str, body: Any, *, token: str = "", timeout: float = 60) -> Any:
        """The decoded JSON answer to a JSON POST."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return json.load(response)
