"""Staff at the citizens: who sees how much, finding, exporting, erasing; through admin's pages."""

from __future__ import annotations

import csv
import io

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from faces.models import Person
from flows.models import Citizen, DialogueSession, Relative, Turn
from kiosk.runtime.access import Use
from tests.flows.records import PERSONAL, SECRETS, SPOUSE, citizen, id_number, visit
from tests.staff import admin_client, shown_text, staff_client

pytestmark = pytest.mark.django_db

LIST = reverse("admin:flows_citizen_changelist")
EXPORT = reverse("admin:flows_citizen_export")
VIEW, UNMASK = "flows.view_citizen", "flows.view_citizen_personal_data"
HIDDEN = [secret for secret in SECRETS if secret != PERSONAL["career"]]
"""What a member of staff without the permission must not find on any page."""


@pytest.fixture
def masked() -> Client:
    return staff_client(VIEW, username="masked")


@pytest.fixture
def unmasked() -> Client:
    return staff_client(VIEW, UNMASK, username="unmasked")


def page_of(made: Citizen) -> str:
    return reverse("admin:flows_citizen_change", args=[made.pk])


def listed(response) -> list[str]:
    return sorted(row.number for row in response.context["cl"].result_list)


class TestPages:
    @pytest.mark.parametrize("path", ["list", "page"])
    def test_masked(self, masked, path):
        made = citizen()
        visit(made)
        html = masked.get(LIST if path == "list" else page_of(made)).content.decode()
        assert [secret for secret in (*HIDDEN, "wechat-20661", "1990-03-07") if secret in html] == []
        text = shown_text(html)
        assert "欧**白" in text
        assert "138****5678" in text
        assert f"110101********{PERSONAL['id_card'][-4:]}" in text

    @pytest.mark.parametrize("path", ["list", "page"])
    def test_unmasked(self, unmasked, path):
        made = citizen()
        text = shown_text(unmasked.get(LIST if path == "list" else page_of(made)).content.decode())
        shown = SECRETS if path == "page" else (PERSONAL["name"], PERSONAL["phone"], PERSONAL["id_card"])
        assert [secret for secret in shown if secret not in text] == []

    def test_the_page_has_the_record_the_relatives_and_the_visits(self, unmasked):
        person = Person.objects.create(name="欧阳慕白", number="p1")
        made = citizen(person=person)
        stored = visit(made)
        html = unmasked.get(page_of(made)).content.decode()
        assert reverse("admin:faces_person_change", args=[person.pk]) in html
        assert reverse("admin:flows_dialoguesession_change", args=[stored.pk]) in html
        text = shown_text(html)
        assert SPOUSE["name"] in text
        assert "配偶" in text
        assert "已婚" in text
        assert "护照办理" in text

    @pytest.mark.parametrize("object_id", ["0", "999999", "x", "1_2", "-1", "%00", "9" * 40])
    def test_no_such_citizen(self, unmasked, object_id):
        url = reverse("admin:flows_citizen_changelist") + f"{object_id}/change/"
        assert unmasked.get(url).status_code in {302, 404}

    @pytest.mark.parametrize("permissions", [(), (UNMASK,)], ids=["none", "unmask-only"])
    def test_without_the_permission(self, permissions):
        client = staff_client(*permissions)
        made = citizen()
        assert client.get(LIST).status_code == 403
        assert client.get(page_of(made)).status_code == 403

    def test_nobody_edits_or_adds(self):
        client, made = admin_client(), citizen()
        assert client.post(page_of(made), {"name": "别人"}).status_code == 403
        assert client.get(reverse("admin:flows_citizen_add")).status_code == 403
        assert Citizen.objects.get().name == PERSONAL["name"]

    def test_a_value_that_can_not_be_decrypted(self, unmasked):
        made = citizen()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE flows_citizen SET phone = 'gAAAAAdamaged'")
            cursor.execute("UPDATE flows_relative SET id_card = 'gAAAAAdamaged'")
        for url in (LIST, page_of(made)):
            response = unmasked.get(url)
            assert response.status_code == 200
            assert "（无法解密）" in shown_text(response.content.decode())
            assert PERSONAL["name"] in response.content.decode()

    @pytest.mark.parametrize("client_name", ["masked", "unmasked"])
    def test_queries_do_not_grow_with_rows(self, client_name, request):
        client = request.getfixturevalue(client_name)
        person = Person.objects.create(name="甲", number="p1")
        visit(citizen("n0", id_card="", person=person))
        client.get(LIST)
        with CaptureQueriesContext(connection) as few:
            client.get(LIST)
        for index in range(1, 15):
            visit(citizen(f"n{index}", id_card=""))
        with CaptureQueriesContext(connection) as many:
            client.get(LIST)
        assert len(many) == len(few)

    def test_queries_of_a_page_do_not_grow_with_visits(self, unmasked):
        made = citizen()
        visit(made)
        unmasked.get(page_of(made))
        with CaptureQueriesContext(connection) as few:
            unmasked.get(page_of(made))
        for _ in range(10):
            visit(made, turns=5)
        with CaptureQueriesContext(connection) as many:
            unmasked.get(page_of(made))
        assert len(many) == len(few)


