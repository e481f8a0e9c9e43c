"""Nothing is kept longer than it may be, and what is taken out is gone everywhere."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from faces.models import Person
from flows.erasure import Erased, erase_citizens, extent
from flows.models import Citizen, DialogueSession, Relative, Turn
from flows.recordings import media_type, orphaned_recordings
from flows.types import SessionState
from tests.flows.records import SECRETS, citizen, visit
from tests.flows.test_citizens import everything

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def aged(made: DialogueSession, created: timedelta, *, active: timedelta | None = None, expires: timedelta | None = None):
    """A visit that began so long ago and was active last, and whose hash expired, so long ago."""
    now = timezone.now()
    active = created if active is None else active
    expires = active - HOUR / 2 if expires is None else expires
    DialogueSession.objects.filter(pk=made.pk).update(created_at=now - created, updated_at=now - active, expires_at=now - expires)
    return made


def enforce(**options) -> str:
    out = io.StringIO()
    call_command("enforce_retention", stdout=out, **options)
    return out.getvalue()


def recordings() -> list[str]:
    if not default_storage.exists("utterances"):
        return []
    return [
        f"{folder}/{name}"
        for folder in default_storage.listdir("utterances")[0]
        for name in default_storage.listdir(f"utterances/{folder}")[1]
    ]


@pytest.fixture(autouse=True)
def _storage(settings, tmp_path):
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "media"}}
    }


AGES = {
    "stored yesterday": (True, 1 * DAY, None, True),
    "stored 89 days ago": (True, 89 * DAY, None, True),
    "stored 91 days ago": (True, 91 * DAY, None, False),
    "stored 91 days ago, reviewed yesterday": (True, 91 * DAY, 1 * DAY, False),
    "left an hour ago": (False, 1 * HOUR, None, True),
    "left 23 hours ago": (False, 23 * HOUR, None, True),
    "left 25 hours ago": (False, 25 * HOUR, None, False),
    "begun long ago, active an hour ago": (False, 3 * DAY, 1 * HOUR, True),
}


class TestRetention:
    @pytest.mark.parametrize(("stored", "created", "active", "kept"), AGES.values(), ids=AGES.keys())
    def test_which_visits_go(self, stored, created, active, kept):
        made = aged(visit(citizen() if stored else None), created, active=active)
        enforce()
        assert DialogueSession.objects.filter(pk=made.pk).exists() is kept
        assert Turn.objects.exists() is kept

    @pytest.mark.parametrize("created", [2 * DAY, 400 * DAY], ids=["abandoned", "old"])
    def test_a_visit_that_goes_on_stays(self, created):
        made = aged(visit(None), created, expires=-HOUR)
        enforce()
        assert DialogueSession.objects.get().state == made.state == SessionState.ASKING

    @pytest.mark.parametrize(
        ("state", "after"),
        [
            (SessionState.CREATED, SessionState.EXPIRED),
            (SessionState.TRANSCRIBING, SessionState.EXPIRED),
            (SessionState.UNCLEAR, SessionState.EXPIRED),
            (SessionState.ASKING, SessionState.EXPIRED),
            (SessionState.ANSWERED, SessionState.EXPIRED),
            (SessionState.FAILED, SessionState.FAILED),
            (SessionState.STORED, SessionState.STORED),
            (SessionState.SUMMARISED, SessionState.SUMMARISED),
        ],
    )
    def test_what_expired_is_marked(self, state, after):
        made = aged(visit(None, state=state), HOUR)
        before = DialogueSession.objects.get().updated_at
        enforce()
        made.refresh_from_db()
        assert made.state == after
        assert made.updated_at == before

    def test_sound_goes_too(self, django_capture_on_commit_callbacks):
        kept = aged(visit(citizen(), turns=4, audio=True), DAY)
        aged(visit(None, turns=4, audio=True), 25 * HOUR)
        assert len(recordings()) == 4
        with django_capture_on_commit_callbacks(execute=True):
            said = enforce()
        assert said.startswith("1 visits deleted, with 4 turns and 2 recordings")
        assert {f"utterances/{name}" for name in recordings()} == {turn.audio.name for turn in kept.turns.exclude(audio="")}

    def test_sound_of_nobody_goes_after_an_hour(self, settings, monkeypatch):
        orphan = default_storage.save("utterances/ab/abcdef", ContentFile(b"x"))
        made = visit(citizen(), turns=2, audio=True)
        assert list(orphaned_recordings(timezone.now())) == []
        assert list(orphaned_recordings(timezone.now() + 2 * HOUR)) == [orphan]
        assert made.turns.exclude(audio="").exists()

    def test_a_storage_that_fails_keeps_no_row(self, django_capture_on_commit_callbacks, monkeypatch, caplog):
        aged(visit(None, turns=2, audio=True), 25 * HOUR)

        def refuse(self, name):
            raise OSError("read-only")

        monkeypatch.setattr("django.core.files.storage.FileSystemStorage.delete", refuse)
        with django_capture_on_commit_callbacks(execute=True):
            enforce()
        assert not Turn.objects.exists()
        assert "could not be deleted" in caplog.text

    @pytest.mark.parametrize(
        ("days", "changed", "seen", "kept"),
        [
            pytest.param(1095, 1094 * DAY, None, True, id="changed lately"),
            pytest.param(1095, 1096 * DAY, None, False, id="changed long ago"),
            pytest.param(1095, 1096 * DAY, 3 * DAY, True, id="changed long ago, there lately"),
            pytest.param(1095, 1096 * DAY, 80 * DAY, True, id="changed long ago, there a while ago"),
            pytest.param(30, 31 * DAY, 29 * DAY, True, id="a shorter period"),
            pytest.param(30, 31 * DAY, 31 * DAY, False, id="a shorter period is over"),
            pytest.param(0, 9999 * DAY, None, True, id="no period"),
        ],
    )
    def test_which_citizens_go(self, settings, days, changed, seen, kept):
        settings.KIOSK = settings.KIOSK.model_copy(update={"citizen_days": days})
        known, stays = citizen(), citizen("wechat-2", spouse=False, id_card="")
        if seen is not None:
            aged(visit(known), seen)
        Citizen.objects.filter(pk=known.pk).update(updated_at=timezone.now() - changed)
        said = enforce(dry_run=True)
        assert ("0" if kept else "1") + " citizens would be deleted" in said
        assert Citizen.objects.count() == 2
        enforce()
        assert [one.pk for one in Citizen.objects.all()] == ([stays.pk, known.pk] if kept else [stays.pk])
        assert Relative.objects.exists() is kept
        assert LogEntry.objects.filter(action=LogEntry.Action.DELETE, object_repr=str(known)).exists() is not kept

    def test_dry_run_changes_nothing(self):
        aged(visit(None, turns=4, audio=True), 25 * HOUR)
        aged(visit(None), HOUR)
        before = everything(DialogueSession, Turn, LogEntry)
        said = enforce(dry_run=True)
        assert said.startswith("1 visits would be deleted, with 4 turns and 2 recordings; 2 would be marked as expired; 0 rec")
        assert everything(DialogueSession, Turn, LogEntry) == before
        assert len(recordings()) == 2

    def test_one_entry_says_how_much(self):
        for _ in range(3):
            aged(visit(None, turns=2), 25 * HOUR)
        LogEntry.objects.all().delete()
        enforce()
        entry = LogEntry.objects.get()
        assert entry.action == LogEntry.Action.DELETE
        assert entry.changes == {"visits": ["3", "0"], "turns": ["6", "0"]}
        details = {"client": "manage.py enforce_retention", "visit_days": 90, "abandoned_hours": 24}
        assert entry.additional_data == details
        enforce()
        assert LogEntry.objects.count() == 1

    def test_more_than_one_batch(self, monkeypatch):
        for _ in range(7):
            aged(visit(None, turns=1), 25 * HOUR)
        monkeypatch.setattr("flows.retention.erase_overdue.__defaults__", (3,))
        assert enforce().startswith("7 visits deleted")
        assert not DialogueSession.objects.exists()


class TestErasure:
    def test_everything_of_a_citizen_goes_and_nothing_else(self, django_capture_on_commit_callbacks):
        person = Person.objects.create(name="欧阳慕白", number="wechat-20661")
        gone, other = citizen(person=person), citizen("other", id_card="", name="别人")
        visit(gone, turns=4, audio=True)
        visit(None, user_id=gone.number, turns=2)
        kept = visit(other, turns=2, audio=True)
        expected = Erased(citizens=1, relatives=1, visits=2, turns=6, recordings=2)
        assert extent([gone]) == expected
        with django_capture_on_commit_callbacks(execute=True):
            assert erase_citizens([gone]) == expected
        assert list(Citizen.objects.all()) == [other]
        assert list(DialogueSession.objects.all()) == [kept]
        assert Turn.objects.count() == 2
        assert Relative.objects.get().citizen == other
        assert len(recordings()) == 1
        assert Person.objects.get() == person

    def test_the_entry_says_how_much_and_not_what(self):
        gone = citizen()
        visit(gone, turns=4)
        LogEntry.objects.all().delete()
        erase_citizens([gone])
        entry = LogEntry.objects.get()
        assert (entry.action, entry.object_id, entry.object_repr) == (LogEntry.Action.DELETE, gone.pk, f"#{gone.pk}")
        assert entry.changes == {"relatives": ["1", "0"], "visits": ["1", "0"], "turns": ["4", "0"]}

    def test_no_trace_is_left(self):
        gone = citizen()
        visit(gone)
        erase_citizens([gone])
        rows = everything(Citizen, Relative, DialogueSession, Turn, LogEntry)
        assert [secret for secret in (*SECRETS, "wechat-20661") if secret in rows] == []

    def test_somebody_was_faster(self):
        gone = citizen()
        Citizen.objects.all().delete()
        assert erase_citizens([gone]) == Erased()

    def test_what_can_not_be_read_can_be_erased(self, settings):
        gone = citizen()
        visit(gone)
        Citizen.objects.filter(pk=gone.pk).update(phone="")
        Turn.objects.update(text="")
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("UPDATE flows_citizen SET phone = 'damaged'")
            cursor.execute("UPDATE flows_relative SET id_card = 'damaged'")
            cursor.execute("UPDATE flows_turn SET text = 'damaged'")
            cursor.execute("UPDATE flows_dialoguesession SET draft = 'damaged'")
        erase_citizens([Citizen.objects.get()])
        assert not Citizen.objects.exists()
        assert not Turn.objects.exists()


SOUNDS = {
    "wav": (b"RIFF\x24\x00\x0a\x00WAVEfmt ", "audio/wav"),
    "ogg": (b"OggS\x00\x02", "audio/ogg"),
    "flac": (b"fLaC\x00", "audio/flac"),
    "webm": (b"\x1aE\xdf\xa3\x9f", "audio/webm"),
    "mp4": (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
    "amr": (b"#!AMR\n", "audio/amr"),
    "mp3 with tags": (b"ID3\x04", "audio/mpeg"),
    "mp3": (b"\xff\xfb\x90", "audio/mpeg"),
    "html": (b"<html><script>", "application/octet-stream"),
    "avi": (b"RIFF\x24\x00\x00\x00AVI LIST", "application/octet-stream"),
    "nothing": (b"", "application/octet-stream"),
}


@pytest.mark.parametrize(("sound", "name"), SOUNDS.values(), ids=SOUNDS.keys())
def test_media_types(sound, name):
    assert media_type(sound) == name
