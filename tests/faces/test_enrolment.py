"""Services that change the gallery: consent, erasure, concurrency, and the index that follows."""

from __future__ import annotations

import os
import threading
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from auditlog.models import LogEntry
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from faces.engines.fake import FakeFace
from faces.enrolment import (
    EnrolmentRefused,
    NewPerson,
    add_sample,
    delete_persons,
    delete_samples,
    enrol_person,
    withdraw_consent,
)
from faces.errors import FaceError, FaceErrorCode
from faces.gallery import gallery
from faces.models import FaceSample, GalleryState, Person, RemovedSample
from faces.quality import RefusalCode
from tests.media import Placed, fake_jpeg

JPEG = fake_jpeg(FakeFace(1))


def found(person: int) -> list[str]:
    people = gallery()
    people.catch_up()
    return [near.person.number for near in people.nearest(FakeFace(person).embedding(), limit=5) if near.similarity > 0.4]


@pytest.mark.django_db
def test_withdrawing_consent_erases_face_photo_and_index_entry(enrol, django_capture_on_commit_callbacks):
    person = enrol(1, "张三", "T001")
    other = enrol(2, "李四", "T002")
    path = person.samples.get().photo.name
    assert found(1) == ["T001"]

    with django_capture_on_commit_callbacks(execute=True):
        withdraw_consent(person)

    person.refresh_from_db()
    assert not person.has_consent
    assert person.samples.count() == 0
    assert not default_storage.exists(path)
    assert found(1) == []
    assert len(gallery()) == 1
    assert found(2) == [other.number]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "remove", [delete_persons, lambda persons: delete_samples(persons[0].samples.all())], ids=["person", "sample"]
)
def test_deletion_takes_everything_along(enrol, remove, django_capture_on_commit_callbacks):
    person = enrol(1, "张三", "T001")
    path = person.samples.get().photo.name
    with django_capture_on_commit_callbacks(execute=True):
        remove([person])
    assert found(1) == []
    assert FaceSample.objects.count() == 0
    assert not default_storage.exists(path)


@pytest.mark.django_db
def test_audit_log_says_that_not_what(enrol):
    person = enrol(1, "张三", "T001")
    delete_persons([person])
    entries = LogEntry.objects.filter(content_type__app_label="faces")
    assert set(entries.values_list("action", flat=True)) == {LogEntry.Action.CREATE, LogEntry.Action.DELETE}
    text = " ".join(f"{entry.changes} {entry.object_repr}" for entry in entries)
    assert "张三" not in text
    assert "T001" not in text
    assert ".jpg" not in text


@pytest.mark.django_db
def test_no_sample_without_consent(enrol):
    person = enrol(1)
    withdraw_consent(person)
    with pytest.raises(FaceError) as refused:
        add_sample(person, JPEG)
    assert refused.value.code is FaceErrorCode.NO_CONSENT


@pytest.mark.django_db
def test_at_most_so_many_samples(enrol, settings):
    settings.KIOSK = settings.KIOSK.model_copy(update={"face_samples": 2})
    person = enrol(1)
    add_sample(person, fake_jpeg(FakeFace(1, variation=1)))
    with pytest.raises(FaceError) as refused:
        add_sample(person, fake_jpeg(FakeFace(1, variation=2)))
    assert refused.value.code is FaceErrorCode.TOO_MANY_SAMPLES


@pytest.mark.django_db
def test_somebody_elses_face(enrol):
    enrol(1, "张三")
    other = enrol(2, "李四")
    with pytest.raises(EnrolmentRefused) as refused:
        add_sample(other, fake_jpeg(FakeFace(1, variation=3)))
    assert refused.value.codes == (RefusalCode.DUPLICATE,)


@pytest.mark.django_db
def test_a_used_number_is_refused(enrol):
    enrol(1, "张三", "T001")
    with pytest.raises(FaceError, match="编号已存在"):
        enrol(2, "李四", "T001")


@pytest.mark.django_db
def test_every_reason_is_told_at_once():
    dark_and_small = fake_jpeg(Placed(FakeFace(1), 100, 100, 60, light=60, dark=10))
    with pytest.raises(EnrolmentRefused) as refused:
        enrol_person(NewPerson("张三"), dark_and_small)
    assert {RefusalCode.TOO_SMALL, RefusalCode.TOO_DARK} <= set(refused.value.codes)


