"""Events in admin: a wall of pictures whose names only some may see, and what leaves the system."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from analytics.models import MediaDevice, RecognitionEvent
from faces.models import Person
from tests.staff import admin_client, shown_text, staff_client

pytestmark = pytest.mark.django_db

URL = "/admin/analytics/recognitionevent/"
VIEW, UNMASK, EXPORT = "analytics.view_recognitionevent", "faces.view_personal_data", "analytics.export_recognitionevent"


@pytest.fixture
def events():
    """A blacklisted person at the east gate, and a stranger at the west gate."""
    east, west = (MediaDevice.objects.create(name=name) for name in ("东门", "西门"))
    person = Person.objects.create(number="N1001", name="=王小明", user_type="blacklist")
    first = RecognitionEvent.objects.create(
        device=east,
        event_id="first",
        happened_at=timezone.now() - timedelta(days=3),
        score=82.5,
        person=person,
        user_type="blacklist",
    )
    first.face.save("f.jpg", ContentFile(b"\xff\xd8\xffface"))
    second = RecognitionEvent.objects.create(
        device=west, event_id="second", happened_at=timezone.now(), score=12, stranger_id="abcdef123456"
    )
    return first, second


def seen(client, query=""):
    return shown_text(client.get(f"{URL}{query}").content.decode())


def test_the_wall_of_pictures(events):
    page = seen(admin_client())
    assert all(text in page for text in ("=王小明", "黑名单", "东门", "82.5", "陌生人 abcdef", "西门"))
    assert LogEntry.objects.filter(action=LogEntry.Action.ACCESS, additional_data__use="list").exists()


def test_names_are_masked_for_who_may_not_see_them(events):
    client = staff_client(VIEW)
    for page in (seen(client), seen(client, f"{events[0].pk}/change/")):
        assert "王小明" not in page
        assert "N1001" not in page
    assert "东门" in seen(client)
    assert "first" not in seen(client, "?q=小明")
    assert "东门" not in seen(client, "?q=N100").partition("实时")[2].replace("东门 西门", "")


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        pytest.param("?user_type__exact=blacklist", "82.5", "abcdef", id="type"),
        pytest.param("?user_type__in=employee,stranger", "abcdef", "82.5", id="types, as the front page links them"),
        pytest.param("?q=小明", "82.5", "abcdef", id="name"),
        pytest.param("?q=abcdef123456", "abcdef", "82.5", id="stranger"),
    ],
)
def test_filters(events, query, shown, hidden):
    page = seen(admin_client(), query)
    assert shown in page
    assert hidden not in page


def test_filters_of_device_and_time(events):
    client = admin_client()
    assert "abcdef" not in seen(client, f"?device__id__exact={events[0].device_id}")
    today = timezone.localtime().strftime("%Y-%m-%d")
    page = seen(client, f"?happened_at_from_0={today}&happened_at_from_1=00:00:00")
    assert "abcdef" in page
    assert "82.5" not in page


@pytest.mark.parametrize(
    "lookup",
    ["person__name__startswith=王", "person__number__startswith=N1", "identity_name__startswith=王"],
    ids=["name", "number", "name as a box reported it"],
)
def test_nobody_is_guessed_by_lookups(events, lookup):
    assert staff_client(VIEW).get(f"{URL}?{lookup}").status_code in {302, 400}


class TestFace:
    def test_is_shown_to_who_may_see_events(self, events):
        answer = staff_client(VIEW).get(f"{URL}{events[0].pk}/face/")
        assert answer.content == b"\xff\xd8\xffface"
        assert "no-store" in answer["Cache-Control"]

    def test_is_not_shown_to_others(self, events):
        assert staff_client("analytics.view_mediadevice").get(f"{URL}{events[0].pk}/face/").status_code == 403

    def test_none(self, events):
        assert admin_client().get(f"{URL}{events[1].pk}/face/").status_code == 404


class TestExport:
    def rows(self, client, query=""):
        answer = client.get(f"{URL}export/{query}")
        assert answer.status_code == 200
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))

    def test_what_the_filters_leave(self, events):
        assert [row["event_id"] for row in self.rows(admin_client())] == ["second", "first"]
        (row,) = self.rows(admin_client("other"), "?user_type__exact=blacklist")
        assert (row["number"], row["device"], row["score"]) == ("N1001", "东门", "82.5")
        assert row["name"] == "'=王小明"  # no formula
        assert LogEntry.objects.filter(additional_data__use="export", additional_data__format="csv").count() == 2

    def test_masked(self, events):
        (_second, first) = self.rows(staff_client(VIEW, EXPORT))
        assert "小明" not in first["name"]
        assert "N1001" not in first["number"]

    def test_needs_its_permission(self, events):
        assert staff_client(VIEW, UNMASK).get(f"{URL}export/").status_code == 403


@pytest.mark.parametrize(
    ("permissions", "status"),
    [((VIEW, UNMASK), 200), ((VIEW,), 403), ((UNMASK,), 403)],
    ids=["may see events and names", "no names", "no events"],
)
def test_who_may_open_the_live_wall(events, permissions, status):
    answer = staff_client(*permissions).get(f"{URL}wall/")
    assert answer.status_code == status


def test_nothing_can_be_changed_or_added(events):
    client = admin_client()
    assert client.get(f"{URL}add/").status_code == 403
    client.post(f"{URL}{events[0].pk}/change/", {"score": 1})
    events[0].refresh_from_db()
    assert events[0].score == 82.5


def test_deleting_takes_the_face_along(events, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        admin_client().post(URL, {"action": "delete_selected", "_selected_action": [events[0].pk], "post": "yes"})
    assert list(RecognitionEvent.objects.values_list("event_id", flat=True)) == ["second"]
    assert not default_storage.exists(events[0].face.name)
