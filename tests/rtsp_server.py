"""A real RTSP camera for tests, run by tests/rtsp_camera.py.

Needs Debian's gir1.2-gst-rtsp-server-1.0 and gstreamer1.0-plugins-good; without them its tests are skipped by name.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PYTHON = "/usr/bin/python3"
"""Debian's own, which has the bindings; not that of the virtual environment."""
_SCRIPT = Path(__file__).with_name("rtsp_camera.py")
_CHECK = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); gi.require_version('Gst', '1.0'); from gi.repository import Gst,"
    " GstRtspServer; Gst.init(None); assert all(map(Gst.ElementFactory.find, ['qtdemux', 'rtph264pay', 'rtpbin']))"
)


@dataclass
class Camera:
    """A running camera."""

    port: int
    sent: list[tuple[float, float]] = field(default_factory=list)
    """For each packet the second of the video and the time on the clock (time.time()) at which it was made ready."""

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/live"

    def shown_at(self, second: float) -> float:
        """The time on the clock at which a second of the video was shown, the first time that it was."""
        return self.sent[0][1] + second - self.sent[0][0]


@contextmanager
def rtsp_camera(video: Path, *login: str) -> Iterator[Camera]:
    """A camera that shows the video from its beginning to each client; `login` is a user and a password that it asks for."""
    if not Path(PYTHON).exists() or subprocess.run([PYTHON, "-c", _CHECK], check=False, capture_output=True).returncode:
        pytest.skip("needs Debian's gir1.2-gst-rtsp-server-1.0 and gstreamer1.0-plugins-good, which are not here")
    process = subprocess.Popen([PYTHON, str(_SCRIPT), str(video), *login], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        camera = Camera(int(process.stdout.readline().split()[1]))
        threading.Thread(target=_follow, args=(process.stdout, camera), daemon=True).start()
        yield camera
    finally:
        process.kill()
        process.wait()


def _follow(lines: object, camera: Camera) -> None:
    for line in lines:
        _word, place, clock = line.split()
        camera.sent.append((float(place), float(clock)))
