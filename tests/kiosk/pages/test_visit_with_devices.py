"""Visits with a camera and a microphone: films and recordings that Chromium takes for real ones."""

from __future__ import annotations

from tests.browser import chromium, needs_chromium, opened, violations
from tests.flows.speech.recordings import encode, speech
from tests.kiosk.pages.visitor import Visitor, camera, film
from tests.live_server import LiveServer

pytestmark = needs_chromium
WITH_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def test_recognised_asked_summarised_approved(hall, tmp_path, citizen):
    """A stranger is enrolled and asked; the next time they are greeted by name; staff find and approve the visit."""
    with chromium(*camera(film(tmp_path / "face.mjpeg", 21))) as browser:
        with opened(browser) as page:
            visitor = Visitor(page, citizen)
            visitor.arrive(hall.url)
            visitor.look_at_camera()
            visitor.enrol()
            number = visitor.whole_visit()
            assert page.watch.trouble == []
        with opened(browser) as page:
            again = Visitor(page, citizen)
            again.arrive(hall.url)
            again.look_at_camera()
            again.sees("need")
            assert page.locator("#greeting").inner_text() == "王小明，您好"
            again.ask_for("我想办居住证")
            again.begin_questions()
            again.answer_all()
            assert again.submit() == number
            assert page.watch.trouble == []
        with opened(browser) as page:
            approve_in_admin(hall, page, number)


def approve_in_admin(hall: LiveServer, page, number: str) -> None:
    hall.manage("shell", "-c", _REVIEWER)
    page.goto(f"{hall.url}/admin/login/")
    page.fill("[name=username]", "reviewer")
    page.fill("[name=password]", "secret-enough")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/")
    page.goto(f"{hall.url}/admin/flows/dialoguesession/?q={number}")
    page.locator("#result_list a[href*='/change/']").first.click()
    page.locator("button[value=approve]").click()
    page.wait_for_load_state()
    page.goto(f"{hall.url}/admin/flows/dialoguesession/?q={number}&review_state__exact=approved")
    assert page.locator("#result_list tbody tr").count() == 1


_REVIEWER = """
from django.contrib.auth.models import User
User.objects.filter(username="reviewer").exists() or User.objects.create_superuser("reviewer", password="secret-enough")
"""


def test_consent_is_withdrawn_on_the_spot(hall, tmp_path, citizen):
    """Of a face registered in this visit it erases; of one that was known before, if the citizen says so."""
    with chromium(*camera(film(tmp_path / "face.mjpeg", 33))) as browser, opened(browser) as page:
        visitor = Visitor(page, citizen)
        visitor.arrive(hall.url)
        visitor.look_at_camera()
        visitor.enrol()
        visitor.tap("#withdraw")
        page.get_by_text("登记的人脸已删除").wait_for()
        assert not page.locator("#withdraw").is_visible()
        visitor.leave()

        visitor.look_at_camera()
        page.get_by_text("您还没有登记人脸").wait_for()
        assert violations(page) == []
        visitor.enrol()
        visitor.leave()

        for answer, told in (("#withdraw-only", "摄像头已关闭"), ("#withdraw-erase", "登记的人脸已删除")):
            visitor.look_at_camera()
            visitor.sees("need")
            assert "您好" in page.locator("#greeting").inner_text(), "still known"
            visitor.tap("#withdraw")
            assert violations(page) == []
            visitor.tap(answer)
            page.get_by_text(told).wait_for()
            assert page.locator("#greeting").inner_text() == ""
            visitor.leave()

        visitor.look_at_camera()
        page.get_by_text("您还没有登记人脸").wait_for()
        assert page.watch.trouble == []


def test_it_is_withdrawn_before_the_camera_too(hall, tmp_path, citizen):
    with chromium(*camera(film(tmp_path / "face.mjpeg", 34))) as browser, opened(browser) as page:
        visitor = Visitor(page, citizen)
        visitor.arrive(hall.url)
        visitor.look_at_camera()
        page.get_by_text("您还没有登记人脸").wait_for()
        visitor.tap("#withdraw")
        visitor.sees("need")
        page.get_by_text("摄像头已关闭").wait_for()
        assert page.evaluate("() => document.querySelector('#video').srcObject") is None


def test_by_voice(hall, tmp_path, citizen):
    sound = tmp_path / "said.wav"
    sound.write_bytes(encode(speech(seconds=4)))
    with chromium(*WITH_MICROPHONE, f"--use-file-for-fake-audio-capture={sound}") as browser, opened(browser) as page:
        visitor = Visitor(page, citizen)
        visitor.arrive(hall.url)
        visitor.go_without()
        visitor.tap("[data-voice=need-text] .talk")
        page.get_by_text("正在听").wait_for()
        page.wait_for_timeout(2500)
        visitor.tap("[data-voice=need-text] .talk")
        page.wait_for_function("() => document.querySelector('#need-text').value.includes('身份证')", timeout=30_000)
        visitor.tap("#need-form button[type=submit]")
        visitor.sees("guide")
        assert page.watch.trouble == []


def test_what_is_missing(tmp_path, citizen):
    """A hall without speech recognition, in a browser with a microphone and in one without."""
    settings = {"KIOSK_FACE_ENGINE": "fake", "KIOSK_TTS_ENGINE": "espeak", "KIOSK_VIDEO_WORKERS": "0"}
    with LiveServer(tmp_path / "data", **settings) as server:
        for arguments, told in (((), "没有话筒"), (WITH_MICROPHONE, "现在不能语音输入")):
            with chromium(*arguments) as browser, opened(browser) as page:
                visitor = Visitor(page, citizen)
                visitor.arrive(server.url)
                visitor.go_without()
                visitor.tap("[data-voice=need-text] .talk")
                if arguments:
                    page.get_by_text("正在听").wait_for()
                    page.wait_for_timeout(500)
                    visitor.tap("[data-voice=need-text] .talk")
                page.get_by_text(told).wait_for()
                assert violations(page) == []
                visitor.ask_for()
                assert page.watch.trouble == []
