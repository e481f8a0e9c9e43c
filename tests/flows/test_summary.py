"""The summary: rows, columns, and what staff have corrected since."""

from __future__ import annotations

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User

from flows.corrections import Corrections
from flows.dialogue.summary import summarise
from flows.models import Citizen, DialogueSession, Relative
from flows.review import correct
from flows.types import FamilyMember, Slot
from tests.flows.conftest import ANSWERS, USER, talk

pytestmark = pytest.mark.django_db

COLUMNS = ["relation", "name", "age", *(slot.value for slot in Slot if slot is not Slot.NAME)]


def summary_body(token):
    return {"user_id": USER, "type": "summary", "hash": token}


@pytest.fixture
def stored(visit, flow_post):
    """Makes a stored visit; the hash."""

    def make(text="我要领结婚证", **changes):
        token = visit(text)
        talk(token, **changes)
        body = flow_post("/storage", {"user_id": USER, "type": "storage", "hash": token})
        assert body["type"] == "storage"
        return token

    return make


def test_one_row_for_the_citizen(stored, flow_post):
    token = stored("我要办身份证")
    body = flow_post("/summary", summary_body(token))
    output = body.pop("output")
    assert body == summary_body(token)
    assert set(output) == {"header", "tables", "classify", "flow"}
    assert output["classify"] == "身份证"
    assert output["flow"].startswith("办理身份证呢")
    (row,) = output["tables"]
    assert (row["relation"], row["name"], row["phone"], row["address"]) == ("本人", "张三", "13800138000", ANSWERS["address"])
    assert row["education"] is None


def test_every_summary_is_in_the_audit_log(stored, flow_post):
    token = stored("我要办身份证")
    seen = LogEntry.objects.filter(action=LogEntry.Action.ACCESS, object_id=Citizen.objects.get().pk)
    assert not seen.exists()
    flow_post("/summary", summary_body(token))
    flow_post("/summary", summary_body(token))
    assert seen.count() == 2


def test_header_and_rows_have_the_same_columns(stored, flow_post):
    output = flow_post("/summary", summary_body(stored()))["output"]
    assert [column["key"] for column in output["header"]] == COLUMNS
    assert [column["label"] for column in output["header"]][:5] == ["关系", "姓名", "年龄", "性别", "民族"]
    assert [list(row) for row in output["tables"]] == [COLUMNS, COLUMNS]


def test_a_relatives_row_has_what_the_id_number_tells(stored, flow_post):
    output = flow_post("/summary", summary_body(stored()))["output"]
    spouse = output["tables"][1]
    assert (spouse["relation"], spouse["name"], spouse["gender"]) == ("配偶", "李丽", "女")
    assert spouse["age"] >= 34
    assert spouse["phone"] is None


FAMILIES = {
    "unknown": ({"spouse.name": "不知道", "spouse.id_card": "不知道"}, [("本人", "张三"), ("配偶", None)]),
    "none": ({"spouse.name": "没有"}, [("本人", "张三")]),
}


@pytest.mark.parametrize(("changes", "rows"), FAMILIES.values(), ids=FAMILIES.keys())
def test_relatives_who_are_missing(stored, flow_post, changes, rows):
    output = flow_post("/summary", summary_body(stored(**changes)))["output"]
    assert [(row["relation"], row["name"]) for row in output["tables"]] == rows


def test_relatives_of_another_service_are_not_shown(stored, flow_post):
    stored()
    assert len(flow_post("/summary", summary_body(stored("我要办身份证")))["output"]["tables"]) == 1
    assert Relative.objects.count() == 1


def test_the_state_changes_once(stored, flow_post):
    token = stored()
    first = flow_post("/summary", summary_body(token))
    seen = DialogueSession.objects.get()
    assert (seen.state, seen.summarised_at is not None) == ("summarised", True)
    assert flow_post("/summary", summary_body(token)) == first
    assert DialogueSession.objects.get().summarised_at == seen.summarised_at


def test_corrections_of_staff_are_shown(stored, flow_post):
    token = stored()
    before = flow_post("/storage", {"user_id": USER, "type": "storage", "hash": token})
    staff = User.objects.create_superuser("staff")
    corrections = Corrections({Slot.PHONE: "13900139000"}, {FamilyMember.SPOUSE: {Slot.NAME: "王芳"}})
    correct(DialogueSession.objects.get(), staff, corrections)
    tables = flow_post("/summary", summary_body(token))["output"]["tables"]
    assert (tables[0]["phone"], tables[1]["name"]) == ("13900139000", "王芳")
    assert flow_post("/storage", {"user_id": USER, "type": "storage", "hash": token}) == before


def test_a_citizen_who_was_erased(stored, flow_post):
    token = stored()
    Citizen.objects.all().delete()
    body = flow_post("/summary", summary_body(token))
    assert (body["type"], "已被删除" in body["detail"]) == ("error", True)


def test_few_queries(stored, django_assert_max_num_queries):
    token = stored()
    # One of them is the entry of the audit log.
    with django_assert_max_num_queries(6):
        summarise(USER, token)
    with django_assert_max_num_queries(3):
        summarise(USER, token)
