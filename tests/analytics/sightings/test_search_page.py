"""The page "Search videos" of the admin: what staff see, who may, and what is noted of it."""

from __future__ import annotations

from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from faces.engines.fake import FakeFace
from tests.analytics.factories import make_face, make_plate, make_video
from tests.media import as_jpeg, blank, fake_jpeg
from tests.staff import admin_client, shown_text, staff_client

URL = reverse("analytics:search")
FACES = ("analytics.search_facesighting", "analytics.view_facesighting")
PLATES = ("analytics.search_platesighting", "analytics.view_platesighting")


def by_photo(client: Client, photo: bytes, **headers: str) -> Any:
    return client.post(URL, {"photo": SimpleUploadedFile("probe.jpg", photo, "image/jpeg")}, headers=headers)


def by_plate(client: Client, plate: str) -> Any:
    return client.post(URL, {"plate": plate})


def text_of(response: Any) -> str:
    return shown_text(response.content.decode())


MAY = {
    "both": ((*FACES, *PLATES), 200, 200, 200),
    "photos": (FACES, 200, 200, 403),
    "plates": (PLATES, 200, 403, 200),
    "search, but not see": ((FACES[0], PLATES[0]), 403, 403, 403),
    "see, but not search": ((FACES[1], PLATES[1]), 403, 403, 403),
}


@pytest.mark.parametrize(("permissions", "page", "photo", "plate"), MAY.values(), ids=MAY)
def test_who_may(permissions: tuple[str, ...], page: int, photo: int, plate: int) -> None:
    client = staff_client(*permissions)
    assert client.get(URL).status_code == page
    assert by_photo(client, fake_jpeg(FakeFace(1))).status_code == photo
    assert by_plate(client, "苏D561GM").status_code == plate


def test_strangers_are_sent_to_sign_in(client: Client) -> None:
    assert by_plate(client, "苏D561GM").status_code == 302


def test_a_photo_is_answered_with_pictures_that_lead_to_the_video_at_that_second() -> None:
    video = make_video(name="大厅.mp4", processed="processed/ab/x.mp4")
    sighting = make_face(video, FakeFace(1), 75_250)
    make_face(video, FakeFace(2), 1)
    response = by_photo(admin_client(), fake_jpeg(FakeFace(1)))
    page = response.content.decode()
    assert f'src="/media/faces/{sighting.public_id}.jpg"' in page
    assert f'href="/media/videos/{video.public_id}.mp4#t=75.2"' in page
    assert page.count("<li>") >= 1
    assert "01:15" in text_of(response)
    assert "大厅.mp4" in text_of(response)
    assert "no-store" in response["Cache-Control"]


def test_the_page_s_script_gets_the_results_only() -> None:
    make_face(make_video(), FakeFace(1), 1)
    partial = by_photo(admin_client(), fake_jpeg(FakeFace(1)), **{"X-Requested-With": "fetch"}).content.decode()
    assert "<html" not in partial
    assert 'data-face="1"' in partial


def test_a_plate_is_answered_with_cars() -> None:
    plate = make_plate(make_video(), "苏D561GM", 5_000)
    response = by_plate(admin_client(), "苏d561gm")
    assert f'src="/media/cars/{plate.public_id}.jpg"' in response.content.decode()
    assert "苏D561GM" in text_of(response)


def test_plates_are_masked_for_those_who_see_no_personal_data() -> None:
    plate = make_plate(make_video(), "苏D561GM", 5_000)
    page = by_plate(staff_client(*PLATES), "苏D561G*").content.decode()
    assert f"/media/cars/{plate.public_id}.jpg" in page
    assert "苏D***GM" in page
    assert "苏D561GM</strong>" not in page
    assert "/admin/analytics/video/" not in page
    assert f"/admin/analytics/video/{plate.video_id}/change/" in by_plate(admin_client(), "苏D561GM").content.decode()


PROBLEMS = {
    "no picture": (lambda client: by_photo(client, b"x"), "这不是可以读取的图片：支持 JPEG、PNG、BMP 和静态 WebP。"),
    "nobody": (lambda client: by_photo(client, as_jpeg(blank())), "照片中未检测到人脸。"),
    "a region": (lambda client: by_plate(client, "苏D"), "请至少输入车牌的三个字符。"),
    "no plate": (lambda client: by_plate(client, "···"), "这不是车牌号。"),
    "not seen": (lambda client: by_plate(client, "苏D561GM"), "没有在任何视频中出现。"),
}


@pytest.mark.parametrize(("ask", "words"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_is_wrong_is_said(ask: Any, words: str) -> None:
    response = ask(admin_client())
    assert response.status_code == 200
    assert words in text_of(response)


def test_every_search_is_noted_and_the_plate_masked(caplog: pytest.LogCaptureFixture) -> None:
    video = make_video()
    face, plate = make_face(video, FakeFace(1), 1), make_plate(video, "苏D561GM", 1)
    client = admin_client()
    by_photo(client, fake_jpeg(FakeFace(1)))
    by_plate(client, "苏D561GM")
    entries = list(LogEntry.objects.filter(action=LogEntry.Action.ACCESS).order_by("pk"))
    assert [entry.additional_data for entry in entries] == [
        {"use": "search", "count": 1, "ids": [str(face.public_id)]},
        {"use": "search", "count": 1, "ids": [str(plate.public_id)], "plate": "苏D***GM"},
    ]
    assert all(entry.actor is not None for entry in entries)
    assert "苏D561GM" not in caplog.text
