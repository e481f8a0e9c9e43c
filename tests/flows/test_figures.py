"""Figures of visits against visits that were made up: by the hall's days, by service, how long, where people gave up."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from flows.figures import END, REQUEST, START, StepCount, by_service, by_step, points_given_up, visit_figures
from flows.models import DialogueSession, Turn
from flows.types import ReviewState, SessionState, Speaker
from kiosk.runtime.figures import Span, period
from tests.flows.factories import service_item
from tests.flows.records import citizen, visit

pytestmark = pytest.mark.django_db

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 18, 10, 30, tzinfo=SHANGHAI)
"""A Wednesday."""


def begun(text: str, *, minutes: float | None = None, **changes: object) -> DialogueSession:
    """A visit that began at this time of the hall; stored after so many minutes, or never."""
    start = datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
    stored = minutes is not None
    made = visit(citizen(f"c{DialogueSession.objects.count()}", id_card="", spouse=False) if stored else None, turns=0)
    fields = {
        "created_at": start,
        "stored_at": start + timedelta(minutes=minutes) if minutes is not None else None,
        "expires_at": start + timedelta(minutes=30),
        "classify": "",
        **changes,
    }
    DialogueSession.objects.filter(pk=made.pk).update(**fields)
    made.refresh_from_db()
    return made


def asked(made: DialogueSession, *slots: str) -> None:
    """What the kiosk asked for, each answered but the last."""
    for position, slot in enumerate(slots):
        Turn.objects.create(session=made, position=2 * position, speaker=Speaker.KIOSK, text="?", slot=slot)
        if position + 1 < len(slots):
            Turn.objects.create(session=made, position=2 * position + 1, speaker=Speaker.CITIZEN, text="!", slot=slot)


class TestPeriods:
    @pytest.mark.parametrize(
        ("span", "start", "end", "steps", "first", "last"),
        [
            pytest.param(Span.TODAY, "2026-11-18", "2026-11-19", 24, "00:00", "23:00", id="today"),
            pytest.param(Span.WEEK, "2026-11-16", "2026-11-23", 7, "11-16", "11-22", id="week"),
            pytest.param(Span.MONTH, "2026-10-20", "2026-11-19", 30, "10-20", "11-18", id="month"),
        ],
    )
    def test_borders(self, span, start, end, steps, first, last):
        shown = period(span, NOW)
        assert (shown.start, shown.end) == tuple(datetime.fromisoformat(day).replace(tzinfo=SHANGHAI) for day in (start, end))
        labels = [shown.label(step) for step in shown.steps()]
        assert (len(labels), labels[0], labels[-1]) == (steps, first, last)

    @pytest.mark.parametrize(
        ("span", "start", "end"),
        [
            pytest.param(Span.TODAY, "2026-11-17T00:00", "2026-11-17T10:30", id="today"),
            pytest.param(Span.WEEK, "2026-11-09T00:00", "2026-11-11T10:30", id="week"),
            pytest.param(Span.MONTH, "2026-09-20T00:00", "2026-10-19T10:30", id="month"),
        ],
    )
    def test_before(self, span, start, end):
        assert period(span, NOW).before() == tuple(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI) for text in (start, end))

    def test_before_dawn_it_is_another_day_in_london(self):
        early = datetime(2026, 11, 18, 3, tzinfo=SHANGHAI)
        assert early.astimezone(ZoneInfo("Europe/London")).day == 17
        assert period(Span.TODAY, early).start == datetime(2026, 11, 18, tzinfo=SHANGHAI)

    @pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)], ids=["spring", "autumn"])
    def test_a_day_on_which_clocks_are_changed(self, day, hours):
        with timezone.override("Europe/Berlin"):
            noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo("Europe/Berlin"))
            assert len(period(Span.TODAY, noon).steps()) == hours


class TestCounts:
    @pytest.mark.parametrize(
        ("start", "today", "week"),
        [
            pytest.param("2026-11-18T00:00:00", 1, 1, id="first-second"),
            pytest.param("2026-11-17T23:59:59", 0, 1, id="second-before"),
            pytest.param("2026-11-18T23:59:59", 1, 1, id="last-second"),
            pytest.param("2026-11-19T00:00:00", 0, 1, id="second-after"),
            pytest.param("2026-11-16T00:00:00", 0, 1, id="monday"),
            pytest.param("2026-11-15T23:59:59", 0, 0, id="sunday"),
        ],
    )
    def test_borders_are_the_halls(self, start, today, week):
        begun(start)
        assert visit_figures(period(Span.TODAY, NOW)).visits == today
        assert visit_figures(period(Span.WEEK, NOW)).visits == week

    def test_what_became_of_them(self):
        begun("2026-11-18T09:00", minutes=5)
        begun("2026-11-18T09:10")
        begun("2026-11-18T09:20", state=SessionState.EXPIRED)
        begun("2026-11-18T10:20")
        begun("2026-11-17T10:00", minutes=7)
        begun("2026-11-17T10:31", minutes=7)
        found = visit_figures(period(Span.TODAY, NOW))
        assert (found.visits, found.stored, found.given_up, found.visits_before) == (4, 1, 2, 1)
        assert by_step(period(Span.TODAY, NOW)) == {
            datetime(2026, 11, 18, 9, tzinfo=SHANGHAI): StepCount(1, 2, 0),
            datetime(2026, 11, 18, 10, tzinfo=SHANGHAI): StepCount(0, 0, 1),
        }
        week = by_step(period(Span.WEEK, NOW))
        assert week[datetime(2026, 11, 17, tzinfo=SHANGHAI)] == StepCount(2, 0, 0)
        assert week[datetime(2026, 11, 18, tzinfo=SHANGHAI)] == StepCount(1, 2, 1)

    @pytest.mark.parametrize(
        ("minutes", "median"),
        [([], None), ([4], 4), ([9, 2, 4], 4), ([8, 2, 4, 60], 6)],
        ids=["none", "one", "odd", "even"],
    )
    def test_median(self, minutes, median):
        for length in minutes:
            begun("2026-11-18T09:00", minutes=length)
        begun("2026-11-18T09:10")
        found = visit_figures(period(Span.TODAY, NOW)).median
        assert found == (None if median is None else timedelta(minutes=median))

    def test_waiting_are_all_that_wait(self):
        old = begun("2026-11-01T09:00", minutes=5)
        begun("2026-11-18T09:00", minutes=5)
        decided = begun("2026-11-18T09:00", minutes=5)
        DialogueSession.objects.filter(pk=decided.pk).update(review_state=ReviewState.APPROVED, reviewed_at=NOW)
        found = visit_figures(period(Span.TODAY, NOW))
        assert (found.waiting, found.waiting_since) == (2, old.stored_at)

    def test_by_service(self):
        passport, gone = service_item("passport", name="护照办理"), service_item("gone", name="旧事项")
        for _number in range(2):
            begun("2026-11-18T09:00", service=passport, classify="护照")
        begun("2026-11-18T09:00", service=gone, classify="旧事项")
        begun("2026-11-18T09:00")
        begun("2026-11-17T09:00", service=passport, classify="护照")
        gone.delete()
        shown = by_service(period(Span.TODAY, NOW), 8)
        assert [(one.service_id, one.name, one.count) for one in shown] == [
            (passport.pk, "护照办理", 2),
            (None, "", 1),
            (None, "旧事项", 1),
        ]
        assert len(by_service(period(Span.TODAY, NOW), 2)) == 2

    def test_where_people_gave_up(self):
        item = service_item("passport")
        asked(begun("2026-11-18T08:00", service=item, classify="x"), "name", "phone")
        asked(begun("2026-11-18T08:00", service=item, classify="x"), "name", "phone")
        asked(begun("2026-11-18T08:00", service=item, classify="x", state=SessionState.EXPIRED), "name", "spouse.name")
        begun("2026-11-18T08:00", service=item, classify="x")
        begun("2026-11-18T08:00", state=SessionState.UNCLEAR)
        asked(begun("2026-11-18T08:00", service=item, answered_at=NOW), "name")
        # Neither of those that are still under way nor of those that were stored:
        asked(begun("2026-11-18T10:20", service=item), "career")
        asked(begun("2026-11-18T08:00", minutes=4, service=item), "email")
        found = points_given_up(period(Span.TODAY, NOW))
        assert found[0] == ("phone", 2)
        assert dict(found) == {"phone": 2, "spouse.name": 1, START: 1, REQUEST: 1, END: 1}

    @pytest.mark.parametrize("visits", [1, 12])
    def test_queries_do_not_grow(self, visits, django_assert_max_num_queries):
        for number in range(visits):
            asked(begun(f"2026-11-18T08:{number:02}", minutes=3 if number % 2 else None), "name")
        shown = period(Span.TODAY, NOW)
        with django_assert_max_num_queries(8):
            visit_figures(shown)
            by_service(shown, 8)
            points_given_up(shown)
            by_step(shown)
