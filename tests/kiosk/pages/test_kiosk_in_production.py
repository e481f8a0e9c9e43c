"""A kiosk as a hall has it: production, tokens everywhere, a real face engine, and staff who register the browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser import chromium, needs_chromium, opened
from tests.kiosk.pages.visitor import Visitor, camera
from tests.live_server import LiveServer
from tests.media import as_jpeg, face_photo

pytestmark = needs_chromium
SETTINGS = {
    "KIOSK_MODE": "production",
    "KIOSK_SECRET_KEY": "a secret of the tests, long enough for production",
    "KIOSK_ENCRYPTION_KEYS": "a key of the tests that is long enough for production",
    "KIOSK_ALLOWED_HOSTS": "127.0.0.1",
    "KIOSK_HTTPS_ONLY": "false",
    "KIOSK_TOOL_NETWORKS": "192.0.2.0/24",
    "KIOSK_FACE_ENGINE": "dlib",
    "KIOSK_TTS_ENGINE": "espeak",
    "KIOSK_ENGINE_WORKERS": "1",
    "KIOSK_VIDEO_WORKERS": "0",
}


@pytest.fixture(scope="module")
def hall(tmp_path_factory) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path_factory.mktemp("production") / "data", **SETTINGS)
    server.manage("bootstrap")
    server.manage("token", "create", "another client", "--scope", "faces:list")
    server.manage("shell", "-c", _STAFF)
    server.start()
    yield server
    server.stop()


_STAFF = """
from django.contrib.auth.models import User
User.objects.create_superuser("staff", password="secret-enough")
User.objects.create_user("clerk", password="secret-enough", is_staff=True)
"""

_REVOKE = """
from kiosk.models import ApiToken
ApiToken.objects.filter(name="二楼 2 号机").update(revoked=True)
"""


def film_of(photo: np.ndarray, path: Path) -> Path:
    """A film of a photo that moves a little, as a person does."""
    picture = Image.fromarray(photo)
    picture.thumbnail((1280, 960))
    frames = []
    for turn in range(8):
        frame = Image.new("RGB", (1280, 960), (90, 100, 110))
        frame.paste(picture, ((1280 - picture.width) // 2 + 6 * turn, (960 - picture.height) // 2 + 3 * turn))
        frames.append(as_jpeg(np.asarray(frame), quality=92) * 6)
    path.write_bytes(b"".join(frames))
    return path


def sign_in(page, username: str) -> None:
    page.fill("[name=username]", username)
    page.fill("[name=password]", "secret-enough")
    page.keyboard.press("Enter")


def register(hall: LiveServer, page, name: str) -> None:
    page.goto(f"{hall.url}/kiosk/device")
    sign_in(page, "staff")
    page.fill("#name", name)
    page.locator("button[type=submit]").click()
    page.wait_for_url("**/kiosk/")


def test_a_registered_kiosk_knows_a_real_face(hall, tmp_path, citizen):
    film = film_of(face_photo("obama.jpg"), tmp_path / "face.mjpeg")
    with chromium(*camera(film)) as browser, opened(browser) as page:
        register(hall, page, "一楼大厅 1 号机")
        visitor = Visitor(page, citizen)
        visitor.arrive(hall.url)
        visitor.look_at_camera()
        visitor.enrol()
        number = visitor.whole_visit()
        visitor.tap("#done-finish")
        visitor.sees("welcome")
        visitor.look_at_camera()
        visitor.sees("need")
        assert page.locator("#greeting").inner_text() == "王小明，您好"
        visitor.ask_for("我想办居住证")
        visitor.begin_questions()
        visitor.answer_all()
        assert visitor.submit() == number
        assert page.watch.trouble == []


def test_registration(hall):
    """Closed before and after its token is revoked; made by staff who may, who are signed out by it."""
    with chromium() as browser, opened(browser) as page:
        page.goto(f"{hall.url}/kiosk/")
        page.get_by_text("这台设备还没有启用").wait_for()
        page.get_by_text("登记这台设备").click()
        sign_in(page, "clerk")
        page.wait_for_load_state("networkidle")
        assert page.locator("#name").count() == 0
        page.context.clear_cookies()

        register(hall, page, "二楼 2 号机")
        page.wait_for_selector("html[data-ready]")
        assert page.locator("#start-plain").is_visible()
        (cookie,) = [one for one in page.context.cookies() if one["name"] == "kiosk_device"]
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/kiosk/")
        page.goto(f"{hall.url}/admin/")
        assert "/login/" in page.url, "the member of staff is signed out"

        hall.manage("shell", "-c", _REVOKE)
        page.goto(f"{hall.url}/kiosk/")
        page.get_by_text("这台设备还没有启用").wait_for()