SEARCHES = {
    "whole name": ("欧阳慕白", True, True),
    "part of the name": ("慕白", True, False),
    "whole number": ("wechat-20661", True, True),
    "part of the number": ("20661", True, False),
    "ID number": (PERSONAL["id_card"], True, True),
    "ID number with blanks": (f" {PERSONAL['id_card'][:6]} {PERSONAL['id_card'][6:]} ", True, True),
    "part of the ID number": (PERSONAL["id_card"][:10], False, False),
    "phone": (PERSONAL["phone"], False, False),
    "nobody": ("王五", False, False),
    "blank": ("   ", True, True),
}


class TestFinding:
    @pytest.mark.parametrize(("text", "found", "found_masked"), SEARCHES.values(), ids=SEARCHES.keys())
    def test_search(self, masked, unmasked, text, found, found_masked):
        citizen()
        assert bool(listed(unmasked.get(LIST, {"q": text}))) is found
        assert bool(listed(masked.get(LIST, {"q": text}))) is found_masked

    def test_an_id_number_that_ends_in_x(self, unmasked):
        number = next(made for order in range(100, 999) if (made := id_number("19900307", str(order))).endswith("X"))
        citizen(id_card=number)
        assert listed(unmasked.get(LIST, {"q": number.lower()}))

    @pytest.mark.parametrize(
        "query",
        [
            "name__startswith=欧",
            "number=wechat-20661",
            "birth__year=1990",
            "relatives__name=诸葛明月",
            "id_card_index__startswith=a",
        ],
    )
    def test_masked_lists_can_not_be_narrowed_down(self, masked, query):
        citizen()
        response = masked.get(f"{LIST}?{query}")
        assert response.status_code in {302, 400}

    @pytest.mark.parametrize(("query", "number"), [("person__isempty=0", "with"), ("person__isempty=1", "without")])
    def test_by_face(self, masked, query, number):
        citizen("with", person=Person.objects.create(name="甲", number="p1"))
        citizen("without", id_card="")
        assert listed(masked.get(f"{LIST}?{query}")) == [number]


class TestAudit:
    def entries(self) -> list[LogEntry]:
        return list(LogEntry.objects.filter(action=LogEntry.Action.ACCESS, content_type__model="citizen"))

    def test_unmasked_lists_and_pages_are_noted(self, unmasked):
        made = citizen()
        unmasked.get(LIST)
        (entry,) = self.entries()
        assert (entry.actor.username, entry.additional_data) == (
            "unmasked",
            {"use": Use.LIST.value, "count": 1, "ids": [str(made.pk)]},
        )
        unmasked.get(page_of(made))
        assert [entry.object_pk for entry in self.entries()] == [str(made.pk), ""]

    def test_masked_ones_are_not(self, masked):
        made = citizen()
        masked.get(LIST)
        masked.get(page_of(made))
        assert self.entries() == []


