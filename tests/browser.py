"""A real browser for tests: Debian's Chromium driven by Playwright, with a watch over what a page asks for and complains about.

with chromium() as browser, opened(browser, language="en") as page:
    page.goto(server.url)
    assert violations(page) == []
    assert page.watch.trouble == []
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

# The same browser built without windows opens a context and a page with far less computing.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium") or ""
needs_chromium = pytest.mark.skipif(
    not CHROMIUM, reason="Chromium is not installed (package chromium or chromium-headless-shell)"
)
_ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=zh-CN")
_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


@contextmanager
def chromium(*arguments: str) -> Iterator[Any]:
    """A browser without a window; `arguments` are added to Chromium's own, e.g. for a fake camera."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*_ARGUMENTS, *arguments])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watch:
    """What went wrong on a page: complaints in its console, scripts that failed, answers of 400 and more, foreign requests."""

    origin: str = ""
    """Everything else that is asked for is foreign; "" takes the first request's."""
    trouble: list[str] = field(default_factory=list)

    def follow(self, page: Any) -> None:
        page.on("console", lambda message: self._note("console", message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self._note("script", str(error)))
        page.on("request", lambda request: self._requested(request.url))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)
        page.on("websocket", lambda socket: self._requested(socket.url))

    def _requested(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https", "ws", "wss"}:
            return
        self.origin = self.origin or parts.hostname or ""
        if parts.hostname != self.origin:
            self._note("foreign request", url)

    def _failed(self, request: Any) -> None:
        # A page that is left, or a sound that is not played on, ends its requests itself.
        if request.failure != "net::ERR_ABORTED":
            self._note("request failed", f"{request.url} {request.failure}")

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self._note("answer", f"{response.status} {response.url}")

    def _note(self, kind: str, text: str) -> None:
        self.trouble.append(f"{kind}: {text}")


@contextmanager
def opened(browser: Any, *, language: str = "zh-CN", width: int = 1280, height: int = 900, **options: Any) -> Iterator[Any]:
    """A page in a browser context of its own, closed at the end. `page.watch` is its Watch; `options` are Playwright's own."""
    context = browser.new_context(locale=language, viewport={"width": width, "height": height}, **options)
    try:
        page = context.new_page()
        page.watch = Watch()
        page.watch.follow(page)
        yield page
    finally:
        context.close()


def violations(page: Any, *, within: str = "", rules: tuple[str, ...] = _RULES) -> list[str]:
    """What axe-core has against the page as it is now, by WCAG 2.2 A and AA: "rule: selector", sorted; [] is what we want."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"runOnly": {"type": "tag", "values": list(rules)}, "resultTypes": ["violations"]}
    found = Axe().run(page, context=within or None, options=options).response["violations"]
    return sorted(f"{rule['id']}: {' '.join(map(str, node['target']))}" for rule in found for node in rule["nodes"])
