"""What staff do with several rows of a list at once, and the filters that the front page leads to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from flows.models import DialogueSession, ServiceItem, Turn
from flows.review import assign, next_waiting
from flows.types import ReviewState, SessionState, Speaker
from tests.flows.factories import service_item
from tests.flows.records import citizen, visit
from tests.staff import shown_text, staff_client

pytestmark = pytest.mark.django_db

VISITS = reverse("admin:flows_dialoguesession_changelist")
SERVICES = reverse("admin:flows_serviceitem_changelist")
VIEW, REVIEW, UNMASK = "flows.view_dialoguesession", "flows.review_dialoguesession", "flows.view_citizen_personal_data"
ASSIGN = "flows.assign_dialoguesession"


@pytest.fixture
def reviewer() -> Client:
    return staff_client(VIEW, REVIEW, UNMASK, username="lin")


@pytest.fixture
def manager() -> Client:
    return staff_client(VIEW, ASSIGN, username="chen")


def act(client: Client, action: str, *rows: object, url: str = VISITS, **more: object) -> str:
    data = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return shown_text(client.post(url, data, follow=True).content.decode())


def choices(client: Client, url: str = VISITS) -> str:
    return client.get(url).content.decode()


class TestApproving:
    def test_those_that_wait(self, reviewer):
        of = citizen()
        waiting = [visit(of), visit(of)]
        done = visit(of, review_state=ReviewState.RETURNED, reviewed_at=timezone.now())
        text = act(reviewer, "approve_selected", *waiting, done)
        assert "已通过 2 条办理记录" in text
        assert "1 条办理记录不在等待审核" in text
        states = set(DialogueSession.objects.values_list("review_state", "reviewed_by__username"))
        assert states == {(ReviewState.APPROVED, "lin"), (ReviewState.RETURNED, None)}

    def test_not_without_the_permission(self, manager):
        made = visit(citizen())
        act(manager, "approve_selected", made)
        assert DialogueSession.objects.get().review_state == ReviewState.PENDING
        assert "approve_selected" not in choices(manager)


class TestAssigning:
    def test_to_a_reviewer(self, reviewer, manager):
        made = visit(citizen())
        lin = User.objects.get(username="lin")
        page = manager.post(VISITS, {"action": "assign_selected", "_selected_action": [made.pk]}).content.decode()
        assert f'<option value="{lin.pk}">lin</option>' in page
        assert "chen" not in page.partition("<select")[2].partition("</select>")[0]
        assert "已分派 1 条办理记录" in act(manager, "assign_selected", made, confirmed="1", reviewer=lin.pk)
        made.refresh_from_db()
        assert made.assigned_to == lin
        entry = LogEntry.objects.filter(action=LogEntry.Action.UPDATE).latest("pk")
        assert (entry.actor.username, entry.changes["assigned_to"][1]) == ("chen", str(lin.pk))
        assert "lin" in shown_text(choices(manager))

    def test_to_nobody_again(self, reviewer, manager):
        made = visit(citizen(), assigned_to=User.objects.get(username="lin"))
        act(manager, "assign_selected", made, confirmed="1", reviewer="")
        assert DialogueSession.objects.get(pk=made.pk).assigned_to is None

    def test_not_to_somebody_who_may_not_review(self, manager):
        made = visit(citizen())
        act(manager, "assign_selected", made, confirmed="1", reviewer=User.objects.get(username="chen").pk)
        assert DialogueSession.objects.get(pk=made.pk).assigned_to is None

    def test_the_service_itself_refuses(self, reviewer, manager):
        made, (lin, chen) = visit(citizen()), (User.objects.get(username=name) for name in ("lin", "chen"))
        for by, to in ((chen, chen), (lin, chen), (User.objects.create_user("wang"), lin)):
            with pytest.raises(PermissionDenied):
                assign([made], by, to)
        assert assign([made], chen, lin) == 1

    def test_reviewers_take_visits_and_give_none(self, reviewer):
        mine, other = visit(citizen()), visit(citizen("b", id_card=""))
        assert "已分派 1 条办理记录" in act(reviewer, "take_selected", mine)
        assert DialogueSession.objects.get(pk=mine.pk).assigned_to.username == "lin"
        act(reviewer, "assign_selected", other, confirmed="1", reviewer=User.objects.get(username="lin").pk)
        assert DialogueSession.objects.get(pk=other.pk).assigned_to is None

    def test_a_decided_one_stays(self, reviewer):
        made = visit(citizen(), review_state=ReviewState.APPROVED, reviewed_at=timezone.now())
        assert "没有变化" in act(reviewer, "take_selected", made)

    def test_ones_own_come_next(self, reviewer):
        lin, other = User.objects.get(username="lin"), User.objects.create_user("wang")
        of, now = citizen(), timezone.now()
        theirs = visit(of, stored_at=now - timedelta(hours=3), assigned_to=other)
        nobodys = visit(of, stored_at=now - timedelta(hours=2))
        mine = visit(of, stored_at=now - timedelta(hours=1), assigned_to=lin)
        assert [next_waiting(lin), next_waiting(lin, mine), next_waiting(other)] == [mine.pk, nobodys.pk, theirs.pk]


class TestFilters:
    def shown(self, client: Client, **query: str) -> set[int]:
        return {row.pk for row in client.get(VISITS, query).context["cl"].result_list}

    def test_given_up(self, reviewer):
        past = timezone.now() - timedelta(hours=1)
        item = service_item()
        asked = visit(None, turns=0, service=item, expires_at=past)
        for position, slot in enumerate(("name", "phone")):
            Turn.objects.create(session=asked, position=position, speaker=Speaker.KIOSK, slot=slot)
        unclear = visit(None, turns=0, classify="", state=SessionState.EXPIRED)
        visit(None, service=item)
        visit(citizen(), expires_at=past)
        assert self.shown(reviewer, gave_up="any") == {asked.pk, unclear.pk}
        assert self.shown(reviewer, gave_up="phone") == {asked.pk}
        assert self.shown(reviewer, gave_up="name") == set()
        assert self.shown(reviewer, gave_up="request") == {unclear.pk}

    def test_assigned(self, reviewer):
        lin, other = User.objects.get(username="lin"), User.objects.create_user("wang")
        of = citizen()
        mine, theirs, nobodys = visit(of, assigned_to=lin), visit(of, assigned_to=other), visit(of)
        assert self.shown(reviewer, assigned="me") == {mine.pk}
        assert self.shown(reviewer, assigned="others") == {theirs.pk}
        assert self.shown(reviewer, assigned="nobody") == {nobodys.pk}


class TestServices:
    def test_retired_and_offered_again(self):
        client = staff_client("flows.view_serviceitem", "flows.change_serviceitem")
        one, two = service_item("one"), service_item("two", enabled=False)
        assert "已更改 1 个事项" in act(client, "retire_selected", one, two, url=SERVICES)
        assert set(ServiceItem.objects.values_list("enabled", flat=True)) == {False}
        assert "已更改 2 个事项" in act(client, "offer_selected", one, two, url=SERVICES)
        assert LogEntry.objects.filter(content_type__model="serviceitem", action=LogEntry.Action.UPDATE).count() == 3

    def test_not_without_the_permission(self):
        client = staff_client("flows.view_serviceitem")
        act(client, "retire_selected", service_item(), url=SERVICES)
        assert ServiceItem.objects.get().enabled