class TestExport:
    def rows(self, client: Client, file_format: int) -> list[dict[str, str]]:
        response = client.post(EXPORT, {"format": file_format})
        assert response.status_code == 200
        if file_format == 0:
            return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
        header, *rows = load_workbook(io.BytesIO(response.content)).active.values
        return [dict(zip(header, ("" if cell is None else cell for cell in row), strict=True)) for row in rows]

    @pytest.mark.parametrize("file_format", [0, 1], ids=["csv", "xlsx"])
    def test_unmasked(self, file_format):
        citizen()
        citizen("empty", spouse=False, **dict.fromkeys(PERSONAL, "") | {"birth": None, "marital_status": None})
        client = staff_client(VIEW, UNMASK, "flows.export_citizen")
        full, empty = self.rows(client, file_format)
        assert set(empty.values()) == {"", "empty"}
        expected = PERSONAL | {"birth": "1990-03-07", "marital_status": "已婚", "number": "wechat-20661"}
        assert {name: full[name] for name in expected} == expected
        assert (full["spouse_name"], full["spouse_id_card"], full["child_name"]) == (*SPOUSE.values(), "")

    @pytest.mark.parametrize("file_format", [0, 1], ids=["csv", "xlsx"])
    def test_masked(self, file_format):
        citizen()
        (row,) = self.rows(staff_client(VIEW, "flows.export_citizen"), file_format)
        assert [secret for secret in (*HIDDEN, "wechat-20661") if secret in str(row)] == []
        assert row["name"] == "欧**白"

    def test_no_formula(self):
        citizen(career="=HYPERLINK(1)", name="@x")
        (row,) = self.rows(staff_client(VIEW, UNMASK, "flows.export_citizen"), 0)
        assert (row["career"], row["name"]) == ("'=HYPERLINK(1)", "'@x")

    def test_what_can_not_be_decrypted_says_so(self):
        citizen()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE flows_citizen SET phone = 'gAAAAAdamaged'")
        (row,) = self.rows(staff_client(VIEW, UNMASK, "flows.export_citizen"), 0)
        assert row["phone"] == "（无法解密）"

    def test_is_noted(self):
        made = citizen()
        self.rows(staff_client(VIEW, UNMASK, "flows.export_citizen"), 0)
        entry = LogEntry.objects.get(action=LogEntry.Action.ACCESS)
        details = {"use": Use.EXPORT.value, "count": 1, "format": "csv", "unmasked": 1, "ids": [str(made.pk)]}
        assert entry.additional_data == details

    def test_the_list_that_is_shown_is_exported(self):
        citizen("a", id_card="", name="张三")
        citizen("b", id_card="", name="李四")
        client = staff_client(VIEW, UNMASK, "flows.export_citizen")
        response = client.post(f"{EXPORT}?q=张三", {"format": 0})
        assert "张三" in response.content.decode("utf-8-sig")
        assert "李四" not in response.content.decode("utf-8-sig")

    @pytest.mark.parametrize("permissions", [(VIEW, UNMASK), ("flows.export_citizen",)], ids=["no-export", "no-view"])
    def test_without_the_permission(self, permissions):
        citizen()
        assert staff_client(*permissions).post(EXPORT, {"format": 0}).status_code == 403

    def test_queries_do_not_grow_with_rows(self):
        client = staff_client(VIEW, UNMASK, "flows.export_citizen")
        citizen()
        client.post(EXPORT, {"format": 0})
        with CaptureQueriesContext(connection) as few:
            client.post(EXPORT, {"format": 0})
        for index in range(20):
            citizen(f"n{index}", id_card="")
        with CaptureQueriesContext(connection) as many:
            client.post(EXPORT, {"format": 0})
        assert len(many) == len(few)


class TestErasure:
    @pytest.fixture
    def eraser(self) -> Client:
        return staff_client(VIEW, "flows.delete_citizen", username="eraser")

    def test_one(self, eraser):
        made = citizen()
        visit(made, turns=4)
        url = reverse("admin:flows_citizen_delete", args=[made.pk])
        text = shown_text(eraser.get(url).content.decode())
        for line in ("群众: 1", "家庭成员: 1", "办理记录: 1", "对话轮次: 4", "已录入的人脸不会删除"):
            assert line in text
        assert eraser.post(url, {"post": "yes"}).status_code == 302
        assert not any(model.objects.exists() for model in (Citizen, Relative, DialogueSession, Turn))
        entry = LogEntry.objects.get(action=LogEntry.Action.DELETE)
        assert (entry.actor.username, entry.object_id) == ("eraser", made.pk)
        assert entry.changes == {"relatives": ["1", "0"], "visits": ["1", "0"], "turns": ["4", "0"]}

    def test_several(self, eraser):
        made = [citizen("a", id_card=""), citizen("b", id_card=""), citizen("c", id_card="")]
        for one in made:
            visit(one)
        data = {"action": "delete_selected", "_selected_action": [made[0].pk, made[1].pk], "post": "yes"}
        assert eraser.post(LIST, data).status_code == 302
        assert list(Citizen.objects.all()) == [made[2]]
        assert DialogueSession.objects.count() == 1
        assert LogEntry.objects.filter(action=LogEntry.Action.DELETE).count() == 2

    def test_without_the_permission(self, masked):
        made = citizen()
        assert masked.post(reverse("admin:flows_citizen_delete", args=[made.pk]), {"post": "yes"}).status_code == 403
        masked.post(LIST, {"action": "delete_selected", "_selected_action": [made.pk], "post": "yes"})
        assert Citizen.objects.exists()
