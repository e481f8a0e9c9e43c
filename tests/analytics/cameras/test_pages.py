"""Devices, events and the live wall in a real browser, in both languages, with a real server and its event socket."""

from __future__ import annotations

import pytest

from tests.analytics.events.recorder import DEVICE, Recorder
from tests.browser import CHROMIUM, chromium, needs_chromium, opened, violations
from tests.live_server import LiveServer
from tests.media import as_jpeg, fake_jpeg, fake_photo
from tests.sockets import refusal

pytestmark = needs_chromium

PASSWORD = "secret-enough"
STAFF = f"""
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from analytics.models import MediaDevice
from faces.models import Person
User.objects.create_superuser("lin", password={PASSWORD!r})
User.objects.create_user("wang", password={PASSWORD!r}, is_staff=True).user_permissions.add(
    Permission.objects.get(codename="view_recognitionevent"))
for number, kind in (("B1", "blacklist"), ("V1", "vip"), ("E1", "employee")):
    Person.objects.create(number=number, name="某" + number, user_type=kind)
device = MediaDevice.objects.create(device_id={DEVICE!r}, name="东门", zone="大厅", enabled=False)
device.snapshot.save("x.jpg", ContentFile(open("SNAPSHOT", "rb").read()))
MediaDevice.objects.create(name="影片", device_type="file", address="/srv/no-such-film.mp4", enabled=False)
MediaDevice.objects.create(name="西门", address="rtsp://10.0.0.8/live", enabled=False, error="refused")
"""
WALL = "/admin/analytics/recognitionevent/wall/"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wall")
    settings = {
        "KIOSK_FACE_ENGINE": "fake",
        "KIOSK_ENGINE_WORKERS": "1",
        "KIOSK_TTS_ENGINE": "espeak",
        "KIOSK_VIDEO_WORKERS": "0",
    }
    (folder / "snapshot.jpg").write_bytes(as_jpeg(fake_photo()))
    with LiveServer(folder / "data", **settings) as running:
        running.manage("shell", "-v0", "-c", STAFF.replace("SNAPSHOT", str(folder / "snapshot.jpg")))
        yield running


@pytest.fixture(scope="module")
def record(server):
    """Records events in a process of its own."""
    with Recorder(server.environment) as recorder:
        yield lambda **event: recorder.record(**{"face_bytes": 0, **event})


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("Chromium is not installed (Debian's package chromium)")
    with chromium() as running:
        yield running


def sign_in(page, server, username="lin"):
    page.goto(f"{server.url}/admin/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{server.url}/admin/")


def open_wall(page, server):
    page.goto(server.url + WALL)
    page.wait_for_selector("[data-connection=live]")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_pages_are_free_of_violations(server, browser, record, language):
    for number in ("B1", "V1", "E1", None):
        record(number=number, event_id=f"{language}-{number}")
    with opened(browser, language=language) as page:
        sign_in(page, server)
        first = "element => element.href.match(/(\\d+)\\/change/)[1]"
        for path in ("/admin/analytics/mediadevice/", "/admin/analytics/recognitionevent/"):
            page.goto(server.url + path)
            assert violations(page) == [], path
            number = page.locator(f"a[href*='{path}'][href*='/change/']").first.evaluate(first)
            page.goto(f"{server.url}{path}{number}/change/")
            assert violations(page) == [], path
        open_wall(page, server)
        page.wait_for_selector(".wall-card")
        assert violations(page) == []
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 844})
        assert violations(page) == []
        assert page.watch.trouble == []


def test_the_wall_shows_who_comes_and_says_who_matters(server, browser, record):
    with opened(browser) as page:
        sign_in(page, server)
        open_wall(page, server)
        assert page.locator("[data-alert]").is_hidden()
        record(number="E1", event_id="live-1")
        page.wait_for_selector("[data-event-id=live-1]")
        assert page.locator("[data-alert]").is_hidden()
        record(number="B1", event_id="live-2")
        card = page.wait_for_selector("[data-event-id=live-2]")
        # Colour, an icon, a word, and a sentence that screen readers speak.
        assert "某B1" in card.inner_text()
        assert "黑名单" in card.inner_text()
        assert "block" in card.inner_text()
        assert page.locator("[data-alert]").inner_text() == "黑名单：某B1，东门"
        assert page.locator(".wall-card").first.get_attribute("data-event-id") == "live-2"
        page.select_option("[data-type]", "employee")
        assert page.locator("[data-event-id=live-2]").is_hidden()
        assert page.locator("[data-event-id=live-1]").is_visible()
        assert page.watch.trouble == []


