"""Every page of a visit: nothing that axe-core finds, no other host asked, nothing left behind, room on every screen."""

from __future__ import annotations

import pytest

from tests.browser import needs_chromium, opened, violations
from tests.kiosk.pages.visitor import Visitor, tour
from tests.live_server import LiveServer

pytestmark = needs_chromium
SCREENS = {
    "Chinese": {"width": 1920, "height": 1080},
    "English": {"width": 1920, "height": 1080},
    "large type": {"width": 1920, "height": 1080},
    "high contrast": {"width": 1920, "height": 1080},
    "portrait": {"width": 1080, "height": 1920},
    "phone": {"width": 360, "height": 740},
    "large type on a phone": {"width": 390, "height": 844},
}
LOOKS = {"large type": "#tool-large", "high contrast": "#tool-contrast", "large type on a phone": "#tool-large"}

TOO_SMALL = """() => [...document.querySelectorAll('button, a, input, summary')]
  .filter(one => one.checkVisibility() && !one.closest('.skip'))
  .map(one => [one.id || one.textContent.trim(), one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.width < 47.5 || box.height < 47.5))
  .map(([name, box]) => `${name} ${box.width}x${box.height}`)"""
TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"
LEFT = "() => ({...localStorage, ...sessionStorage, cookie: document.cookie, history: history.length, url: location.href})"


@pytest.mark.parametrize("screen", SCREENS)
def test_every_page(hall, browser, citizen, screen):
    with opened(browser, **SCREENS[screen]) as page:
        visitor = Visitor(page, citizen, language="en" if screen == "English" else "zh-hans")
        for name in tour(visitor, hall.url):
            if name == "welcome" and screen in LOOKS:
                visitor.tap(LOOKS[screen])
            assert violations(page) == [], name
            assert page.evaluate(TOO_SMALL) == [], name
            assert not page.evaluate(TOO_WIDE), name
            if screen == "English":
                assert page.locator("h1:visible, h2:visible").first.inner_text().isascii(), name
        assert page.watch.trouble == []
        left = page.evaluate(LEFT)
        assert left == {"cookie": "", "history": 2, "url": f"{hall.url}/kiosk/"}
        assert citizen.phone not in hall.log.read_text(encoding="utf-8")


def test_the_language_changes_without_losing_the_step(hall, page, citizen):
    visitor = Visitor(page, citizen)
    visitor.arrive(hall.url)
    visitor.go_without()
    visitor.ask_for()
    visitor.begin_questions()
    page.get_by_text("请问您叫什么名字？").wait_for()
    page.locator("#ask-text").fill("王小明")
    visitor.tap("#tool-language")
    assert page.locator("#question").inner_text() == "What is your name, as on your ID card?"
    assert page.locator("#ask-text").input_value() == "王小明"
    assert page.locator("html").get_attribute("lang") == "en"
    visitor.tap("#tool-language")
    assert page.locator("#question").inner_text() == "请问您叫什么名字？"
    assert page.locator("html").get_attribute("lang") == "zh-Hans"


def test_what_is_wrong_is_corrected(hall, page, citizen):
    visitor = Visitor(page, citizen)
    visitor.arrive(hall.url)
    visitor.go_without()
    visitor.ask_for()
    visitor.begin_questions()
    visitor.answer_all()
    visitor.tap("button[aria-label='修改电话']")
    visitor.write("#correct-text", "13900139000")
    page.wait_for_function("() => [...document.querySelectorAll('.fact dd')].some(one => one.textContent === '139******00')")
    visitor.submit()
    assert "139******00" in page.locator("#done-tables").inner_text()


def test_who_is_registered_goes_on_with_their_number(hall, browser, citizen):
    """The ID number of somebody who was here before, without their face: their follow-up number leads on."""
    numbers = []
    for _visit in range(2):
        with opened(browser) as page:
            visitor = Visitor(page, citizen)
            visitor.arrive(hall.url)
            visitor.go_without()
            if not numbers:
                numbers.append(visitor.whole_visit())
                continue
            visitor.ask_for("我想办居住证")
            visitor.begin_questions()
            visitor.answer_all()
            page.locator("#facts .fact").first.wait_for()
            visitor.tap("#check-store")
            visitor.write("#taken-number", numbers[0].lower())
            visitor.sees("ask")
            visitor.answer_all()
            assert visitor.submit() == numbers[0]


def test_numbers_are_hidden_while_they_are_typed(hall, page, citizen):
    visitor = Visitor(page, citizen)
    visitor.arrive(hall.url)
    visitor.go_without()
    visitor.ask_for()
    visitor.begin_questions()
    hidden = {}
    for _ in range(5):
        page.wait_for_timeout(200)
        key = page.evaluate("() => document.querySelector('#question').dataset.key")
        hidden[key] = page.evaluate("() => getComputedStyle(document.querySelector('#ask-text')).webkitTextSecurity")
        visitor.answer_one()
    assert hidden == {"name": "none", "gender": "none", "nationality": "none", "phone": "disc", "id_card": "disc"}


def test_nobody_there_wipes_the_visit(tmp_path, browser, citizen):
    settings = {"KIOSK_FACE_ENGINE": "fake", "KIOSK_IDLE_SECONDS": "20", "KIOSK_VIDEO_WORKERS": "0"}
    with LiveServer(tmp_path / "data", **settings) as server, opened(browser) as page:
        page.clock.install()
        visitor = Visitor(page, citizen)
        visitor.arrive(server.url)
        visitor.go_without()
        page.locator("#need-text").fill("我要办身份证")
        page.clock.run_for(21_000)
        assert page.locator("#idle").is_visible()
        assert violations(page) == []
        visitor.tap("#idle-stay")
        assert not page.locator("#idle").is_visible()
        assert page.locator("#need-text").input_value() == "我要办身份证"
        page.clock.run_for(41_000)
        page.wait_for_selector('.step[data-step="welcome"]:not([hidden])')
        visitor.tap("#start-plain")
        assert page.locator("#need-text").input_value() == ""
        assert page.watch.trouble == []


def test_the_policy(hall, page):
    answer = page.goto(f"{hall.url}/kiosk/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert "microphone=(self)" in answer.headers["permissions-policy"]
