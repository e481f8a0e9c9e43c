"""Staff at the visits: finding those that wait, reading what was said, deciding; through admin's pages."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from auditlog.models import LogEntry
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from flows.models import Citizen, DialogueSession, Turn
from flows.types import ReviewState, SessionState
from tests.flows.factories import service_item
from tests.flows.records import PERSONAL, SECRETS, SPOUSE, citizen, id_number, visit
from tests.staff import admin_client, shown_text, staff_client

pytestmark = pytest.mark.django_db

LIST = reverse("admin:flows_dialoguesession_changelist")
VIEW, UNMASK, REVIEW = "flows.view_dialoguesession", "flows.view_citizen_personal_data", "flows.review_dialoguesession"
DAMAGE = "gAAAAAdamaged"


@pytest.fixture
def reader() -> Client:
    return staff_client(VIEW, UNMASK, username="reader")


@pytest.fixture
def masked() -> Client:
    return staff_client(VIEW, username="masked")


@pytest.fixture
def reviewer() -> Client:
    return staff_client(VIEW, UNMASK, REVIEW, username="lin")


def page_of(made: DialogueSession) -> str:
    return reverse("admin:flows_dialoguesession_change", args=[made.pk])


class _Fields(HTMLParser):
    """What a browser would post: every input, select and textarea of the page's form."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._select = self._textarea = ""

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "input" and given.get("name"):
            self.values[given["name"]] = given.get("value") or ""
        elif tag == "select":
            self._select = given["name"]
            self.values.setdefault(self._select, "")
        elif tag == "option" and self._select and "selected" in given:
            self.values[self._select] = given.get("value") or ""
        elif tag == "textarea":
            self._textarea = given["name"]
            self.values[self._textarea] = ""

    def handle_endtag(self, tag):
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""

    def handle_data(self, data):
        if self._textarea:
            self.values[self._textarea] += data.removeprefix("\n")


def fields(client: Client, made: DialogueSession) -> dict[str, str]:
    """The review form of a visit as the page has it."""
    html = client.get(page_of(made)).content.decode()
    reader = _Fields()
    reader.feed(html[html.index('<form method="post" autocomplete="off">') :].partition("</form>")[0])
    return {name: value for name, value in reader.values.items() if name != "csrfmiddlewaretoken"}


def decide(client: Client, made: DialogueSession, decision: str, **changes: str):
    """Presses a button of the form, with some fields changed; "__" in a name stands for the dot."""
    changed = {name.replace("__", "."): value for name, value in changes.items()}
    return client.post(page_of(made), {**fields(client, made), **changed, "decision": decision}, follow=True)


