"""Whole visits without camera and microphone, from the welcome to the follow-up number, in every way that citizens make them."""

from __future__ import annotations

import re

import pytest

from tests.browser import needs_chromium, opened
from tests.kiosk.pages.visitor import Visitor
from tests.live_server import LiveServer

pytestmark = needs_chromium
NUMBER = re.compile(r"[0-9A-Z]{5}-[0-9A-Z]{5}")


def by_keyboard(element):
    """Presses a button without a mouse: Tab until it has the focus, then Enter."""
    for _ in range(120):
        if element.evaluate("one => one === document.activeElement"):
            break
        element.page.keyboard.press("Tab")
    else:
        raise AssertionError(f"the keyboard does not reach {element}")
    element.page.keyboard.press("Enter")


@pytest.mark.parametrize("way", ["plain", "English", "large type", "keyboard only"])
def test_without_a_camera(hall, page, citizen, way):
    visitor = Visitor(
        page, citizen, language="en" if way == "English" else "zh-hans", tap=by_keyboard if way == "keyboard only" else None
    )
    visitor.arrive(hall.url)
    if way == "large type":
        visitor.tap("#tool-large")
    visitor.go_without()
    number = visitor.whole_visit()
    assert NUMBER.fullmatch(number)
    shown = page.locator("#done-tables").inner_text()
    assert "王小明" in shown
    assert citizen.id_card not in shown, "numbers are masked on the screen"
    assert citizen.phone[:3] in shown
    assert ("Submitted" if way == "English" else "提交好了") in page.locator("h1:visible").inner_text()


def test_no_camera_is_no_dead_end(hall, page, citizen):
    visitor = Visitor(page, citizen)
    visitor.arrive(hall.url)
    visitor.look_at_camera()
    page.get_by_text("摄像头没有打开").wait_for()
    visitor.tap("#camera-skip")
    visitor.sees("need")


def test_the_server_stops_in_the_middle(tmp_path, browser, citizen):
    settings = {"KIOSK_FACE_ENGINE": "fake", "KIOSK_TTS_ENGINE": "espeak", "KIOSK_VIDEO_WORKERS": "0"}
    with LiveServer(tmp_path / "data", **settings) as server, opened(browser) as page:
        visitor = Visitor(page, citizen)
        visitor.arrive(server.url)
        visitor.go_without()
        visitor.ask_for()
        visitor.begin_questions()
        visitor.answer_one()
        question = page.locator("#question").inner_text()
        server.stop()
        page.locator("#ask-text").fill(citizen.gender)
        page.keyboard.press("Enter")
        page.get_by_text("暂时连不上服务器").wait_for()
        assert page.locator("#question").inner_text() == question
        assert page.locator("#ask-text").input_value() == citizen.gender, "what was typed is kept"
        server.start(wait=False)
        page.get_by_text("已经重新连上").wait_for(timeout=60_000)
        visitor.answer_all()
        assert NUMBER.fullmatch(visitor.submit())
