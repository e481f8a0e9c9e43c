"""What is kept of citizens, how it is masked, and that no personal word gets where none belongs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from flows.disclosure import Disclosure, in_words
from flows.models import Citizen, DialogueSession, Relative, Turn
from flows.types import FamilyMember, Slot
from kiosk.runtime.masking import mask_address, mask_email, mask_given, mask_id_card, mask_phone
from tests.flows.records import PERSONAL, SECRETS, SPOUSE, citizen, visit

pytestmark = pytest.mark.django_db

CLEAR = {PERSONAL["name"], PERSONAL["career"], SPOUSE["name"]}
"""Columns of their own, by which lists are searched and sorted: kept as they are."""


def everything(*models: type[Model]) -> str:
    """Every column of these tables as text."""
    with connection.cursor() as cursor:
        rows = []
        for model in models:
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")
            rows += cursor.fetchall()
    return str(rows)


def busy_day() -> Citizen:
    """Creates, changes and deletes every kind of row."""
    made = citizen()
    stored = visit(made)
    made.phone, made.address, made.name = "13987654321", "湖南省长沙市岳麓区橘子洲路3号", "司马青衫"
    made.save()
    relative = made.relatives.get()
    relative.name, relative.id_card = "公孙大娘", ""
    relative.save()
    stored.review_note = f"电话应为{made.phone}"
    stored.draft = {"citizen": {"phone": made.phone}}
    stored.save()
    turn = stored.turns.get(position=1)
    turn.text, turn.slot = f"不对，是{made.phone}", "career"
    turn.save()
    visit(citizen("gone", id_card=""), turns=1).delete()
    Citizen.objects.get(number="gone").delete()
    return made


MORE = ("13987654321", "橘子洲", "司马青衫", "公孙大娘")


class TestNothingInClear:
    def test_in_the_audit_log(self):
        busy_day()
        log = everything(LogEntry)
        assert LogEntry.objects.count() > 8
        assert [secret for secret in (*SECRETS, *MORE) if secret in log] == []
        assert "wechat-20661" not in log

    def test_in_the_columns(self):
        busy_day()
        assert everything(Citizen).count("gAAAA") == 7
        rows = everything(Citizen, Relative, DialogueSession, Turn)
        assert [secret for secret in (*SECRETS, *MORE) if secret in rows and secret not in {*CLEAR, "司马青衫", "公孙大娘"}] == []

    @pytest.mark.django_db(transaction=True)
    def test_in_the_files_of_the_database(self):
        """Also not in its write-ahead log, which holds what was overwritten."""
        if connection.vendor != "sqlite":
            pytest.skip("looks into SQLite's own files")
        busy_day()
        path = Path(connection.settings_dict["NAME"])
        content = b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))
        assert b"SQLite format 3" in content
        assert "司马青衫".encode() in content, "names are searched, and stand in clear"
        hidden = [secret for secret in (*SECRETS, *MORE) if secret not in {*CLEAR, "司马青衫", "公孙大娘"}]
        assert [secret for secret in hidden if secret.encode() in content] == []

    @pytest.mark.parametrize("made", [citizen, lambda: visit(None, turns=2)], ids=["citizen", "visit"])
    def test_in_reprs(self, made):
        made()
        rows = [*Citizen.objects.all(), *Relative.objects.all(), *DialogueSession.objects.all(), *Turn.objects.all()]
        shown = str(rows) + str([str(row) for row in rows])
        assert [secret for secret in SECRETS if secret in shown] == []


class TestAuditLog:
    def test_says_which_fields_and_not_what(self):
        made = citizen(spouse=False, email="")
        LogEntry.objects.all().delete()
        made.phone, made.email, made.religion = "13900000000", "a@b.cn", ""
        made.save()
        entry = LogEntry.objects.get()
        assert entry.changes == {"phone": ["***", "***"], "email": ["", "***"], "religion": ["***", ""]}
        assert entry.object_repr == f"#{made.pk}"

    def test_what_is_said_is_no_entry_and_a_change_of_it_is(self):
        stored = visit(None)
        assert [entry.action for entry in LogEntry.objects.all()] == [LogEntry.Action.CREATE]
        turn = stored.turns.get(position=1)
        turn.text = "x"
        turn.slot = "name"
        turn.save()
        assert LogEntry.objects.latest("pk").changes == {"slot": ["phone", "name"]}

    @pytest.mark.parametrize("model", [Citizen, Relative, DialogueSession, Turn])
    def test_names_the_fields_it_follows(self, model):
        """A new column is not followed before somebody decided how."""
        followed = auditlog.get_model_fields(model)
        assert followed["include_fields"]
        assert not {"draft", "summary", "review_note", "text", "audio", "key"} & set(followed["include_fields"])
        personal = {"number", "user_id", "name", "id_card", *Slot.values} & set(followed["include_fields"])
        assert personal <= set(followed["mask_fields"]) or model is Turn


MASKS = {
    "phone": (mask_phone, "13800138000", "138****8000"),
    "phone with country": (mask_phone, "+8613800138000", "+86*******8000"),
    "short phone": (mask_phone, "12345", "12*45"),
    "no phone": (mask_phone, "", ""),
    "ID number": (mask_id_card, "110101199003071234", "110101********1234"),
    "old ID number": (mask_id_card, "110101900307123", "110101*****7123"),
    "passport": (mask_id_card, "E12345678", "E1*****78"),
    "address": (mask_address, "广东省广州市番禺区广东工业大学西二-803", "广东省广州市***"),
    "municipality": (mask_address, "北京市朝阳区建国路1号", "北京市***"),
    "autonomous region": (mask_address, "广西壮族自治区南宁市青秀区民族大道", "广西壮族自治区南宁市***"),
    "prefecture": (mask_address, "四川凉山彝族自治州西昌市月城路", "四川凉山彝族自治州***"),
    "city alone": (mask_address, "深圳市南山区科技园", "深圳市***"),
    "county-level city": (mask_address, "江苏省苏州市昆山市前进路", "江苏省苏州市***"),
    "no city": (mask_address, "番禺区沙市路3号", "***"),
    "name in front": (mask_address, "张三的家在城市花园", "***"),
    "no address": (mask_address, "", ""),
    "e-mail": (mask_email, "zhangsan@qq.com", "z***@qq.com"),
    "no e-mail": (mask_email, "", ""),
    "not an e-mail": (mask_email, "zhangsan", "***"),
    "given": (mask_given, "x", "***"),
    "not given": (mask_given, "", ""),
    "nothing": (mask_given, "None", ""),
}


@pytest.mark.parametrize(("mask", "value", "shown"), MASKS.values(), ids=MASKS.keys())
def test_masks(mask, value, shown):
    assert mask(value) == shown


SHOWN = {
    Slot.NAME: "欧**白",
    Slot.GENDER: "男",
    Slot.NATIONALITY: "汉族",
    Slot.PHONE: "138****5678",
    Slot.ID_CARD: f"110101********{PERSONAL['id_card'][-4:]}",
    Slot.NATIVE_PLACE: "北京市东城区",
    Slot.BIRTH: "1990-**-**",
    Slot.EMAIL: "m***@example.cn",
    Slot.CAREER: "钢琴调律师",
    Slot.ADDRESS: "广东省广州市***",
    Slot.HUKOU: "北京市***",
    Slot.POLITICAL_STATUS: "***",
    Slot.MARITAL_STATUS: "已婚",
    Slot.RELIGION: "***",
    Slot.EDUCATION: "本科",
}


@pytest.mark.parametrize("slot", Slot)
def test_disclosure(slot):
    made = Citizen.objects.get(pk=citizen().pk)
    assert Disclosure(unmasked=False).of(made, slot) == SHOWN[slot]
    assert Disclosure(unmasked=True).of(made, slot) == in_words(PERSONAL[slot.value])


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, ""), (True, "已婚"), (False, "未婚"), (date(1990, 3, 7), "1990-03-07"), ("1990-03-07", "1990-03-07"), ("", "")],
)
def test_words(value, words):
    assert in_words(value) == words


CONSTRAINTS = {
    "no number": lambda: citizen(""),
    "an unknown gender": lambda: citizen(gender="X"),
    "an ID number without its index": lambda: Citizen.objects.filter(pk=citizen().pk).update(id_card_index=None),
    "an index without its ID number": lambda: Citizen.objects.filter(pk=citizen().pk).update(id_card=""),
    "two spouses": lambda: Relative.objects.create(citizen=citizen(), relation=FamilyMember.SPOUSE),
    "an unknown relation": lambda: Relative.objects.create(citizen=citizen(), relation="friend"),
}


@pytest.mark.parametrize("wrong", CONSTRAINTS.values(), ids=CONSTRAINTS.keys())
def test_the_database_refuses(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        wrong()
