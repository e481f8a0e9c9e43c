"""Pictures of the kiosk's pages for the documents, taken in a real browser of a real server with made-up data.

    python -m bench.screenshots [--out docs/screenshots] [--only NAME …]

Nobody is in them: the camera shows a drawing, and what the face sockets say to it is played to the page.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from bench.dialogue import Citizen
from tests.browser import CHROMIUM, chromium, opened
from tests.kiosk.pages.visitor import Visitor, camera, tour
from tests.live_server import ROOT, LiveServer

_QUALITY = 82
_WIDTH = 1280
_SETTINGS = {"KIOSK_FACE_ENGINE": "fake", "KIOSK_TTS_ENGINE": "espeak", "KIOSK_VIDEO_WORKERS": "0"}
_SETTLED_MS = 350


@dataclass(frozen=True)
class Shoot:
    """One walk through the pages, and which of them are kept."""

    suffix: str
    width: int
    height: int
    pages: tuple[str, ...] = ()
    """() keeps every one."""
    language: str = "zh-hans"
    look: str = ""
    """The button that is pressed at the welcome."""


WALKS = (
    Shoot("", 1920, 1080),
    Shoot("-en", 1920, 1080, ("welcome", "consent", "need", "guide", "ask-nationality", "check", "done"), language="en"),
    Shoot("-large", 1920, 1080, ("welcome", "need", "ask-gender", "check"), look="#tool-large"),
    Shoot("-contrast", 1920, 1080, ("welcome", "need", "check"), look="#tool-contrast"),
    Shoot("-portrait", 1080, 1920, ("welcome", "need", "guide", "check", "done")),
    Shoot("-phone", 390, 844, ("welcome", "consent", "need", "ask-gender", "check")),
)


def main() -> None:
    """Takes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--only", nargs="*", default=[], help="names of pictures, e.g. kiosk-welcome-en")
    arguments = parser.parse_args()
    if not CHROMIUM:
        sys.exit("Chromium is not installed (Debian's package chromium)")
    arguments.out.mkdir(parents=True, exist_ok=True)
    album = Album(arguments.out, frozenset(arguments.only))
    with (
        tempfile.TemporaryDirectory(prefix="screenshots-") as folder,
        LiveServer(Path(folder) / "data", all_ports=False, **_SETTINGS) as server,
    ):
        with chromium() as browser:
            for number, walk in enumerate(WALKS):
                _walk(browser, server, walk, Citizen(number, "visit"), album)
        with chromium(*camera(film(Path(folder) / "drawing.mjpeg"))) as browser:
            _before_the_camera(browser, server, album)
        with chromium() as browser:
            _receipt(browser, server, album)
            _registration(browser, server, album)
    print(f"{len(album.kept)} pictures, {sum(album.kept.values()) / 1024:.0f} KiB")


def _receipt(browser: Any, server: LiveServer, album: Album) -> None:
    """What is printed, as tall as a sheet of A4."""
    with opened(browser, width=794, height=1123) as page:
        visitor = Visitor(page, Citizen(60, "visit"))
        visitor.arrive(server.url)
        visitor.go_without()
        visitor.whole_visit()
        page.emulate_media(media="print")
        album.keep(page, "kiosk-print")


def _registration(browser: Any, server: LiveServer, album: Album) -> None:
    """A kiosk that is not registered, and the page on which staff do it."""
    server.manage("token", "create", "another client")
    server.manage("shell", "-c", _STAFF)
    with opened(browser, width=1920, height=1080) as page:
        page.wait_for_timeout(1100)  # the server remembers for a second that there were no tokens
        page.goto(f"{server.url}/kiosk/")
        page.locator('.step[data-step="closed"]:not([hidden])').wait_for()
        album.keep(page, "kiosk-closed")
        page.locator('.step[data-step="closed"] a').click()
        page.fill("[name=username]", "staff")
        page.fill("[name=password]", "secret-enough")
        page.keyboard.press("Enter")
        page.locator("#name").fill("一楼大厅 2 号机")
        album.keep(page, "kiosk-device")


_STAFF = """
from django.contrib.auth.models import User
User.objects.create_superuser("staff", password="secret-enough")
"""


@dataclass
class Album:
    """Where the pictures go."""

    folder: Path
    wanted: frozenset[str]

    def __post_init__(self) -> None:
        self.kept: dict[str, int] = {}

    def keep(self, page: Any, name: str) -> None:
        """Takes a picture of what the page shows now."""
        if self.wanted and name not in self.wanted:
            return
        page.wait_for_timeout(_SETTLED_MS)
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        picture.thumbnail((_WIDTH, _WIDTH), Image.Resampling.LANCZOS)
        path = self.folder / f"{name}.webp"
        picture.save(path, "WEBP", quality=_QUALITY, method=6)
        self.kept[name] = path.stat().st_size
        print(f"{path.name:36} {path.stat().st_size / 1024:6.1f} KiB")


def _walk(browser: Any, server: LiveServer, walk: Shoot, citizen: Citizen, album: Album) -> None:
    with opened(browser, width=walk.width, height=walk.height) as page:
        visitor = Visitor(page, citizen, language=walk.language)
        for name in tour(visitor, server.url):
            if name == "welcome" and walk.look:
                visitor.tap(walk.look)
            if not walk.pages or name in walk.pages:
                page.mouse.move(0, 0)
                album.keep(page, f"kiosk-{name}{walk.suffix}")


# Before the camera


