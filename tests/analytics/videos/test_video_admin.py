"""Videos, faces and plates in the admin: who sees what, what can be done, and what the audit log says of it."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from analytics.models import FaceSighting, PlateSighting, Video, VideoState
from analytics.videos.streaming import close_video_processes
from faces.models import Person
from tests.analytics import clips
from tests.analytics.videos.factories import add_face, add_interval, add_plate, make_video
from tests.staff import admin_client, shown_text, staff_client

VIEW = ("analytics.view_video", "analytics.view_facesighting", "analytics.view_platesighting")
UNMASKED = "faces.view_personal_data"
VIDEOS, FACES, PLATES = (reverse(f"admin:analytics_{name}_changelist") for name in ("video", "facesighting", "platesighting"))
NAME, PLATE = "欧阳娜娜", "粤B12345"


def page_of(row: Any) -> str:
    return reverse(f"admin:analytics_{row._meta.model_name}_change", args=[row.pk])


@pytest.fixture
def video(db: None) -> Video:
    video = make_video(passages={"lines": {"门口": {"in": 2, "out": 1}}, "zones": {"等候区": {"visits": 1, "dwell_ms": [2500]}}})
    add_interval(video, 0, 1, 0, 2, 0)
    add_interval(video, 1, 3, 1, 1, 1)
    person = Person.objects.create(name=NAME, number="T001")
    add_face(video, 1500, person)
    add_plate(video, PLATE, 2000)
    return video


def test_the_page_of_a_video_shows_player_charts_marks_and_sightings(video: Video) -> None:
    html = staff_client(*VIEW, UNMASKED).get(page_of(video)).content.decode()
    text = shown_text(html)
    assert f"/media/videos/{video.public_id}.mp4" in html
    assert f"/media/faces/{video.faces.get().public_id}.jpg" in html
    assert "门口 2 1" in text
    assert "等候区 1 2.5" in text
    assert NAME in text
    assert PLATE in text
    data = json.loads(html.split('id="data-passed" type="application/json">')[1].split("</script>")[0])
    assert data["labels"] == ["0:00", "0:01"]
    assert [series["values"] for series in data["series"]] == [[2, 1], [0, 1]]
    assert LogEntry.objects.filter(action=LogEntry.Action.ACCESS, additional_data__use="list").count() == 2


@pytest.mark.parametrize("path", [VIDEOS, FACES, PLATES, "page"], ids=["videos", "faces", "plates", "page"])
def test_names_and_plates_are_masked_for_most(video: Video, path: str) -> None:
    path = page_of(video) if path == "page" else path
    html = staff_client(*VIEW).get(path).content.decode()
    assert NAME not in html
    assert PLATE not in html
    assert not LogEntry.objects.filter(action=LogEntry.Action.ACCESS).exists()


def test_who_may_not_see_sightings_sees_none(video: Video) -> None:
    client = staff_client("analytics.view_video", UNMASKED)
    html = client.get(page_of(video)).content.decode()
    assert "/media/faces/" not in html
    assert "/media/cars/" not in html
    assert client.get(FACES).status_code == client.get(PLATES).status_code == 403
    assert staff_client(username="nobody").get(VIDEOS).status_code == 403


@pytest.mark.parametrize(
    ("query", "found"),
    [("粤B12345", 1), ("粤b·12345", 1), ("粤B1234", 0), ("B", 0), ("", 1)],
    ids=["whole", "as written", "a part", "a letter", "nothing"],
)
def test_plates_are_found_whole(video: Video, query: str, found: int) -> None:
    html = staff_client(*VIEW).get(PLATES, {"q": query}).content.decode()
    assert html.count("sighting-thumb") == found
    assert staff_client(*VIEW, username="guess").get(PLATES, {"text__startswith": "粤"}).status_code in {302, 400}


def test_the_state_follows_the_work(db: None) -> None:
    running = make_video(state=VideoState.RUNNING, progress=0.42)
    failed = make_video(state=VideoState.FAILED, error_code="not_a_video", progress=0)
    client = staff_client("analytics.view_video")
    url = reverse("admin:analytics_video_states")
    answer = client.get(url, {"ids": f"{running.pk},{failed.pk},x,999"}).json()
    assert "42%" in answer["videos"][str(running.pk)]
    assert "文件不是可读取的视频" in answer["videos"][str(failed.pk)]
    assert answer["ended"] == [failed.pk]
    assert staff_client(username="nobody").get(url).status_code == 403


def test_cancelling_and_analysing_again(video: Video) -> None:
    queued = make_video(state=VideoState.QUEUED, progress=0)
    steering = staff_client("analytics.view_video", "analytics.change_video")
    assert staff_client("analytics.view_video", username="viewer").get(
        reverse("admin:analytics_video_cancel", args=[queued.pk])
    ).status_code in {302, 403}
    queued.refresh_from_db()
    assert queued.state == VideoState.QUEUED
    steering.get(reverse("admin:analytics_video_cancel", args=[queued.pk]))
    queued.refresh_from_db()
    assert queued.state == VideoState.CANCELLED
    steering.get(reverse("admin:analytics_video_again", args=[video.pk]))
    video.refresh_from_db()
    assert (video.state, video.processed, video.people) == (VideoState.QUEUED, "", 0)
    assert not video.faces.exists()
    assert not video.intervals.exists()
    steered = LogEntry.objects.filter(content_type__model="video", action=LogEntry.Action.UPDATE).order_by("pk")
    assert [entry.changes["state"] for entry in steered] == [["queued", "cancelled"], ["done", "queued"]]


def test_exports(video: Video) -> None:
    client = staff_client(*VIEW, UNMASKED)
    counts = client.get(reverse("admin:analytics_video_export_counts", args=[video.pk])).content.decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(counts)))[1:] == [["0", "0", "1", "0", "2", "0"], ["1", "1000", "3", "1", "1", "1"]]
    url = reverse("admin:analytics_video_export_sightings", args=[video.pk])
    sightings = client.get(url).content.decode("utf-8-sig")
    assert [row[:2] for row in csv.reader(io.StringIO(sightings))][1:] == [["face", "1500"], ["plate", "2000"]]
    assert PLATE in sightings
    assert NAME not in sightings
    assert LogEntry.objects.filter(additional_data__use="export").count() == 2
    masked = staff_client(*VIEW, username="masked").get(url)
    assert PLATE not in masked.content.decode()


def test_deleting_takes_everything_along(video: Video, django_capture_on_commit_callbacks: Any) -> None:
    names = [video.file.name, video.processed.name, video.faces.get().picture.name, video.plates.get().picture.name]
    with django_capture_on_commit_callbacks(execute=True):
        admin_client().post(reverse("admin:analytics_video_delete", args=[video.pk]), {"post": "yes"})
    assert not Video.objects.exists()
    assert not FaceSighting.objects.exists()
    assert not PlateSighting.objects.exists()
    assert not [name for name in names if default_storage.exists(name)]
    assert LogEntry.objects.filter(action=LogEntry.Action.DELETE, additional_data__count=1).exists()


class TestUpload:
    @pytest.fixture(autouse=True)
    def _processes(self) -> Any:
        yield
        close_video_processes()

    def fill(self, data: bytes, **fields: str) -> dict[str, Any]:
        return {"file": SimpleUploadedFile("大厅.mp4", data, "video/mp4"), "interval_ms": "1000", **fields}

    def test_a_video_is_taken_in(self, db: None, tmp_path: Any) -> None:
        client = staff_client("analytics.view_video", "analytics.add_video")
        add, line = reverse("admin:analytics_video_add"), '[{"name": "a", "start": [0, 0], "end": [1, 1]}]'
        data = clips.write(tmp_path / "clip.mp4", count=10).read_bytes()
        response = client.post(add, self.fill(data, lines=line))
        video = Video.objects.get()
        assert response["Location"] == page_of(video)
        assert (video.state, video.name, video.uploaded_by.username) == ("queued", "大厅.mp4", "staff")
        assert video.lines == [{"name": "a", "start": [0.0, 0.0], "end": [1.0, 1.0]}]
        again = client.post(add, self.fill(data, lines=line))
        assert again["Location"] == page_of(video)

    @pytest.mark.parametrize(
        ("data", "fields", "reason"),
        [
            (b"no video", {}, "文件不是可读取的视频"),
            (b"x", {"interval_ms": "0"}, "毫秒"),
            (b"x", {"zones": '[{"name": "a"}]'}, "corners"),
            (b"x", {"lines": "["}, "JSON"),
        ],
        ids=["no video", "interval", "zone", "no JSON"],
    )
    def test_what_is_wrong_is_said(self, db: None, data: bytes, fields: dict[str, str], reason: str) -> None:
        response = staff_client("analytics.view_video", "analytics.add_video").post(
            reverse("admin:analytics_video_add"), self.fill(data, **fields)
        )
        assert reason in shown_text(response.content.decode())
        assert not Video.objects.exists()

    def test_not_everybody_may(self, db: None) -> None:
        assert staff_client("analytics.view_video").get(reverse("admin:analytics_video_add")).status_code == 403