@pytest.mark.django_db(transaction=True)
def test_one_face_enrolled_twice_at_the_same_moment_becomes_one_person():
    GalleryState.objects.get_or_create(pk=1)
    results: list[object] = []
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        barrier.wait()
        try:
            results.append(enrol_person(NewPerson(f"甲{number}"), fake_jpeg(FakeFace(5, variation=number))))
        except EnrolmentRefused as refused:
            results.append(refused.codes)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Person.objects.count() == 1
    assert results.count((RefusalCode.DUPLICATE,)) == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"number": ""},
        {"user_type": "king"},
        {"consent_source": "staff"},
        {"number": "T001"},
    ],
    ids=["empty name", "empty number", "unknown type", "consent without a time", "number taken"],
)
def test_constraints_of_persons(enrol, values):
    enrol(1, "张三", "T001")
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.create(**({"name": "李四", "number": "T002"} | values))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [{"quality": 1.5}, {"quality": -0.1}, {"dimension": 0}, {"metric": "taste"}, {"engine": ""}, {"bbox_w": 0}],
    ids=str,
)
def test_constraints_of_samples(enrol, values):
    sample = enrol(1).samples.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        FaceSample.objects.filter(pk=sample.pk).update(**values)


@pytest.mark.django_db
def test_a_restored_database_gets_a_fresh_index(enrol):
    enrol(1, "张三", "T001")
    assert found(1) == ["T001"]
    GalleryState.objects.filter(pk=1).update(version=0)
    FaceSample.objects.all().delete()
    assert found(1) == []
    assert len(gallery()) == 0


@pytest.mark.django_db
def test_an_index_that_was_away_for_a_month_holds_nobody_who_left_meanwhile(enrol, capsys):
    for number in (1, 2):
        enrol(number, f"人{number}", f"T00{number}")
    assert (found(1), found(2)) == (["T001"], ["T002"])
    delete_persons([Person.objects.get(number="T001")])
    RemovedSample.objects.update(removed_at=timezone.now() - timedelta(days=31))
    call_command("enforce_retention")
    assert "1 notes of removed samples deleted" in capsys.readouterr().out
    assert not RemovedSample.objects.exists()
    assert (found(1), found(2)) == ([], ["T002"])
    assert len(gallery()) == 1


@pytest.mark.django_db
def test_nobody_else_on_the_machine_can_read_faces(enrol, settings):
    enrol(1)
    found(1)
    photo = Path(settings.MEDIA_ROOT) / FaceSample.objects.get().photo.name
    assert photo.stat().st_mode & 0o077 == 0
    folders = [path.parent for path in (settings.KIOSK.data_dir / "index").rglob("*") if path.is_file()]
    assert folders
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in folders)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "embedding", [b"", b"1234", bytes(4 * 256), b"\xff" * 4 * 256], ids=["empty", "short", "all zeros", "not a number"]
)
def test_a_damaged_row_does_not_hide_the_others(enrol, embedding):
    enrol(1, "张三", "T001")
    enrol(2, "李四", "T002")
    FaceSample.objects.filter(person__number="T001").update(embedding=embedding)
    gallery()._index.clear()
    assert found(2) == ["T002"]
    assert found(1) == []


@pytest.mark.django_db
def test_photos_that_belong_to_nobody_are_found_and_deleted(enrol):
    person = enrol(1)
    kept = person.samples.get().photo.name
    names = [default_storage.save(f"faces/zz/{age}.jpg", ContentFile(JPEG)) for age in ("old", "fresh")]
    hours_ago = time.time() - 2 * 3600
    for name in (kept, names[0]):
        os.utime(default_storage.path(name), (hours_ago, hours_ago))

    out = StringIO()
    call_command("cleanup_photos", "--dry-run", stdout=out)
    assert default_storage.exists(names[0])
    call_command("cleanup_photos", stdout=out)

    assert out.getvalue() == "1 photos belong to nobody\n1 photos belong to nobody and were deleted\n"
    assert [default_storage.exists(name) for name in (kept, *names)] == [True, False, True]
    default_storage.delete(names[1])