def film(path: Path) -> Path:
    """What the camera shows: a drawing of somebody in front of it."""
    buffer = io.BytesIO()
    drawing().save(buffer, "JPEG", quality=92)
    path.write_bytes(buffer.getvalue() * 20)
    return path


def drawing() -> Image.Image:
    """A drawn person, 1280 x 960; the face lies in _FACE."""
    image = Image.new("RGB", (2560, 1920), "#c9d6e4")
    draw = ImageDraw.Draw(image)
    for row in range(1920):
        shade = row / 1920
        draw.line((0, row, 2560, row), fill=(int(214 - 30 * shade), int(224 - 26 * shade), int(236 - 22 * shade)))
    for left in (180, 900, 1620, 2340):
        draw.rectangle((left, 0, left + 40, 1920), fill="#b7c6d8")
    draw.ellipse((560, 1400, 2000, 2800), fill="#2f5d8c")
    draw.polygon(((1140, 1420), (1420, 1420), (1280, 1660)), fill="#f5f7fa")
    draw.rounded_rectangle((1150, 1180, 1410, 1500), 120, fill="#e0ae88")
    draw.ellipse((850, 330, 1710, 1250), fill="#2b2523")
    draw.rounded_rectangle((910, 470, 1650, 1370), 360, fill="#f0c39e")
    draw.pieslice((880, 350, 1680, 1010), 180, 360, fill="#2b2523")
    draw.polygon(((880, 680), (1680, 680), (1560, 560), (1250, 640), (980, 560)), fill="#2b2523")
    for x in (1110, 1450):
        draw.ellipse((x - 62, 812, x + 62, 900), fill="#ffffff")
        draw.ellipse((x - 36, 818, x + 36, 890), fill="#3a2a22")
        draw.arc((x - 95, 720, x + 95, 860), 205, 335, fill="#2b2523", width=20)
    draw.arc((1225, 880, 1335, 1020), 20, 160, fill="#cf9670", width=14)
    draw.chord((1130, 1040, 1430, 1220), 15, 165, fill="#b8544f")
    return image.resize((1280, 960), Image.Resampling.LANCZOS)


_FACE = {"x": 223, "y": 115, "w": 194, "h": 235}
"""In the frames that the page sends, 640 x 480."""


def _before_the_camera(browser: Any, server: LiveServer, album: Album) -> None:
    still = _prediction("continue", detail="已匹配，请保持不动以确认")
    stranger = _prediction("continue", detail="未找到匹配的人物（相似度低于阈值）")
    taken = {"user_id": "a", "type": "face_train", "hash": "", "message": "continue", "detail": "已采集 2/3 张，请继续"}
    number = _stored_visit(browser, server)
    with _facing(browser, server, still) as (page, _visitor):
        page.locator("#face-box:not([hidden])").wait_for(state="attached")
        album.keep(page, "kiosk-camera")
    with _facing(browser, server, still, width=390, height=844) as (page, _visitor):
        page.locator("#face-box:not([hidden])").wait_for(state="attached")
        album.keep(page, "kiosk-camera-phone")
    with _facing(browser, server, stranger, language="en") as (page, _visitor):
        page.locator("#camera-enrol").wait_for()
        album.keep(page, "kiosk-camera-unknown-en")
    with _facing(browser, server, stranger, training=taken) as (page, visitor):
        visitor.tap("#camera-enrol")
        page.get_by_text("2 / 3").wait_for()
        album.keep(page, "kiosk-camera-enrol")
    with _facing(browser, server, _prediction("success", user_id=number)) as (page, visitor):
        visitor.sees("need")
        album.keep(page, "kiosk-need-recognised")
    with opened(browser, width=1920, height=1080) as page:
        page.clock.install()
        Visitor(page, Citizen(1)).arrive(server.url)
        page.locator("#start-plain").click()
        page.clock.run_for(96_000)
        page.clock.resume()
        album.keep(page, "kiosk-idle")


def _prediction(message: str, *, user_id: str = "", detail: str = "") -> dict[str, Any]:
    return {"user_id": user_id, "type": "face_predict", "hash": "", "message": message, "detail": detail, "box": _FACE}


def _stored_visit(browser: Any, server: LiveServer) -> str:
    with opened(browser) as page:
        visitor = Visitor(page, Citizen(50, "visit"))
        visitor.arrive(server.url)
        visitor.go_without()
        return visitor.whole_visit()


@contextmanager
def _facing(
    browser: Any,
    server: LiveServer,
    prediction: dict[str, Any],
    *,
    training: dict[str, Any] | None = None,
    language: str = "zh-hans",
    width: int = 1920,
    height: int = 1080,
) -> Iterator[tuple[Any, Visitor]]:
    """A page that has just switched the camera on, whose face sockets answer every picture like this."""
    with opened(browser, width=width, height=height) as page:
        page.route_web_socket(lambda url: "/face_predict" in url, _answering(prediction))
        if training is not None:
            page.route_web_socket(lambda url: url.endswith("/flow"), _answering(training))
        visitor = Visitor(page, Citizen(1), language=language)
        visitor.arrive(server.url)
        visitor.look_at_camera()
        yield page, visitor


def _answering(body: dict[str, Any]) -> Callable[[Any], None]:
    def connected(socket: Any) -> None:
        socket.on_message(lambda message: socket.send(json.dumps(body)) if isinstance(message, bytes) else None)

    return connected


if __name__ == "__main__":
    main()
