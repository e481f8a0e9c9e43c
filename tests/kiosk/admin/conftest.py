"""A running hall with made-up data, and staff who are signed in to it in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from tests.browser import CHROMIUM, chromium, opened
from tests.live_server import LiveServer
from tests.showroom import PASSWORD

SignedIn = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(scope="session")
def hall_server(tmp_path_factory) -> Iterator[LiveServer]:
    """Its database is changed by the tests that follow one another."""
    folder = tmp_path_factory.mktemp("hall") / "data"
    settings = {"KIOSK_FACE_ENGINE": "fake", "KIOSK_TTS_ENGINE": "espeak", "KIOSK_VIDEO_WORKERS": "0"}
    with LiveServer(folder, **settings) as server:
        server.manage("shell", "-c", "from tests.showroom import fill; fill(days=4)")
        yield server


@pytest.fixture(scope="module")
def hall_browser() -> Iterator[Any]:
    """For one module: Playwright keeps an event loop in this thread, in which Django refuses to open a database."""
    if not CHROMIUM:
        pytest.skip("Chromium is not installed (Debian's package chromium)")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def signed_in(hall_server, hall_browser) -> SignedIn:
    """Opens a page of a member of staff, who signs in once; options are those of tests.browser.opened."""
    states: dict[str, Any] = {}

    @contextmanager
    def sign_in(username: str = "lin", **options: Any) -> Iterator[Any]:
        if username not in states:
            with opened(hall_browser) as page:
                page.goto(f"{hall_server.url}/admin/login/")
                page.fill("[name=username]", username)
                page.fill("[name=password]", PASSWORD)
                page.click("button[type=submit]")
                page.wait_for_url(f"{hall_server.url}/admin/")
                states[username] = page.context.storage_state()
        with opened(hall_browser, storage_state=states[username], base_url=hall_server.url, **options) as page:
            yield page

    return sign_in
