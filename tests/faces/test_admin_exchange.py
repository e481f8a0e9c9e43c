"""Import and export of persons: who may, what comes out, what comes in, and what the audit log says of it."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from faces.exchange import neutralise, plain
from faces.models import Person
from tests.staff import admin_client, shown_text, staff_client

EXPORT = reverse("admin:faces_person_export")
IMPORT = reverse("admin:faces_person_import")
LIST = reverse("admin:faces_person_changelist")
CSV, XLSX = "0", "1"
EXPORTER = ("faces.view_person", "faces.export_person")
IMPORTER = ("faces.view_person", "faces.add_person", "faces.change_person", "faces.import_person", "faces.view_personal_data")

pytestmark = pytest.mark.django_db


def rows_of(response: HttpResponse) -> list[list[str]]:
    """The cells of an exported file."""
    if response["content-type"] == "text/csv":
        return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
    return [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)]


def as_csv(*rows: str, header: str = "number,name,user_type,consent") -> bytes:
    return "\r\n".join([header, *rows]).encode("utf-8-sig")


def as_xlsx(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in (("number", "name", "user_type", "consent"), *rows):
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def bring_in(client: Client, content: bytes, file_format: str = CSV) -> HttpResponse:
    return client.post(IMPORT, {"import_file": SimpleUploadedFile("list", content), "format": file_format}, follow=True)


@pytest.fixture
def person() -> Person:
    return Person.objects.create(
        name="欧阳娜娜", number="T0001", user_type="vip", consented_at=timezone.now(), consent_source="staff"
    )


class TestExport:
    @pytest.mark.parametrize("file_format", [pytest.param(CSV, id="csv"), pytest.param(XLSX, id="xlsx")])
    @pytest.mark.parametrize(
        ("permissions", "row"),
        [
            pytest.param(EXPORTER, ["T0*01", "欧**娜", "vip", "staff"], id="masked"),
            pytest.param((*EXPORTER, "faces.view_personal_data"), ["T0001", "欧阳娜娜", "vip", "staff"], id="unmasked"),
        ],
    )
    def test_what_comes_out(self, person: Person, permissions: tuple[str, ...], row: list[str], file_format: str) -> None:
        assert rows_of(staff_client(*permissions).post(EXPORT, {"format": file_format})) == [
            ["number", "name", "user_type", "consent"],
            row,
        ]

    @pytest.mark.parametrize(
        ("permissions", "status"),
        [
            pytest.param(EXPORTER, 200, id="may"),
            pytest.param(("faces.view_person", "faces.view_personal_data"), 403, id="sees-only"),
            pytest.param(("faces.export_person",), 403, id="does-not-see-persons"),
        ],
    )
    def test_permission(self, person: Person, permissions: tuple[str, ...], status: int) -> None:
        client = staff_client(*permissions)
        assert client.post(EXPORT, {"format": CSV}).status_code == status
        if "faces.view_person" in permissions:
            assert (EXPORT in client.get(LIST).content.decode()) is (status == 200)

    def test_it_is_noted(self, person: Person) -> None:
        staff_client(*EXPORTER).post(EXPORT, {"format": XLSX})
        entry = LogEntry.objects.get(action=LogEntry.Action.ACCESS)
        assert entry.additional_data == {
            "use": "export",
            "count": 1,
            "ids": [person.entity_id],
            "format": "xlsx",
            "unmasked": 0,
        }
        assert entry.actor.username == "staff"

    def test_only_what_the_list_shows(self, person: Person) -> None:
        Person.objects.create(name="李四", number="T0002")
        rows = rows_of(admin_client().post(f"{EXPORT}?user_type__exact=vip", {"format": CSV}))
        assert [row[0] for row in rows[1:]] == ["T0001"]

    @pytest.mark.parametrize("file_format", [pytest.param(CSV, id="csv"), pytest.param(XLSX, id="xlsx")])
    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")'])
    def test_nothing_is_a_formula(self, text: str, file_format: str) -> None:
        Person.objects.create(name=text, number="N" + text)
        rows = rows_of(admin_client().post(EXPORT, {"format": file_format}))
        assert rows[1][:2] == ["N" + text, "'" + text]

    def test_a_csv_opens_in_excel(self, person: Person) -> None:
        assert admin_client().post(EXPORT, {"format": CSV}).content.startswith("\ufeffnumber".encode())


@pytest.mark.parametrize("text", ["=1", "+86", "-", "@a", "'", "'a", "'=a", "", "张三"])
def test_neutralised_text_comes_back(text: str) -> None:
    assert plain(neutralise(text)) == (text if text != "'=a" else "=a")


class TestImport:
    def test_new_and_known_persons(self, person: Person) -> None:
        response = bring_in(admin_client(), as_csv("T0001,欧阳娜,,", "T0002,李四,employee,import", "T0003,王五,,"))
        assert response.redirect_chain[-1][0] == LIST
        found = {p.number: (p.name, p.user_type, p.consent_source, p.has_consent) for p in Person.objects.all()}
        assert found == {
            "T0001": ("欧阳娜", "vip", "staff", True),
            "T0002": ("李四", "employee", "import", True),
            "T0003": ("王五", "visitor", "", False),
        }

    def test_an_empty_consent_is_no_consent(self) -> None:
        Person.objects.create(name="张三", number="T0001")
        bring_in(admin_client(), as_csv("T0001,张三丰,,"))
        assert (Person.objects.get().name, Person.objects.get().has_consent) == ("张三丰", False)

    def test_a_spreadsheet(self) -> None:
        bring_in(admin_client(), as_xlsx((1001, "李四", "vip", None), (1002.0, "'=王五", None, None)), XLSX)
        assert {(p.number, p.name, p.user_type) for p in Person.objects.all()} == {
            ("1001", "李四", "vip"),
            ("1002", "=王五", "visitor"),
        }

    def test_what_was_exported_comes_back(self, person: Person) -> None:
        client = admin_client()
        exported = client.post(EXPORT, {"format": CSV}).content
        before = Person.objects.values().get()
        bring_in(client, exported)
        assert Person.objects.values().get() == before

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            pytest.param(as_csv("T9,赵六,president,"), "president", id="unknown-type"),
            pytest.param(as_csv("T9,赵六,,perhaps"), "perhaps", id="unknown-consent"),
            pytest.param(as_csv("T9,,,"), "name", id="no-name"),
            pytest.param(as_csv(",赵六,,"), "number", id="no-number"),
            pytest.param(as_csv("T9," + "赵" * 65 + ",,"), "64", id="long-name"),
            pytest.param(as_csv("T9,赵*,,"), "该值已脱敏", id="masked"),
            pytest.param(as_csv("T9,赵\u200b六,,"), "只能包含可显示的字符。", id="unprintable"),
            pytest.param(b"\xff\xfe\x00\x01", "读取文件时出错", id="not-utf-8"),
        ],
    )
    def test_all_or_nothing(self, person: Person, content: bytes, message: str) -> None:
        good = content.replace(b"\r\n", "\r\nT8,好人,,\r\n".encode(), 1)
        response = bring_in(admin_client(), good)
        assert response.status_code == 200
        assert message in shown_text(response.content.decode())
        assert Person.objects.count() == 1

    @pytest.mark.parametrize(
        "missing", ["faces.import_person", "faces.add_person", "faces.change_person", "faces.view_personal_data"]
    )
    def test_permission(self, missing: str) -> None:
        client = staff_client(*(permission for permission in IMPORTER if permission != missing))
        assert client.get(IMPORT).status_code == 403
        assert client.post(IMPORT, {"format": CSV}).status_code == 403
        assert IMPORT not in client.get(LIST).content.decode()

    def test_with_all_permissions(self) -> None:
        client = staff_client(*IMPORTER)
        assert IMPORT in client.get(LIST).content.decode()
        bring_in(client, as_csv("T0002,李四,,"))
        entry = LogEntry.objects.get(action=LogEntry.Action.CREATE, content_type__model="person")
        assert entry.actor.username == "staff"

    def test_no_file_is_left_on_the_server(self, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        bring_in(admin_client(), as_csv("T0002,李四,,"))
        assert Person.objects.count() == 1
        assert not list(tmp_path.iterdir())  # type: ignore[attr-defined]


def test_the_log_tells_nothing_personal(person: Person) -> None:
    client = admin_client()
    client.post(EXPORT, {"format": CSV})
    bring_in(client, as_csv("T0001,欧阳娜,,", "T0777,李四,,"))
    rows = str(list(LogEntry.objects.values_list()))
    for secret in ("欧阳娜", "李四", "T0001", "T0777"):
        assert secret not in rows
