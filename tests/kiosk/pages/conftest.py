"""The server and the browser of the tests of the kiosk's pages; both start once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from bench.dialogue import Citizen
from tests.browser import CHROMIUM, chromium, opened
from tests.flows.speech.tiny_whisper import save_tiny_whisper
from tests.live_server import LiveServer

_numbers = itertools.count(100)


@pytest.fixture(scope="session")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A hall with the fake face engine, a voice, and ears that hear 我要办身份证 whatever is said."""
    folder = tmp_path_factory.mktemp("hall")
    whisper = save_tiny_whisper(folder / "whisper")
    settings = {
        "KIOSK_FACE_ENGINE": "fake",
        "KIOSK_TTS_ENGINE": "espeak",
        "KIOSK_STT_MODEL_DIR": str(whisper),
        "KIOSK_VIDEO_WORKERS": "0",
    }
    with LiveServer(folder / "data", **settings) as server:
        yield server
        assert "Traceback" not in server.log.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser without camera and microphone."""
    if not CHROMIUM:
        pytest.skip("Chromium is not installed (Debian's package chromium)")
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of a browser context of its own, on which nothing may go wrong."""
    with opened(browser, width=1280, height=1000) as page:
        yield page
        assert page.watch.trouble == []


@pytest.fixture
def citizen() -> Citizen:
    """Somebody who has never been here."""
    return Citizen(next(_numbers), "visit")
