"""One server for each file of tests, with the fake face engine: what engines see is tested elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live_server import LiveServer

QUICK = {
    "KIOSK_FACE_ENGINE": "fake",
    "KIOSK_ENGINE_WORKERS": "1",
    "KIOSK_VIDEO_WORKERS": "1",
    "KIOSK_VIDEO_STREAMS": "2",
    "KIOSK_VIDEO_PLATES": "false",
    "KIOSK_VIDEO_LOST_SECONDS": "5",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(tmp_path_factory.mktemp("videos") / "data", **QUICK) as running:
        yield running