def test_the_wall_survives_a_lost_connection_and_misses_nothing(server, browser, record):
    with opened(browser) as page:
        sign_in(page, server)
        open_wall(page, server)
        record(number="E1", event_id="before")
        page.wait_for_selector("[data-event-id=before]")
        server.stop()
        page.wait_for_selector("[data-connection=lost]")
        record(number="V1", event_id="meanwhile")
        server.start()
        page.wait_for_selector("[data-event-id=meanwhile]", timeout=60_000)
        page.wait_for_selector("[data-connection=live]")
        record(number="V1", event_id="after")
        page.wait_for_selector("[data-event-id=after]")
        assert page.locator("[data-event-id=before]").count() == 1


def test_names_need_their_permission(server, browser):
    with opened(browser) as page:
        sign_in(page, server, "wang")
        assert page.goto(server.url + WALL).status == 403
        cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())
    url = f"{server.web_socket_url}/admin/events"
    assert refusal(url) == 403
    assert refusal(url, additional_headers={"Cookie": cookies}) == 403
    assert refusal(url, additional_headers={"Cookie": "sessionid=made-up"}) == 403


def test_a_foreign_page_can_not_use_the_cookie(server, browser):
    with opened(browser) as page:
        sign_in(page, server)
        cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())
    url = f"{server.web_socket_url}/admin/events"
    assert refusal(url, additional_headers={"Cookie": cookies}, origin="https://evil.example") == 403
    assert refusal(url, additional_headers={"Cookie": cookies}, origin=server.url) == 101


def test_lines_and_zones_are_drawn_on_the_picture(server, browser):
    with opened(browser, height=1600) as page:
        sign_in(page, server)
        page.goto(f"{server.url}/admin/analytics/mediadevice/")
        page.click("text=东门")
        stage = page.locator(".cam-stage")
        stage.scroll_into_view_if_needed()
        box = stage.bounding_box()
        page.click("[data-draw=lines]")
        stage.click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.5})
        stage.click(position={"x": box["width"] * 0.75, "y": box["height"] * 0.5})
        page.click("[data-draw=zones]")
        for x, y in ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9)):
            stage.click(position={"x": box["width"] * x, "y": box["height"] * y})
            page.wait_for_timeout(600)
        page.keyboard.press("Enter")
        assert page.locator(".cam-stage polyline, .cam-stage polygon").count() == 2
        page.click("button[name=_continue]")
        page.wait_for_load_state()
        assert '"start": [0.2' in page.locator("[data-marks=lines]").input_value()
        assert page.locator(".cam-stage polyline, .cam-stage polygon").count() == 2
        assert page.watch.trouble == []


def test_trying_a_device_out(server, browser):
    with opened(browser) as page:
        sign_in(page, server)
        page.goto(f"{server.url}/admin/analytics/mediadevice/")
        page.click("text=影片")
        page.click("text=测试连接")
        page.wait_for_selector("text=没有该路径", timeout=60_000)
        assert page.watch.trouble == []


def test_an_enrolled_photo_stands_beside_the_face(server, browser, record):
    from faces.engines.fake import FakeFace
    from tests.faces.conftest import as_base64

    photo = as_base64(fake_jpeg(FakeFace(7)))
    server.post("/face", {"type": "face", "action": "add", "name": "有照片", "image": photo})
    number = server.manage(
        "shell", "-v0", "-c", "from faces.models import Person; print(Person.objects.get(name='有照片').number)"
    )
    with opened(browser) as page:
        sign_in(page, server)
        open_wall(page, server)
        record(number=number.split()[-1], event_id="enrolled")
        page.wait_for_selector("[data-event-id=enrolled] .wall-pictures img[alt]")
