"""Pictures of the staff's admin for the documents, of a hall with made-up people, in Chinese and English.

    python -m bench.screenshots_admin [--out docs/screenshots] [--only NAME …]

Each page as the member of staff sees it whose page it is (docs/roles.md).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.screenshots import Album
from tests.browser import CHROMIUM, chromium, opened
from tests.live_server import ROOT, LiveServer

_SETTINGS: dict[str, Any] = {
    "KIOSK_FACE_ENGINE": "dlib",
    "KIOSK_TTS_ENGINE": "espeak",
    "KIOSK_VIDEO_WORKERS": "0",
    "KIOSK_KEEP_AUDIO": "true",
}
_LANGUAGES = {"zh-CN": "", "en": "-en"}
_PASSWORD = "made-up-people"

# Name of the picture: whose page, and where. FIRST is the first row of the list before it.
PAGES = {
    "front-page": ("chen", "/admin/?span=week"),
    "status": ("zhao", "/admin/status/"),
    "visits": ("lin", "/admin/flows/dialoguesession/?review_state__exact=pending"),
    "review": ("lin", "/admin/flows/dialoguesession/FIRST/change/"),
    "citizens": ("lin", "/admin/flows/citizen/"),
    "citizens-masked": ("chen", "/admin/flows/citizen/"),
    "citizen": ("lin", "/admin/flows/citizen/FIRST/change/"),
    "services": ("chen", "/admin/flows/serviceitem/"),
    "service": ("chen", "/admin/flows/serviceitem/FIRST/change/"),
    "persons": ("chen", "/admin/faces/person/"),
    "person": ("chen", "/admin/faces/person/FIRST/change/"),
    "who-is-this": ("chen", "/admin/faces/person/identify/"),
    "devices": ("zhao", "/admin/analytics/mediadevice/"),
    "events": ("chen", "/admin/analytics/recognitionevent/"),
    "live-wall": ("chen", "/admin/analytics/recognitionevent/wall/"),
    "videos": ("chen", "/admin/analytics/video/"),
    "video": ("chen", "/admin/analytics/video/FIRST/change/"),
    "new-video": ("chen", "/admin/analytics/video/add/"),
    "search": ("chen", "/admin/analytics/search/"),
    "new-webhook": ("zhao", "/admin/analytics/webhook/add/"),
    "tokens": ("zhao", "/admin/kiosk/apitoken/"),
    "audit-log": ("sun", "/admin/auditlog/logentry/"),
    "group": ("sun", "/admin/auth/group/FIRST/change/"),
}


def main() -> None:
    """Takes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--only", nargs="*", default=[], help="names of pictures, e.g. admin-review-en")
    arguments = parser.parse_args()
    if not CHROMIUM:
        sys.exit("Chromium is not installed (Debian's package chromium)")
    arguments.out.mkdir(parents=True, exist_ok=True)
    album = Album(arguments.out, frozenset(arguments.only))
    with tempfile.TemporaryDirectory(prefix="screenshots-") as folder, LiveServer(Path(folder) / "data", **_SETTINGS) as server:
        server.manage("shell", "-c", f"from tests.showroom import fill; fill(password='{_PASSWORD}')")
        with chromium() as browser:
            for language, suffix in _LANGUAGES.items():
                for username in sorted({username for username, _path in PAGES.values()}):
                    with opened(browser, language=language, width=1360, height=900, base_url=server.url) as page:
                        _sign_in(page, username)
                        _walk(page, username, suffix, album)
    print(f"{len(album.kept)} pictures, {sum(album.kept.values()) / 1024:.0f} KiB")


def _sign_in(page: Any, username: str) -> None:
    page.goto("/admin/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", _PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")


def _walk(page: Any, username: str, suffix: str, album: Album) -> None:
    for name, (owner, path) in PAGES.items():
        picture = f"admin-{name}{suffix}"
        if owner == username and (not album.wanted or picture in album.wanted):
            page.goto(path if "FIRST" not in path else _first(page, path))
            page.wait_for_load_state("networkidle")
            album.keep(page, picture)


def _first(page: Any, path: str) -> str:
    listed = path.partition("FIRST")[0]
    page.goto(f"{listed}?review_state__exact=pending" if "dialoguesession" in path else listed)
    link: str = page.locator("table a[href*='/change/']").first.get_attribute("href")
    return path.replace("FIRST", link.partition("/change/")[0].rpartition("/")[2])


if __name__ == "__main__":
    main()