class TestList:
    FILTERS = {
        "waiting": ("review_state__exact=pending", {"waiting"}),
        "approved": ("review_state__exact=approved", {"approved"}),
        "asking": ("state__exact=asking", {"asking"}),
        "service": ("service__id__exact={service}", {"waiting"}),
        "today": ("created_at__gte={today}", {"waiting", "approved", "asking"}),
        "name": ("q=欧阳", {"waiting", "approved"}),
        "number": ("q=wechat-unknown", {"asking"}),
        "classification": ("q=护照", {"waiting", "approved", "asking"}),
        "nobody": ("q=王五", set()),
    }

    @pytest.mark.parametrize(("query", "found"), FILTERS.values(), ids=FILTERS.keys())
    def test_filters(self, reader, query, found):
        of, item = citizen(), service_item()
        made = {
            "waiting": visit(of, service=item),
            "approved": visit(of, review_state=ReviewState.APPROVED, reviewed_at=timezone.now()),
            "asking": visit(None),
        }
        today = (timezone.localtime() - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S%z").replace("+", "%2B")
        rows = reader.get(f"{LIST}?{query.format(service=item.pk, today=today)}").context["cl"].result_list
        assert {row.pk for row in rows} == {made[name].pk for name in found}

    def test_masked(self, masked):
        visit(citizen())
        html = masked.get(LIST).content.decode()
        assert [secret for secret in (*SECRETS, "wechat-20661") if secret in html] == []
        assert "欧**白" in shown_text(html)
        assert not LogEntry.objects.filter(action=LogEntry.Action.ACCESS).exists()

    def test_unmasked_is_noted(self, reader):
        made = visit(citizen())
        assert PERSONAL["name"] in shown_text(reader.get(LIST).content.decode())
        entry = LogEntry.objects.get(action=LogEntry.Action.ACCESS)
        assert (entry.content_type.model, entry.additional_data["ids"]) == ("dialoguesession", [str(made.pk)])

    @pytest.mark.parametrize(("text", "found"), [("欧阳慕白", 1), ("欧阳", 0), ("wechat-20661", 1), ("wechat", 0), ("护照", 1)])
    def test_masked_search_takes_whole_names(self, masked, text, found):
        visit(citizen())
        assert len(masked.get(LIST, {"q": text}).context["cl"].result_list) == found

    @pytest.mark.parametrize("query", ["citizen__name__startswith=欧", "user_id=wechat-20661", "citizen__birth__year=1990"])
    def test_masked_lists_can_not_be_narrowed_down(self, masked, query):
        visit(citizen())
        assert masked.get(f"{LIST}?{query}").status_code in {302, 400}

    def test_queries_do_not_grow_with_rows(self, reader):
        item = service_item()
        visit(citizen("n0", id_card=""), service=item)
        reader.get(LIST)
        with CaptureQueriesContext(connection) as few:
            reader.get(LIST)
        for index in range(1, 15):
            visit(citizen(f"n{index}", id_card=""), turns=5, service=item)
        with CaptureQueriesContext(connection) as many:
            reader.get(LIST)
        assert len(many) == len(few)
        assert not any('"draft"' in query["sql"] for query in many)

    @pytest.mark.parametrize("permissions", [(), (UNMASK, REVIEW)], ids=["none", "no-view"])
    def test_without_the_permission(self, permissions):
        client, made = staff_client(*permissions), visit(citizen())
        assert client.get(LIST).status_code == 403
        assert client.get(page_of(made)).status_code == 403
        assert client.post(page_of(made), {"decision": "approve"}).status_code == 403
        assert DialogueSession.objects.get().review_state == ReviewState.PENDING

    def test_the_menu_counts_what_waits(self, reader):
        visit(citizen())
        visit(None)
        assert re.search(r"办理记录 1 ", shown_text(reader.get(reverse("admin:index")).content.decode()))


class TestPage:
    def test_what_was_said_what_was_found_out_and_the_record(self, reader):
        made = visit(citizen(career="退休"), draft={"citizen": {"career": "<b>教师</b>", "marital_status": False}})
        html = reader.get(page_of(made)).content.decode()
        text = shown_text(html)
        for shown in ("请问您的手机号码是多少？", f"我的电话是{PERSONAL['phone']}", "93%", "手机号码", "护照办理", "等待审核"):
            assert shown in text
        assert "<b>教师</b> 退休" in text
        assert "<b>教师" not in html
        assert "未婚 已婚" in text
        assert SPOUSE["name"] in text

    def test_masked(self, masked):
        made = visit(citizen(), review_note=f"电话应为{PERSONAL['phone']}")
        html = masked.get(page_of(made)).content.decode()
        assert [secret for secret in (*SECRETS, "wechat-20661") if secret in html and secret != PERSONAL["career"]] == []
        assert "请问您的手机号码是多少" not in html
        assert "decision" not in html

    @pytest.mark.parametrize(("client_name", "noted"), [("reader", 2), ("masked", 0)])
    def test_is_noted(self, request, client_name, noted):
        client, made = request.getfixturevalue(client_name), visit(citizen())
        client.get(page_of(made))
        entries = LogEntry.objects.filter(action=LogEntry.Action.ACCESS)
        assert sorted(entry.content_type.model for entry in entries) == ["citizen", "dialoguesession"][:noted]

    def test_a_visit_under_way_has_nothing_to_decide(self, reviewer):
        text = shown_text(reviewer.get(page_of(visit(None))).content.decode())
        assert "通过" not in text
        assert "退回" not in text

    @pytest.mark.parametrize("object_id", ["0", "999999", "x", "-1", "9" * 40])
    def test_no_such_visit(self, reader, object_id):
        assert reader.get(f"{LIST}{object_id}/change/").status_code == 404
        assert reader.post(f"{LIST}{object_id}/change/", {"decision": "approve"}).status_code == 404

    def test_nobody_adds(self):
        assert admin_client().get(reverse("admin:flows_dialoguesession_add")).status_code == 403

    def test_queries_do_not_grow_with_turns(self, reviewer):
        made = visit(citizen(), turns=2)
        reviewer.get(page_of(made))
        with CaptureQueriesContext(connection) as few:
            reviewer.get(page_of(made))
        longer = visit(Citizen.objects.get(), turns=40)
        with CaptureQueriesContext(connection) as many:
            reviewer.get(page_of(longer))
        assert len(many) == len(few)

    @pytest.mark.parametrize(
        "damage",
        [
            "UPDATE flows_citizen SET phone = %s",
            "UPDATE flows_relative SET id_card = %s",
            "UPDATE flows_turn SET text = %s",
            "UPDATE flows_dialoguesession SET draft = %s",
            "UPDATE flows_dialoguesession SET review_note = %s",
        ],
        ids=["citizen", "relative", "turn", "draft", "note"],
    )
    def test_what_can_not_be_decrypted_is_told(self, reviewer, damage):
        made = visit(citizen())
        with connection.cursor() as cursor:
            cursor.execute(damage, [DAMAGE])
        for response in (
            reviewer.get(page_of(made)),
            reviewer.post(page_of(made), {"decision": "correct", "phone": "13900000000"}, follow=True),
        ):
            assert response.status_code == 200
            text = shown_text(response.content.decode())
            assert "KIOSK_ENCRYPTION_KEYS" in text or "已更正" in text
            assert DAMAGE not in text


class TestDeciding:
    @pytest.mark.parametrize(
        ("decision", "note", "state"),
        [
            ("approve", "", ReviewState.APPROVED),
            ("send_back", "请补充住址", ReviewState.RETURNED),
        ],
    )
    def test_decisions(self, reviewer, decision, note, state):
        made = visit(citizen())
        response = decide(reviewer, made, decision, note=note)
        assert response.redirect_chain == [(LIST, 302)]
        made.refresh_from_db()
        assert (made.review_state, made.review_note, made.reviewed_by.username) == (state, note, "lin")
        entry = LogEntry.objects.get(action=LogEntry.Action.UPDATE, content_type__model="dialoguesession")
        assert (entry.actor.username, entry.changes["review_state"]) == ("lin", ["pending", state.value])

    def test_the_next_one_follows(self, reviewer):
        of = citizen()
        first, second = visit(of), visit(of)
        assert decide(reviewer, first, "approve").redirect_chain == [(page_of(second), 302)]

    def test_an_unchanged_form_changes_nothing(self, reviewer):
        made = visit(citizen())
        before = Citizen.objects.values().get()
        text = shown_text(decide(reviewer, made, "correct").content.decode())
        assert "没有更正任何内容" in text
        assert Citizen.objects.values().get() == before
        assert DialogueSession.objects.get().review_state == ReviewState.PENDING

    def test_correcting(self, reviewer):
        item = service_item(family_questions=["child"])
        made = visit(citizen(), service=item)
        response = decide(
            reviewer,
            made,
            "correct",
            phone="13987654321",
            marital_status="False",
            email="",
            spouse__name="",
            spouse__id_card="",
            child__name="欧阳小白",
            note="电话核实",
        )
        assert "6 项" in shown_text(response.content.decode())
        after = Citizen.objects.get()
        assert (after.phone, after.marital_status, after.email) == ("13987654321", False, "")
        assert [(row.relation, row.name) for row in after.relatives.all()] == [("child", "欧阳小白")]
        assert {name: getattr(after, name) for name in PERSONAL if name not in {"phone", "marital_status", "email"}} == {
            name: value for name, value in PERSONAL.items() if name not in {"phone", "marital_status", "email"}
        }
        made.refresh_from_db()
        assert (made.review_state, made.review_note) == (ReviewState.CORRECTED, "电话核实")

    WRONG = {
        "phone": ({"phone": "12"}, "phone"),
        "ID number": ({"id_card": "110101199003071111"}, "id_card"),
        "birth that is no date": ({"birth": "昨天"}, "birth"),
        "birth to come": ({"birth": "2999-01-01"}, "birth"),
        "birth against the ID number": ({"birth": "1990-03-08"}, "birth"),
        "gender that is none": ({"gender": "X"}, "gender"),
        "marital status that is none": ({"marital_status": "perhaps"}, "marital_status"),
        "too long": ({"address": "长" * 300}, "address"),
        "NUL": ({"career": "a\x00b"}, "career"),
        "relative": ({"spouse__id_card": "110101199003071111"}, "spouse.id_card"),
        "somebody else's ID number": ({"id_card": id_number("19900307", "125")}, "id_card"),
    }

    @pytest.mark.parametrize(("changes", "field"), WRONG.values(), ids=WRONG.keys())
    def test_wrong_corrections_come_back(self, reviewer, changes, field):
        citizen("other", id_card=id_number("19900307", "125"), spouse=False)
        made = visit(citizen())
        before = list(Citizen.objects.order_by("pk").values())
        response = decide(reviewer, made, "correct", **changes, education="硕士")
        assert response.status_code == 200
        form = response.context["form"]
        assert set(form.errors) == {field}
        assert form.errors[field][0] in shown_text(response.content.decode())
        assert form["education"].value() == "硕士"
        assert list(Citizen.objects.order_by("pk").values()) == before
        assert DialogueSession.objects.get().review_state == ReviewState.PENDING

    POSTS = {
        "nothing": ({}, "没有这样的操作"),
        "an unknown decision": ({"decision": "delete"}, "没有这样的操作"),
        "sent back without a reason": ({"decision": "send_back", "note": "  "}, "请说明退回的原因"),
        "a note that is too long": ({"decision": "send_back", "note": "长" * 501}, "500"),
        "approved with changed values": ({"decision": "approve", "phone": "13987654321"}, "您更改了内容"),
        "a record of another time": ({"decision": "approve", "seen": "2020-01-01T00:00:00+00:00"}, "请重新核对"),
        "opened although it waits": ({"decision": "reopen"}, "已在等待审核"),
        "a NUL in the note": ({"decision": "send_back", "note": "a\x00b"}, "空字符"),
    }

    @pytest.mark.parametrize(("data", "told"), POSTS.values(), ids=POSTS.keys())
    def test_posts_that_decide_nothing(self, reviewer, data, told):
        made = visit(citizen())
        response = reviewer.post(page_of(made), {"seen": made.citizen.updated_at.isoformat(), **data}, follow=True)
        assert response.status_code == 200
        assert told in shown_text(response.content.decode())
        made.refresh_from_db()
        assert (made.review_state, made.review_note) == (ReviewState.PENDING, "")

    def test_a_form_without_its_fields_takes_nothing_out(self, reviewer):
        made = visit(citizen())
        reviewer.post(page_of(made), {"decision": "correct", "education": "硕士"})
        after = Citizen.objects.get()
        assert {name: getattr(after, name) for name in PERSONAL} == PERSONAL | {"education": "硕士"}

    @pytest.mark.parametrize("client_name", ["reader", "masked"])
    @pytest.mark.parametrize("decision", ["approve", "correct", "send_back", "reopen"])
    def test_who_may(self, request, client_name, decision):
        client, made = request.getfixturevalue(client_name), visit(citizen())
        data = {"decision": decision, "note": "x", "phone": "13987654321"}
        assert client.post(page_of(made), data).status_code == 403
        assert Citizen.objects.get().phone == PERSONAL["phone"]
        assert DialogueSession.objects.get().review_state == ReviewState.PENDING

    def test_two_reviewers(self, reviewer):
        other = staff_client(VIEW, UNMASK, REVIEW, username="wang")
        made = visit(citizen())
        seen = fields(other, made)
        decide(reviewer, made, "approve")
        response = other.post(page_of(made), {**seen, "decision": "send_back", "note": "x"}, follow=True)
        assert "已经审核过" in shown_text(response.content.decode())
        made.refresh_from_db()
        assert (made.review_state, made.reviewed_by.username) == (ReviewState.APPROVED, "lin")

    def test_a_record_that_changed_meanwhile(self, reviewer):
        made = visit(citizen())
        seen = fields(reviewer, made)
        of = Citizen.objects.get()
        of.phone = "13900000000"
        of.save()
        response = reviewer.post(page_of(made), {**seen, "decision": "correct", "education": "硕士"}, follow=True)
        assert "请重新核对" in shown_text(response.content.decode())
        assert (Citizen.objects.get().phone, Citizen.objects.get().education) == ("13900000000", "本科")
        assert fields(reviewer, made)["phone"] == "13900000000"

    def test_opened_again(self, reviewer):
        made = visit(citizen())
        decide(reviewer, made, "send_back", note="x")
        response = reviewer.post(page_of(made), {"decision": "reopen"}, follow=True)
        assert response.redirect_chain == [(page_of(made), 302)]
        made.refresh_from_db()
        assert (made.review_state, made.reviewed_by) == (ReviewState.PENDING, None)

    def test_state_can_not_be_edited(self):
        made = visit(citizen())
        admin_client().post(page_of(made), {"decision": "", "state": SessionState.ASKING, "review_state": "approved"})
        made.refresh_from_db()
        assert (made.state, made.review_state) == (SessionState.STORED, ReviewState.PENDING)


class TestSound:
    @pytest.fixture(autouse=True)
    def _storage(self, settings, tmp_path):
        settings.STORAGES = settings.STORAGES | {
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "media"}}
        }

    def url(self, turn: Turn) -> str:
        return reverse("admin:flows_dialoguesession_audio", args=[turn.pk])

    def test_is_played_and_not_cached_and_noted(self, reader):
        made = visit(citizen(), audio=True)
        turn = made.turns.get(position=1)
        assert f'src="{self.url(turn)}"' in reader.get(page_of(made)).content.decode()
        LogEntry.objects.all().delete()
        response = reader.get(self.url(turn))
        assert response.content.startswith(b"RIFF")
        assert (response["Content-Type"], response["X-Content-Type-Options"]) == ("audio/wav", "nosniff")
        assert "no-store" in response["Cache-Control"]
        entry = LogEntry.objects.get()
        assert (entry.action, entry.object_repr) == (LogEntry.Action.ACCESS, f"#{made.pk}/1")

    @pytest.mark.parametrize("permissions", [(), (VIEW,), (UNMASK, REVIEW)], ids=["none", "masked", "no-view"])
    def test_who_may(self, permissions):
        turn = visit(citizen(), audio=True).turns.get(position=1)
        assert staff_client(*permissions).get(self.url(turn)).status_code == 403
        assert Client().get(self.url(turn)).status_code == 302

    def test_none_is_shown_masked(self, masked):
        assert "<audio" not in masked.get(page_of(visit(citizen(), audio=True))).content.decode()

    def test_missing(self, reader):
        made = visit(citizen(), audio=True)
        silent, lost = made.turns.get(position=0), made.turns.get(position=1)
        default_storage.delete(lost.audio.name)
        assert reader.get(self.url(silent)).status_code == 404
        assert reader.get(self.url(lost)).status_code == 404
        assert reader.get(self.url(lost).replace(str(lost.pk), "999999")).status_code == 404


class TestDeleting:
    def test_takes_what_was_said(self):
        client = staff_client(VIEW, "flows.delete_dialoguesession", username="eraser")
        made, other = visit(citizen()), visit(None)
        url = reverse("admin:flows_dialoguesession_delete", args=[made.pk])
        assert "对话轮次: 3" in shown_text(client.get(url).content.decode())
        assert client.post(url, {"post": "yes"}).status_code == 302
        assert list(DialogueSession.objects.all()) == [other]
        assert Turn.objects.count() == 3
        assert Citizen.objects.exists()
        entry = LogEntry.objects.get(action=LogEntry.Action.DELETE)
        assert (entry.actor.username, entry.object_repr) == ("eraser", f"#{made.pk}")

    def test_without_the_permission(self, reviewer):
        made = visit(citizen())
        url = reverse("admin:flows_dialoguesession_delete", args=[made.pk])
        assert reviewer.post(url, {"post": "yes"}).status_code == 403
        assert DialogueSession.objects.exists()
