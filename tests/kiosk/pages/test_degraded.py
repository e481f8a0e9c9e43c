"""What is missing or slow is said, and leaves a way on: a busy server, a failing step, no scripts."""

from __future__ import annotations

import json

from tests.browser import needs_chromium, opened, violations
from tests.kiosk.pages.visitor import Visitor
from tests.live_server import LiveServer

pytestmark = needs_chromium


def need_page(server: LiveServer, page, citizen) -> Visitor:
    visitor = Visitor(page, citizen)
    visitor.arrive(server.url)
    visitor.go_without()
    return visitor


def test_a_busy_server(hall, page, citizen):
    visitor = need_page(hall, page, citizen)
    busy = [{"user_id": "", "type": "busy", "hash": "", "detail": "办理人数较多，请稍后再试"}] * 2
    page.route("**/handshake", lambda route: route.fulfill(json=busy.pop()) if busy else route.fallback())
    page.locator("#need-text").fill("我要办身份证")
    page.keyboard.press("Enter")
    page.get_by_text("正在为您排队").wait_for()
    assert page.locator("#need-text").input_value() == "我要办身份证"
    visitor.sees("guide")
    assert not page.locator("#net").is_visible()


def test_a_step_that_fails(hall, page, citizen):
    visitor = need_page(hall, page, citizen)
    failed = [{"user_id": "", "type": "error", "hash": "", "detail": "服务内部错误"}]
    page.route("**/handshake", lambda route: route.fulfill(body=json.dumps(failed.pop())) if failed else route.fallback())
    page.locator("#need-text").fill("我要办身份证")
    page.keyboard.press("Enter")
    page.get_by_text("这一步没有成功").wait_for()
    assert violations(page) == []
    page.keyboard.press("Enter")
    visitor.sees("guide")


def test_without_a_voice_everything_is_still_written(hall, page, citizen):
    page.route_web_socket(lambda url: "/tts" in url, lambda socket: socket.close())
    visitor = need_page(hall, page, citizen)
    visitor.ask_for()
    assert "办理身份证" in page.locator("#guide-flow").inner_text()


def test_without_scripts_staff_are_named(hall, browser):
    with opened(browser, java_script_enabled=False) as page:
        page.goto(f"{hall.url}/kiosk/")
        assert "请联系工作人员" in page.locator("main").inner_text()
