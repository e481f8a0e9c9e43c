"""Recording, forgetting and deleting events: what is in the database and in the storage afterwards."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from analytics.events.devices import note_broken, note_seen, relayed_device, watched_devices
from analytics.events.feed import events_after
from analytics.events.recording import NewEvent, record
from analytics.events.sequence import last_position
from analytics.models import MediaDevice, RecognitionEvent
from faces.enrolment import delete_persons, withdraw_consent
from faces.models import Person

JPEG = b"\xff\xd8\xff\xe0face"


@pytest.fixture
def device(db):
    return MediaDevice.objects.create(name="门口", address="rtsp://192.168.1.101/1")


@pytest.fixture
def person(db):
    return Person.objects.create(
        number="666666", name="小明", user_type="vip", consented_at=timezone.now(), consent_source="kiosk"
    )


def new(device, **more):
    return NewEvent(device, more.pop("happened_at", timezone.now()), more.pop("score", 82.05), **more)


def files():
    return {
        f"events/{folder}/{name}"
        for folder in (default_storage.listdir("events")[0] if default_storage.exists("events") else [])
        for name in default_storage.listdir(f"events/{folder}")[1]
    }


def test_person(device, person):
    event = record(new(device, person=person, face_jpeg=JPEG, attributes={"age": 34}, track=5))
    event.refresh_from_db()
    assert (event.person, event.user_type, event.track, event.attributes) == (person, "vip", 5, {"age": 34})
    assert event.face.read() == JPEG
    assert len(event.event_id) == 32


def test_same_event_again(device):
    before = files()
    first = record(new(device, event_id="one", face_jpeg=JPEG))
    again = record(new(device, event_id="one", face_jpeg=JPEG, score=1))
    assert (again.pk, again.score) == (first.pk, 82.05)
    assert len(files() - before) == 1


def test_person_who_was_erased_meanwhile(device, person):
    before = files()
    told = new(device, person=person, face_jpeg=JPEG, attributes={"age": 34})
    delete_persons([person])
    event = record(told)
    assert (event.person, event.user_type, str(event.face), event.attributes) == (None, "stranger", "", {})
    assert files() == before


@pytest.mark.parametrize(
    "wrong", [{"score": -1}, {"score": 100.5}, {"score": float("nan")}, {"happened_at": timezone.now().replace(tzinfo=None)}]
)
def test_wrong_values(device, wrong):
    before = files()
    with pytest.raises(ValueError, match=r"score|time zone"):
        record(new(device, face_jpeg=JPEG, **wrong))
    assert files() == before
    assert not RecognitionEvent.objects.exists()


def test_a_row_that_can_t_be_written_leaves_no_face(device):
    before = files()
    with pytest.raises(IntegrityError), transaction.atomic():
        record(new(device, face_jpeg=JPEG, user_type="boss"))
    assert files() == before


@pytest.mark.parametrize("erase", [withdraw_consent, lambda person: delete_persons([person])])
def test_erasure(device, person, erase, django_capture_on_commit_callbacks):
    before = files()
    mine = record(new(device, person=person, face_jpeg=JPEG, attributes={"age": 34}))
    other = record(new(device, stranger_id="stranger-1", face_jpeg=JPEG))
    with django_capture_on_commit_callbacks(execute=True):
        erase(person)
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.person, str(mine.face), mine.attributes, mine.user_type) == (None, "", {}, "vip")
    assert files() - before == {str(other.face)}


def test_retention(device, settings, capsys):
    before = files()
    old = record(new(device, happened_at=timezone.now() - timedelta(days=31), face_jpeg=JPEG))
    young = record(new(device, happened_at=timezone.now() - timedelta(days=29), face_jpeg=JPEG))
    call_command("enforce_retention", dry_run=True)
    assert "1 events" in capsys.readouterr().out
    assert RecognitionEvent.objects.count() == 2
    call_command("enforce_retention")
    assert "1 events" in capsys.readouterr().out
    assert list(RecognitionEvent.objects.values_list("pk", flat=True)) == [young.pk]
    assert files() - before == {str(young.face)}
    assert old.pk < young.pk == last_position()


def test_devices(device):
    box = relayed_device("04f98265-1fad-47e5-9dda-66e191272055", ip=None, device_type="odd", address="ws://box:5679")
    assert str(box.device_id) == "04f98265-1fad-47e5-9dda-66e191272055"
    assert box.device_type == "rtsp"
    assert relayed_device("04f98265-1fad-47e5-9dda-66e191272055", ip=None, device_type="rtsp", address="ws://box:5679") == box
    other = relayed_device("04f98265-1fad-47e5-9dda-66e191272055", ip=None, device_type="rtsp", address="ws://other:5679")
    assert other.device_id != box.device_id
    MediaDevice.objects.create(name="off", address="rtsp://x", enabled=False)
    assert list(watched_devices()) == [device]
    now = timezone.now()
    note_broken(device, "no route", now)
    note_broken(device, "timed out", now + timedelta(seconds=5))
    device.refresh_from_db()
    assert (device.error, device.error_since) == ("timed out", now)
    note_seen(device, now)
    device.refresh_from_db()
    assert (device.error, device.error_since, device.last_seen_at) == ("", None, now)


@pytest.mark.django_db(transaction=True)
def test_whoever_follows_misses_none():
    """Many record at once; keys must become visible in their order, which PostgreSQL does not promise by itself."""
    device = MediaDevice.objects.create(name="门口")
    done = threading.Event()
    seen: list[int] = []

    def follow():
        position = 0
        while True:
            is_last = done.is_set()
            seen.extend(keys := list(events_after(position).values_list("pk", flat=True)))
            position = keys[-1] if keys else position
            if is_last:
                break
        connection.close()

    def write():
        for _ in range(25):
            record(new(device))
        connection.close()

    follower = threading.Thread(target=follow)
    follower.start()
    writers = [threading.Thread(target=write) for _ in range(4)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    follower.join()
    assert len(seen) == 100
    assert seen == list(RecognitionEvent.objects.order_by("pk").values_list("pk", flat=True))
