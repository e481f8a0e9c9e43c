"""What is deleted of videos when its time is over, and when somebody is erased; and the permanent links that end with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from analytics.models import FaceSighting, PlateSighting, Video, VideoState
from analytics.videos import jobs
from faces.enrolment import delete_persons, withdraw_consent
from faces.models import Person
from tests.analytics.videos.factories import add_face, add_plate, make_video

DAY = timedelta(days=1)


def aged(row: Any, days: float) -> Any:
    type(row).objects.filter(pk=row.pk).update(created_at=timezone.now() - days * DAY)
    return row


@pytest.mark.django_db
def test_enforce_retention(capsys: pytest.CaptureFixture[str], django_capture_on_commit_callbacks: Any) -> None:
    kept_days = settings.KIOSK.video_days
    old, young = aged(make_video(), kept_days + 1), make_video(sha256="1" * 64)
    working = aged(make_video(state=VideoState.RUNNING, sha256="2" * 64), kept_days + 1)
    add_face(old)
    add_plate(old)
    overdue = aged(add_face(young), settings.KIOSK.sighting_days + 1)
    kept = add_plate(young)
    orphan = default_storage.save("sightings/ab/orphan.jpg", ContentFile(b"x"))
    links = {name: f"/media/{kind}/{row.public_id}" for name, kind, row in (("old", "videos", old), ("face", "faces", overdue))}
    client = Client()
    assert client.get(links["old"] + ".mp4").status_code == 200
    call_command("enforce_retention", "--dry-run")
    assert "1 videos, 1 sightings" in capsys.readouterr().out
    assert Video.objects.count() == 3
    with django_capture_on_commit_callbacks(execute=True):
        call_command("enforce_retention")
    assert "1 videos, 1 sightings and 0 files deleted" in capsys.readouterr().out
    assert set(Video.objects.all()) == {young, working}
    assert not FaceSighting.objects.exists()
    assert list(PlateSighting.objects.all()) == [kept]
    assert client.get(links["old"] + ".mp4").status_code == client.get(links["face"] + ".jpg").status_code == 404
    assert default_storage.exists(kept.picture.name)
    assert not default_storage.exists(overdue.picture.name)
    assert default_storage.exists(orphan), "it may belong to a row that is just being written"
    default_storage.delete(orphan)


@pytest.mark.django_db
@pytest.mark.parametrize("erase", [withdraw_consent, lambda person: delete_persons([person])], ids=["withdrawn", "deleted"])
def test_an_erased_person_is_in_no_video_any_more(
    erase: Callable[[Person], object], django_capture_on_commit_callbacks: Any
) -> None:
    person = Person.objects.create(name="张三", number="T1", consent_source="staff", consented_at=timezone.now())
    video = make_video()
    gone, other = add_face(video, 0, person), add_face(video, 500)
    with django_capture_on_commit_callbacks(execute=True):
        erase(person)
    assert list(FaceSighting.objects.all()) == [other]
    assert not default_storage.exists(gone.picture.name)


@pytest.mark.django_db
class TestClaims:
    def queued(self) -> Video:
        return make_video(state=VideoState.QUEUED, progress=0)

    def outcome(self, tmp_path: Any) -> jobs.Outcome:
        processed = tmp_path / "processed.mp4"
        processed.write_bytes(b"mp4")
        return jobs.Outcome({"people": 3}, [], [], [], processed)

    def test_only_one_worker_gets_a_video(self) -> None:
        video = self.queued()
        assert jobs.claim(video.pk, "a") is not None
        assert jobs.claim(video.pk, "b") is None

    def test_a_worker_that_was_missed_stores_nothing(self, tmp_path: Any) -> None:
        video = self.queued()
        jobs.claim(video.pk, "a")
        later = timezone.now() + timedelta(seconds=settings.KIOSK.video_lost_seconds + 1)
        assert jobs.requeue_lost(later) == 1
        jobs.claim(video.pk, "b")
        before = files()
        with pytest.raises(jobs.ClaimLost):
            jobs.beat(video.pk, "a", 0.5)
        with pytest.raises(jobs.ClaimLost):
            jobs.finish(video.pk, "a", self.outcome(tmp_path))
        jobs.fail(video.pk, "a", jobs.ProblemCode.INTERNAL)
        jobs.give_back(video.pk, "a")
        assert files() == before
        video.refresh_from_db()
        assert (video.state, video.worker, video.attempts, video.people) == ("running", "b", 2, 0)

    def test_a_worker_that_is_alive_keeps_its_video(self) -> None:
        video = self.queued()
        jobs.claim(video.pk, "a")
        jobs.beat(video.pk, "a", 0.5)
        assert jobs.requeue_lost(timezone.now() + timedelta(seconds=1)) == 0

    def test_a_waiting_video_without_a_task_is_told_of_again(self) -> None:
        from django_tasks_db.models import DBTaskResult

        video = self.queued()
        assert not DBTaskResult.objects.exists()
        for _ in range(2):
            jobs.requeue_lost(timezone.now())
        assert [task.args_kwargs["args"] for task in DBTaskResult.objects.all()] == [[video.pk]]


def files() -> list[str]:
    media = settings.MEDIA_ROOT
    return sorted(str(path) for path in media.rglob("*") if path.is_file())
