"""Real servers with an event socket, and processes that record events beside them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.analytics.events.recorder import Recorder
from tests.live_server import LiveServer

FAST = {
    "KIOSK_FACE_ENGINE": "fake",
    "KIOSK_ENGINE_WORKERS": "1",
    "KIOSK_TTS_ENGINE": "espeak",
    "KIOSK_VIDEO_WORKERS": "0",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(tmp_path_factory.mktemp("events") / "data", all_ports=True, **FAST) as running:
        yield running
        assert "Traceback" not in running.log.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def recorder(server: LiveServer) -> Iterator[Recorder]:
    with Recorder(server.environment) as process:
        yield process
