"""What staff decide about a visit: in which order, with which values, and who is told."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone

from faces.models import Person
from flows.corrections import Corrections, WrongCorrections
from flows.models import Citizen, DialogueSession, Relative
from flows.review import (
    Refusal,
    ReviewRefused,
    approve,
    correct,
    next_waiting,
    reopen,
    send_back,
    waiting,
)
from flows.types import FamilyMember, ReviewState, SessionState, Slot
from tests.flows.records import PERSONAL, SPOUSE, citizen, id_number, visit

pytestmark = pytest.mark.django_db

ALL = ("review_dialoguesession", "view_citizen_personal_data")


def reviewer(*codenames: str, username: str = "lin") -> User:
    user = User.objects.create_user(username, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return User.objects.get(pk=user.pk)


@pytest.fixture
def user() -> User:
    return reviewer(*ALL)


def state() -> tuple[Any, ...]:
    """All that a decision may change."""
    return (
        list(Citizen.objects.order_by("pk").values()),
        list(Relative.objects.order_by("pk").values()),
        list(DialogueSession.objects.order_by("pk").values()),
        LogEntry.objects.count(),
    )


DECISIONS = {
    "approve": approve,
    "correct": lambda made, user: correct(made, user, Corrections({Slot.EDUCATION: "硕士"})),
    "send back": lambda made, user: send_back(made, user, "照片不清楚"),
}
WRONG_STATES = {
    "asking": ({"state": SessionState.ASKING}, Refusal.NOT_STORED),
    "answered": ({"state": SessionState.ANSWERED}, Refusal.NOT_STORED),
    "expired": ({"state": SessionState.EXPIRED}, Refusal.NOT_STORED),
    "nothing to review": ({"review_state": ReviewState.NONE}, Refusal.REVIEWED),
    "approved": ({"review_state": ReviewState.APPROVED, "reviewed_at": timezone.now()}, Refusal.REVIEWED),
    "corrected": ({"review_state": ReviewState.CORRECTED, "reviewed_at": timezone.now()}, Refusal.REVIEWED),
    "returned": ({"review_state": ReviewState.RETURNED, "reviewed_at": timezone.now()}, Refusal.REVIEWED),
    "no citizen": ({"citizen": None}, Refusal.NO_CITIZEN),
}


class TestOrder:
    @pytest.mark.parametrize("decide", DECISIONS.values(), ids=DECISIONS.keys())
    @pytest.mark.parametrize(("wrong", "refusal"), WRONG_STATES.values(), ids=WRONG_STATES.keys())
    def test_out_of_order(self, user, decide, wrong, refusal):
        made = visit(citizen(), **wrong)
        before = state()
        with pytest.raises(ReviewRefused) as caught:
            decide(made, user)
        assert caught.value.refusal is refusal
        assert state() == before

    @pytest.mark.parametrize("decide", DECISIONS.values(), ids=DECISIONS.keys())
    @pytest.mark.parametrize("stored", [SessionState.STORED, SessionState.SUMMARISED])
    def test_in_order(self, user, decide, stored):
        made = visit(citizen(), state=stored)
        decide(made, user)
        made.refresh_from_db()
        assert made.review_state not in {ReviewState.NONE, ReviewState.PENDING}
        assert made.reviewed_by == user
        assert timezone.now() - made.reviewed_at < timedelta(minutes=1)

    @pytest.mark.parametrize("decide", DECISIONS.values(), ids=DECISIONS.keys())
    def test_not_twice_without_opening_again(self, user, decide):
        made = visit(citizen())
        decide(made, user)
        with pytest.raises(ReviewRefused):
            approve(made, user)
        reopen(made, user)
        approve(made, user)
        assert DialogueSession.objects.get().review_state == ReviewState.APPROVED

    @pytest.mark.parametrize("review_state", [ReviewState.NONE, ReviewState.PENDING])
    def test_nothing_to_open(self, user, review_state):
        made = visit(citizen(), review_state=review_state)
        with pytest.raises(ReviewRefused, match="not_reviewed"):
            reopen(made, user)

    @pytest.mark.parametrize("decide", [*DECISIONS.values(), reopen], ids=[*DECISIONS, "reopen"])
    @pytest.mark.parametrize("permissions", [(), ALL[:1], ALL[1:]], ids=["none", "without-data", "without-review"])
    def test_who_may(self, decide, permissions):
        made, somebody = visit(citizen()), reviewer(*permissions)
        before = state()
        with pytest.raises(PermissionDenied):
            decide(made, somebody)
        assert state() == before

    def test_a_user_who_was_switched_off(self, user):
        user.is_active = False
        with pytest.raises(PermissionDenied):
            approve(visit(citizen()), user)

    @pytest.mark.parametrize("decide", DECISIONS.values(), ids=DECISIONS.keys())
    def test_a_visit_that_was_deleted_meanwhile(self, user, decide):
        made = visit(citizen())
        DialogueSession.objects.filter(pk=made.pk).delete()
        with pytest.raises(DialogueSession.DoesNotExist):
            decide(made, user)

    def test_a_record_that_changed_while_it_was_looked_at(self, user):
        of = citizen()
        made = visit(of)
        seen = of.updated_at
        approve(made, user, seen=seen)
        reopen(made, user)
        of.career = "退休"
        of.save()
        for decide in (
            lambda: approve(made, user, seen=seen),
            lambda: send_back(made, user, "x", seen=seen),
            lambda: correct(made, user, Corrections({Slot.CAREER: "x"}), seen=seen),
        ):
            with pytest.raises(ReviewRefused, match="changed"):
                decide()

    def test_the_longest_waiting_comes_first(self, user):
        now = timezone.now()
        of = citizen()
        late, early = visit(of, stored_at=now), visit(of, stored_at=now - timedelta(hours=1))
        visit(None)
        visit(of, review_state=ReviewState.APPROVED, reviewed_at=now)
        assert list(waiting()) == [early, late]
        assert (next_waiting(user), next_waiting(user, early), next_waiting(user, late)) == (early.pk, late.pk, early.pk)
        approve(early, user)
        assert next_waiting(user, late) is None

    @pytest.mark.django_db(transaction=True)
    def test_two_at_once(self, user):
        made, other = visit(citizen()), reviewer(*ALL, username="wang")
        together = threading.Barrier(2)

        def decide(decision) -> str:
            try:
                together.wait()
                decision()
            except ReviewRefused as error:
                return error.refusal.value
            finally:
                connection.close()
            return "done"

        decisions = [lambda: approve(made, user), lambda: send_back(made, other, "x")]
        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(decide, decisions)) == ["done", "reviewed"]
        made.refresh_from_db()
        assert (made.review_state, made.reviewed_by) in {(ReviewState.APPROVED, user), (ReviewState.RETURNED, other)}


class TestSendingBack:
    @pytest.mark.parametrize("reason", ["", "  \n "], ids=["none", "blank"])
    def test_needs_a_reason(self, user, reason):
        with pytest.raises(ReviewRefused, match="no_reason"):
            send_back(visit(citizen()), user, reason)

    def test_keeps_the_reason_and_the_record(self, user):
        made = visit(citizen())
        before = list(Citizen.objects.values())
        send_back(made, user, " 地址不完整 ")
        assert DialogueSession.objects.get().review_note == "地址不完整"
        assert list(Citizen.objects.values()) == before

    def test_a_reason_may_be_too_long(self, user):
        send_back(visit(citizen("a")), user, "长" * 500)
        with pytest.raises(ReviewRefused, match="note_too_long"):
            send_back(visit(citizen("b", id_card="")), user, "长" * 501)


RIGHT = {
    "education": ({Slot.EDUCATION: "硕士"}, {"education": "硕士"}),
    "phone": ({Slot.PHONE: "13987654321"}, {"phone": "13987654321"}),
    "e-mail taken out": ({Slot.EMAIL: None}, {"email": ""}),
    "e-mail emptied": ({Slot.EMAIL: ""}, {"email": ""}),
    "birth taken out": ({Slot.BIRTH: None}, {"birth": None}),
    "marital status": ({Slot.MARITAL_STATUS: False}, {"marital_status": False}),
    "marital status taken out": ({Slot.MARITAL_STATUS: None}, {"marital_status": None}),
    "ID number with what follows": (
        {Slot.ID_CARD: id_number("19850102", "124"), Slot.BIRTH: date(1985, 1, 2), Slot.GENDER: "女"},
        {"id_card": id_number("19850102", "124"), "birth": date(1985, 1, 2), "gender": "女"},
    ),
    "several": ({Slot.CAREER: "退休", Slot.RELIGION: "佛教"}, {"career": "退休", "religion": "佛教"}),
}
WRONG = {
    "phone": ({Slot.PHONE: "12"}, {"phone"}),
    "ID number": ({Slot.ID_CARD: "110101199003071111"}, {"id_card"}),
    "a birth to come": ({Slot.BIRTH: date(2999, 1, 1)}, {"birth"}),
    "two at once": ({Slot.PHONE: "12", Slot.EMAIL: "nowhere", Slot.EDUCATION: "硕士"}, {"phone", "email"}),
    "an ID number against birth and gender": ({Slot.ID_CARD: id_number("19850102", "124")}, {"birth", "gender"}),
    "a birth against the ID number": ({Slot.BIRTH: date(1990, 3, 8)}, {"birth"}),
    "a gender against the ID number": ({Slot.GENDER: "女"}, {"gender"}),
}


class TestCorrecting:
    @pytest.mark.parametrize(("corrections", "stored"), RIGHT.values(), ids=RIGHT.keys())
    def test_right_values(self, user, corrections, stored):
        made = visit(citizen())
        changed = correct(made, user, Corrections(corrections), "电话核实")
        assert set(changed) == set(stored)
        after = Citizen.objects.get()
        assert {name: getattr(after, name) for name in PERSONAL} == PERSONAL | stored
        made.refresh_from_db()
        assert (made.review_state, made.review_note) == (ReviewState.CORRECTED, "电话核实")

    def test_a_corrected_name_is_what_the_face_is_greeted_by(self, user):
        person = Person.objects.create(number="wechat-20661", name="欧阳木白")
        correct(visit(citizen(person=person)), user, Corrections({Slot.NAME: "欧阳慕白白"}))
        person.refresh_from_db()
        assert person.name == "欧阳慕白白"

    @pytest.mark.parametrize(("corrections", "wrong"), WRONG.values(), ids=WRONG.keys())
    def test_wrong_values(self, user, corrections, wrong):
        made = visit(citizen())
        before = state()
        with pytest.raises(WrongCorrections) as caught:
            correct(made, user, Corrections(corrections))
        assert set(caught.value.problems) == wrong
        assert all(caught.value.problems.values())
        assert state() == before
        assert "13" not in str(caught.value)

    @pytest.mark.parametrize(
        "corrections",
        [
            pytest.param(Corrections(), id="none"),
            pytest.param(Corrections({Slot.PHONE: PERSONAL["phone"]}), id="the-same"),
            pytest.param(Corrections({}, {FamilyMember.SPOUSE: {Slot.NAME: SPOUSE["name"]}}), id="the-same-relative"),
            pytest.param(Corrections({}, {FamilyMember.CHILD: {Slot.NAME: ""}}), id="no-relative"),
        ],
    )
    def test_nothing_corrected(self, user, corrections):
        made = visit(citizen())
        before = state()
        with pytest.raises(ReviewRefused, match="nothing_corrected"):
            correct(made, user, corrections)
        assert state() == before

    def test_the_index_follows_the_number(self, user):
        number = id_number("19900307", "125")
        correct(visit(citizen()), user, Corrections({Slot.ID_CARD: number}))
        assert Citizen.objects.with_id_card(number).exists()
        assert not Citizen.objects.with_id_card(PERSONAL["id_card"]).exists()

    def test_what_follows_fills_what_is_empty(self, user):
        made = visit(citizen(id_card="", birth=None, gender="", native_place=""))
        changed = correct(made, user, Corrections({Slot.ID_CARD: PERSONAL["id_card"]}))
        after = Citizen.objects.get()
        assert (after.birth, after.gender) == (PERSONAL["birth"], "男")
        assert {"id_card", "birth", "gender"} <= set(changed)

    def test_what_is_taken_out_is_not_filled_in_again(self, user):
        correct(visit(citizen()), user, Corrections({Slot.BIRTH: None, Slot.CAREER: "退休"}))
        assert Citizen.objects.get().birth is None

    def test_an_old_contradiction_does_not_stand_in_the_way(self, user):
        """The citizen may have confirmed it; only whoever touches it has to mend it."""
        made = visit(citizen(birth=date(1990, 3, 8)))
        with pytest.raises(WrongCorrections):
            correct(made, user, Corrections({Slot.BIRTH: date(1990, 3, 9)}))
        assert correct(made, user, Corrections({Slot.CAREER: "退休"})) == ["career"]

    def test_somebody_elses_number(self, user):
        other = citizen("other", id_card=id_number("19900307", "125"))
        made = visit(citizen())
        before = state()
        with pytest.raises(WrongCorrections) as caught:
            correct(made, user, Corrections({Slot.EDUCATION: "硕士", Slot.ID_CARD: other.id_card}))
        assert set(caught.value.problems) == {"id_card"}
        assert state() == before

    def test_relatives(self, user):
        of = citizen()
        child = {Slot.NAME: "欧阳小白", Slot.ID_CARD: id_number("20150601", "031")}
        corrections = Corrections({}, {FamilyMember.SPOUSE: {Slot.ID_CARD: ""}, FamilyMember.CHILD: child})
        assert set(correct(visit(of), user, corrections)) == {"spouse.id_card", "child.name", "child.id_card"}
        assert {(row.relation, row.name, row.id_card) for row in of.relatives.all()} == {
            ("spouse", SPOUSE["name"], ""),
            ("child", "欧阳小白", child[Slot.ID_CARD]),
        }
        again = visit(of)
        correct(again, user, Corrections({}, {FamilyMember.SPOUSE: {Slot.NAME: None}}))
        assert [row.relation for row in of.relatives.all()] == ["child"]

    @pytest.mark.parametrize(
        ("given", "wrong"),
        [({Slot.ID_CARD: "110101199003071111"}, "spouse.id_card"), ({Slot.ID_CARD: "x"}, "spouse.id_card")],
        ids=["check digit", "letter"],
    )
    def test_wrong_relatives(self, user, given, wrong):
        made = visit(citizen())
        before = state()
        with pytest.raises(WrongCorrections) as caught:
            correct(made, user, Corrections({Slot.EDUCATION: "硕士"}, {FamilyMember.SPOUSE: given}))
        assert set(caught.value.problems) == {wrong}
        assert state() == before

    def test_a_changed_relative_is_a_changed_record(self, user):
        of = citizen()
        seen = of.updated_at
        first, second = visit(of), visit(of)
        correct(first, user, Corrections({}, {FamilyMember.SPOUSE: {Slot.NAME: "诸葛清风"}}), seen=seen)
        with pytest.raises(ReviewRefused, match="changed"):
            approve(second, user, seen=seen)


class TestAudit:
    def test_a_correction_names_the_fields(self, user):
        made = visit(citizen())
        LogEntry.objects.all().delete()
        correct(made, user, Corrections({Slot.PHONE: "13987654321"}, {FamilyMember.SPOUSE: {Slot.NAME: "诸葛清风"}}))
        by_model = {entry.content_type.model: entry.changes for entry in LogEntry.objects.all()}
        assert by_model["citizen"] == {"phone": ["***", "***"]}
        assert by_model["relative"] == {"name": ["***", "***"]}
        assert by_model["dialoguesession"] == {"review_state": ["pending", "corrected"]}

    @pytest.mark.parametrize(
        ("decide", "state"),
        [
            (approve, "approved"),
            (lambda made, user: send_back(made, user, "13987654321 打不通"), "returned"),
        ],
        ids=["approve", "send back"],
    )
    def test_a_decision_is_one_entry(self, user, decide, state):
        made = visit(citizen())
        LogEntry.objects.all().delete()
        decide(made, user)
        entry = LogEntry.objects.get()
        assert entry.changes["review_state"] == ["pending", state]
        assert "13987654321" not in str(entry.changes)
