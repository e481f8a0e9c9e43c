"""Spreadsheets of citizens and services through admin's pages: out and in again, who may, and what is refused."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from flows.models import Citizen, ServiceItem
from flows.types import Origin
from tests.flows.factories import service_item
from tests.flows.records import PERSONAL, SPOUSE, citizen, id_number
from tests.staff import shown_text, staff_client

pytestmark = pytest.mark.django_db

CITIZENS, SERVICES = (reverse(f"admin:flows_{model}_import") for model in ("citizen", "serviceitem"))
CITIZEN_IMPORT = ("flows.view_citizen", "flows.import_citizen", "flows.view_citizen_personal_data")
SERVICE_IMPORT = ("flows.view_serviceitem", "flows.import_serviceitem", "flows.add_serviceitem", "flows.change_serviceitem")
CSV, XLSX = "0", "1"


def table(file_format: str, *rows: dict[str, Any]) -> bytes:
    header = list(rows[0])
    if file_format == CSV:
        text = io.StringIO()
        writer = csv.DictWriter(text, header)
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode("utf-8-sig")
    book = Workbook()
    book.active.append(header)
    for row in rows:
        book.active.append(list(row.values()))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def bring_in(client: Client, url: str, content: bytes, file_format: str = CSV) -> HttpResponse:
    return client.post(url, {"import_file": SimpleUploadedFile("list", content), "format": file_format}, follow=True)


def taken_out(client: Client, model: str, file_format: str) -> list[dict[str, Any]]:
    content = client.post(reverse(f"admin:flows_{model}_export"), {"format": file_format}).content
    if file_format == CSV:
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    header, *rows = load_workbook(io.BytesIO(content)).active.values
    return [dict(zip(header, row, strict=True)) for row in rows]


class TestCitizens:
    @pytest.fixture
    def importer(self) -> Client:
        return staff_client(*CITIZEN_IMPORT, "flows.export_citizen", username="importer")

    @pytest.mark.parametrize("file_format", [CSV, XLSX], ids=["csv", "xlsx"])
    def test_out_and_in_again(self, importer, file_format):
        plain = {"nationality": "汉", "religion": "无", "political_status": "党员"}
        of = citizen(**plain)
        rows = taken_out(importer, "citizen", file_format)
        of.delete()
        bring_in(importer, CITIZENS, table(file_format, *rows), file_format)
        again = Citizen.objects.get()
        assert {name: getattr(again, name) for name in PERSONAL} == PERSONAL | plain
        assert {name: getattr(again.relatives.get(), name) for name in SPOUSE} == SPOUSE

    @pytest.mark.parametrize("file_format", [CSV, XLSX], ids=["csv", "xlsx"])
    def test_changes_the_known_and_adds_the_unknown(self, importer, file_format):
        of = citizen(spouse=False)
        rows = [
            {"number": of.number, "name": "", "phone": "13900000001", "spouse_name": "诸葛明月"},
            {"number": "new-1", "name": "王小明", "phone": "", "spouse_name": ""},
        ]
        bring_in(importer, CITIZENS, table(file_format, *rows), file_format)
        of.refresh_from_db()
        assert (of.name, of.phone, of.relatives.get().name) == (PERSONAL["name"], "13900000001", "诸葛明月")
        assert Citizen.objects.get(number="new-1").name == "王小明"

    def test_is_in_the_audit_log_without_values(self, importer):
        of = citizen(spouse=False)
        LogEntry.objects.all().delete()
        bring_in(importer, CITIZENS, table(CSV, {"number": of.number, "phone": "13900000001"}))
        entry = LogEntry.objects.get(action=LogEntry.Action.UPDATE)
        assert (entry.actor.username, set(entry.changes)) == ("importer", {"phone"})
        assert "13900000001" not in str(entry.changes)

    @pytest.mark.parametrize(
        ("row", "said"),
        [
            pytest.param({"number": "x", "phone": "12"}, "phone", id="phone"),
            pytest.param({"number": "x", "id_card": "110101199003071239"}, "id_card", id="check-digit"),
            pytest.param({"number": "x", "birth": "1990-13-01"}, "birth", id="date"),
            pytest.param({"number": "x", "id_card": id_number(), "gender": "女"}, "gender", id="contradiction"),
            pytest.param({"number": "x", "spouse_id_card": "1"}, "spouse_id_card", id="relative"),
            pytest.param({"number": "x", "name": "欧**白"}, "name", id="masked"),
            pytest.param({"number": "y" * 65, "name": "王小明"}, "number", id="long-number"),
        ],
    )
    def test_bad_rows_change_nothing(self, importer, row, said):
        fine = {"number": "fine", **{name: "" for name in row if name != "number"}}
        page = bring_in(importer, CITIZENS, table(CSV, fine, row))
        assert not Citizen.objects.exists()
        assert said in shown_text(page.content.decode())

    def test_an_id_number_of_somebody_else(self, importer):
        of = citizen(spouse=False)
        bring_in(importer, CITIZENS, table(CSV, {"number": "thief", "id_card": of.id_card}))
        assert Citizen.objects.count() == 1

    @pytest.mark.parametrize("missing", CITIZEN_IMPORT)
    def test_who_may(self, missing):
        client = staff_client(*(name for name in CITIZEN_IMPORT if name != missing))
        assert client.get(CITIZENS).status_code == 403
        assert bring_in(client, CITIZENS, table(CSV, {"number": "x", "name": "王小明"})).status_code == 403
        assert not Citizen.objects.exists()


class TestServices:
    @pytest.fixture
    def manager(self) -> Client:
        return staff_client(*SERVICE_IMPORT, "flows.export_serviceitem", username="manager")

    @pytest.mark.parametrize("file_format", [CSV, XLSX], ids=["csv", "xlsx"])
    def test_out_and_in_again(self, manager, file_format):
        item = service_item("passport", aliases=["护照", "=1+1"], enabled=False, order=7)
        before = item.content() | {"enabled": item.enabled, "order": item.order}
        rows = taken_out(manager, "serviceitem", file_format)
        assert (rows[0]["code"], rows[0]["aliases"]) == ("passport", "护照\n'=1+1")
        ServiceItem.objects.all().delete()
        bring_in(manager, SERVICES, table(file_format, *rows), file_format)
        again = ServiceItem.objects.get()
        assert again.content() | {"enabled": again.enabled, "order": again.order} == before
        assert again.origin is Origin.OWN

    def test_changes_the_known(self, manager):
        item = service_item("passport")
        row = {"code": "passport", "fee": "120元", "name": "", "aliases": "护照本\n通行证", "family_questions": "-"}
        bring_in(manager, SERVICES, table(CSV, row))
        before, item = item, ServiceItem.objects.get()
        assert (item.fee, item.aliases, item.family_questions) == ("120元", ["护照本", "通行证"], [])
        assert (item.name, item.guidance, item.enabled) == (before.name, before.guidance, True)
        assert LogEntry.objects.filter(actor__username="manager", content_type__model="serviceitem").exists()

    @pytest.mark.parametrize(
        "row",
        [
            pytest.param({"code": "two words", "name": "甲"}, id="code"),
            pytest.param({"code": "new", "name": "甲"}, id="incomplete"),
            pytest.param({"code": "passport", "required_slots": "shoe_size"}, id="slot"),
            pytest.param({"code": "passport", "name": "户口"}, id="taken-name"),
            pytest.param({"code": "passport", "order": "many"}, id="order"),
        ],
    )
    def test_bad_rows_change_nothing(self, manager, row):
        service_item("passport")
        service_item("hukou", name="户口")
        fine = {"code": "hukou", "department": "另一个", **{name: "" for name in row if name != "code"}}
        bring_in(manager, SERVICES, table(CSV, fine, {"department": "", **row}))
        assert set(ServiceItem.objects.values_list("code", "name", "department")) == {
            ("passport", "passport事项", "公安机关"),
            ("hukou", "户口", "公安机关"),
        }

    @pytest.mark.parametrize("missing", SERVICE_IMPORT[1:])
    def test_who_may(self, missing):
        assert staff_client(*(name for name in SERVICE_IMPORT if name != missing)).get(SERVICES).status_code == 403
