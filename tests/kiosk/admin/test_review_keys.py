"""A reviewer who works by keyboard alone, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import needs_chromium

pytestmark = needs_chromium

WAITING = "/admin/flows/dialoguesession/?review_state__exact=pending"


@pytest.fixture
def review(signed_in) -> Iterator[Any]:
    """The page of a visit that waits."""
    with signed_in("lin") as page:
        page.goto(WAITING)
        page.goto(f"/admin/flows/dialoguesession/{page.locator('input.action-select').last.input_value()}/change/")
        yield page
        assert page.watch.trouble == []


def number(page: Any) -> int:
    return int(re.search(r"(\d+)/change", page.url)[1])


def state(page: Any, visit: int) -> str:
    page.goto(f"/admin/flows/dialoguesession/{visit}/change/")
    return str(page.locator(".flow-labels").inner_text())


def press(page: Any, *keys: str) -> None:
    with page.expect_navigation():
        for key in keys:
            page.keyboard.press(key)


def test_approve_and_on_to_the_next(review):
    visit = number(review)
    press(review, "a")
    assert number(review) != visit
    assert f"#{visit}" in review.locator("main, #main").first.inner_text()
    assert "已通过" in state(review, visit)


def test_next(review):
    visit = number(review)
    press(review, "n")
    assert number(review) != visit
    assert "等待审核" in state(review, visit)


def test_send_back_asks_for_the_reason_first(review):
    visit = number(review)
    review.keyboard.press("b")
    assert review.evaluate("document.activeElement.name") == "note"
    review.keyboard.type("abc: 照片不清晰")
    press(review, "Control+Enter")
    assert "退回" in state(review, visit)
    assert "abc: 照片不清晰" in review.locator(".flow-note").inner_text()


def test_correct(review):
    visit = number(review)
    review.keyboard.press("c")
    assert review.evaluate("document.activeElement.name") == "name"
    for _field in range(4):
        review.keyboard.press("Tab")
    review.locator("[name=career]").focus()
    review.keyboard.type("an")
    press(review, "Control+Enter")
    assert "更正" in state(review, visit)
    assert "职业" in review.locator(".flow-changes").inner_text()


def test_what_was_said_about_a_field_is_shown(review):
    review.locator("[name=phone]").focus()
    assert review.locator(".flow-meant").count() == 2
    review.keyboard.press("Escape")
    assert review.locator(".flow-meant").count() == 0
    assert review.evaluate("document.activeElement === document.body")


def test_single_keys_can_be_switched_off(review):
    visit = number(review)
    review.locator("[data-keys]").uncheck()
    review.keyboard.press("a")
    review.wait_for_timeout(300)
    assert number(review) == visit
    review.reload()
    assert not review.locator("[data-keys]").is_checked()
    review.locator("[data-keys]").check()


def test_typing_is_not_deciding(review):
    visit = number(review)
    review.locator("[name=note]").focus()
    review.keyboard.type("a b n o")
    assert number(review) == visit
    assert review.locator("[name=note]").input_value() == "a b n o"
