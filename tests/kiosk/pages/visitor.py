"""A citizen at the kiosk: what they tap, type and read on its pages, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.dialogue import Citizen
from faces.engines.fake import FakeFace
from tests.media import Placed, fake_jpeg

PATIENCE_MS = 30_000
ENGLISH = {"男": "Male", "女": "Female", "汉": "Han"}
ADDRESS = "广东省广州市番禺区大学城外环西路100号"


def film(path: Path, person: int) -> Path:
    """A film for Chromium's fake camera: a face of the fake engine that moves a little, in a file of its own."""
    faces = [Placed(FakeFace(person, variation=turn % 4), 420 + 20 * (turn % 3), 280, 400) for turn in range(8)]
    path.write_bytes(b"".join(fake_jpeg(face, width=1280, height=960, quality=90) * 6 for face in faces))
    return path


def camera(path: Path) -> tuple[str, ...]:
    """Arguments of a Chromium whose camera shows this film and whose user allows it."""
    return ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={path}")


class Visitor:
    """One visit. `tap` is how buttons are pressed: by the mouse, or by the keyboard alone."""

    def __init__(
        self, page: Any, citizen: Citizen, *, language: str = "zh-hans", tap: Callable[[Any], None] | None = None
    ) -> None:
        self.page = page
        self.citizen = citizen
        self.language = language
        self._tap = tap or (lambda element: element.click())

    def arrive(self, url: str) -> None:
        self.page.goto(f"{url}/kiosk/")
        self.page.wait_for_selector("html[data-ready]")
        if self.language == "en":
            self.tap("#tool-language")

    def tap(self, selector: str) -> None:
        element = self.page.locator(selector).first
        element.wait_for(timeout=PATIENCE_MS)
        self._tap(element)

    def write(self, selector: str, text: str) -> None:
        self.page.locator(selector).fill(text)
        self.page.keyboard.press("Enter")

    def sees(self, step: str) -> None:
        """Waits until the page shows this step."""
        self.page.wait_for_selector(f'.step[data-step="{step}"]:not([hidden])', timeout=PATIENCE_MS)

    def look_at_camera(self) -> None:
        self.tap("#start-face")
        self.sees("consent")
        self.tap("#consent-yes")

    def enrol(self) -> None:
        """Asks for enrolment as soon as the kiosk says that it does not know the face."""
        self.tap("#camera-enrol")
        self.sees("need")

    def leave(self) -> None:
        """Ends the visit by the button that is always there."""
        self.tap("#leave")
        self.tap("#leave-yes")
        self.page.wait_for_selector("html[data-ready]")
        self.sees("welcome")

    def go_without(self) -> None:
        self.tap("#start-plain")
        self.sees("need")

    def ask_for(self, wish: str = "我要办身份证") -> None:
        self.write("#need-text", wish)
        self.sees("guide")

    def begin_questions(self) -> None:
        self.tap("#guide-next")
        self.sees("ask")

    def answer_all(self) -> None:
        """Answers what is asked until there is no more, by the buttons where there are some."""
        for _ in range(20):
            if not self.answer_one():
                break
        self.sees("check")

    def answer_one(self) -> bool:
        """Answers the question that is open; False when it was the last."""
        self.page.wait_for_function(_ASKED_OR_OVER, timeout=PATIENCE_MS)
        if self.page.locator('.step[data-step="check"]').is_visible():
            return False
        key = self.page.evaluate(_KEY)
        question = self.page.locator("#question").inner_text()
        said = {"gender": self.citizen.gender, "nationality": "汉"}.get(key)
        if said is not None:
            said = ENGLISH[said] if self.language == "en" else said
            self._tap(self.page.locator("#options").get_by_role("button", name=said, exact=True))
        else:
            self.write("#ask-text", self._typed(key))
        self.page.wait_for_function(
            "before => document.querySelector('#question').textContent !== before ||"
            " !document.querySelector('.step[data-step=check]').hidden",
            arg=question,
            timeout=PATIENCE_MS,
        )
        return True

    def _typed(self, key: str) -> str:
        mine = {"name": "王小明", "phone": self.citizen.phone, "id_card": self.citizen.id_card, "address": ADDRESS}
        return mine.get(key, {"hukou": "广州市番禺区"}.get(key, "跳过"))

    def submit(self) -> str:
        """Stores what was noted; the follow-up number."""
        self.page.locator("#facts .fact").first.wait_for(timeout=PATIENCE_MS)
        self.tap("#check-store")
        self.sees("done")
        return str(self.page.locator("#done-number").inner_text())

    def whole_visit(self) -> str:
        """From the wish to the follow-up number."""
        self.ask_for()
        self.begin_questions()
        self.answer_all()
        return self.submit()


_ASKED_OR_OVER = (
    "() => document.querySelector('#question').textContent !== '' || !document.querySelector('.step[data-step=check]').hidden"
)
_KEY = "() => document.querySelector('#question').dataset.key ?? ''"


def tour(visitor: Visitor, url: str) -> Iterator[str]:
    """Goes through every page and dialog that needs no camera, and stops at each with its name."""
    page = visitor.page
    visitor.arrive(url)
    yield "welcome"
    visitor.tap("#start-face")
    visitor.sees("consent")
    yield "consent"
    visitor.tap("#consent-no")
    visitor.sees("need")
    yield "need"
    visitor.tap("#services-all")
    yield "services"
    visitor.tap("#services-all")
    visitor.write("#need-text", "社保")
    page.locator("#candidates button").first.wait_for(timeout=PATIENCE_MS)
    yield "which"
    visitor.ask_for()
    yield "guide"
    visitor.begin_questions()
    yield from _questions(visitor)
    visitor.sees("check")
    page.locator("#facts .fact").first.wait_for(timeout=PATIENCE_MS)
    yield "check"
    visitor.tap("#facts .fact:nth-child(3) button")
    yield "correct"
    visitor.tap("#correct-cancel")
    for dialog, opener, closer in (("help", "#help", "#help-close"), ("leave", "#leave", "#leave-no")):
        visitor.tap(opener)
        yield dialog
        visitor.tap(closer)
    visitor.submit()
    yield "done"


def _questions(visitor: Visitor) -> Iterator[str]:
    page = visitor.page
    shown = {"name": "", "gender": "", "nationality": "", "phone": visitor.citizen.phone[:7]}
    page.wait_for_function(_ASKED_OR_OVER, timeout=PATIENCE_MS)
    while not page.locator('.step[data-step="check"]').is_visible():
        key = page.evaluate(_KEY)
        if key in shown:
            page.locator("#ask-text").fill(shown[key])
            yield f"ask-{key}"
        if key == "nationality":
            visitor.tap("#options button[aria-expanded]")
            yield "ask-nationality-all"
        if not visitor.answer_one():
            break
