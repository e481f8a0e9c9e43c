"""Figures of what the cameras saw, against made-up events and videos."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics.figures import EventFigures, Passed, event_figures, events_by_step, passed_by_step
from analytics.models import MediaDevice, RecognitionEvent, Video, VideoInterval, VideoState
from faces.models import Person, UserType
from kiosk.runtime.figures import Span, period

pytestmark = pytest.mark.django_db

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 18, 10, 30, tzinfo=SHANGHAI)
TODAY, WEEK = period(Span.TODAY, NOW), period(Span.WEEK, NOW)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.fixture
def device() -> MediaDevice:
    return MediaDevice.objects.create(name="大门")


def event(device: MediaDevice, moment: str, person: Person | None = None, **changes: object) -> RecognitionEvent:
    fields = {
        "event_id": f"e{RecognitionEvent.objects.count()}",
        "user_type": person.user_type if person else UserType.STRANGER,
        "stranger_id": "" if person else "s1",
        "score": 90,
    }
    return RecognitionEvent.objects.create(device=device, happened_at=at(moment), person=person, **(fields | changes))


def video(recorded: str | None, *passed: tuple[int, int, int], interval_ms: int = 60_000, **changes: object) -> Video:
    """`passed`: position, people and vehicles of intervals."""
    made = Video.objects.create(
        file="videos/x",
        sha256="0" * 64,
        size_bytes=1,
        interval_ms=interval_ms,
        recorded_at=at(recorded) if recorded else None,
        **({"state": VideoState.DONE} | changes),
    )
    VideoInterval.objects.bulk_create(
        VideoInterval(
            video=made,
            position=position,
            start_ms=position * interval_ms,
            people=9,
            vehicles=9,
            people_passed=people,
            vehicles_passed=vehicles,
        )
        for position, people, vehicles in passed
    )
    return made


class TestEvents:
    def test_counts(self, device):
        lin, wang = (Person.objects.create(name=name, number=name, user_type=UserType.VIP) for name in ("lin", "wang"))
        black = Person.objects.create(name="b", number="b", user_type=UserType.BLACKLIST)
        for who in (lin, lin, wang, black, None, None, None):
            event(device, "2026-11-18T09:00", who)
        event(device, "2026-11-18T09:00", None, user_type=UserType.EMPLOYEE, identity_id="box-7")
        event(device, "2026-11-17T23:59:59", lin)
        event(device, "2026-11-19T00:00:00", lin)
        assert event_figures(TODAY) == EventFigures(events=8, recognised=5, people=3, strangers=3, blacklisted=1)
        assert events_by_step(TODAY) == {at("2026-11-18T09:00"): (5, 3)}
        assert events_by_step(WEEK) == {
            at("2026-11-17"): (1, 0),
            at("2026-11-18"): (5, 3),
            at("2026-11-19"): (1, 0),
        }

    def test_none(self):
        assert event_figures(TODAY) == EventFigures(0, 0, 0, 0, 0)


class TestPassed:
    def test_an_interval_counts_in_its_own_hour(self):
        video("2026-11-18T08:50:30", (0, 1, 0), (9, 2, 0), (10, 4, 1), (130, 8, 0))
        assert passed_by_step(TODAY) == {
            at("2026-11-18T08:00"): Passed(3, 0),
            at("2026-11-18T09:00"): Passed(4, 1),
            at("2026-11-18T11:00"): Passed(8, 0),
        }

    def test_over_midnight(self):
        video("2026-11-17T23:59:00", (0, 1, 1), (1, 2, 2))
        video("2026-11-18T23:59:00", (0, 4, 4), (1, 8, 8))
        assert passed_by_step(TODAY) == {at("2026-11-18T00:00"): Passed(2, 2), at("2026-11-18T23:00"): Passed(4, 4)}
        week = passed_by_step(WEEK)
        assert [week[at(f"2026-11-{day}")].people for day in (17, 18, 19)] == [1, 6, 8]

    @pytest.mark.parametrize(
        ("recorded", "changes"),
        [(None, {}), ("2026-11-18T08:00", {"state": VideoState.RUNNING}), ("2026-11-18T08:00", {"state": VideoState.FAILED})],
        ids=["no-time", "running", "failed"],
    )
    def test_left_out(self, recorded, changes):
        video(recorded, (0, 1, 1), **changes)
        assert passed_by_step(TODAY) == {}

    def test_queries_do_not_grow(self, device, django_assert_num_queries):
        for hour in range(5):
            video(f"2026-11-18T0{hour}:00", *((position, 1, 1) for position in range(20)))
            event(device, f"2026-11-18T0{hour}:00")
        with django_assert_num_queries(3):
            assert sum(one.people for one in passed_by_step(TODAY).values()) == 100
            event_figures(TODAY)
            events_by_step(TODAY)

    def test_small_intervals_across_the_hour(self):
        video("2026-11-18T08:59:59", (9, 1, 0), (10, 2, 0), interval_ms=100)
        assert passed_by_step(TODAY) == {at("2026-11-18T08:00"): Passed(1, 0), at("2026-11-18T09:00"): Passed(2, 0)}


def test_a_video_longer_than_a_period_is_seen(settings):
    """The longest video that the settings allow, begun the day before."""
    longest = timedelta(days=1)
    made = video("2026-11-17T10:00")
    last = int((longest - timedelta(minutes=1)) / timedelta(minutes=1))
    VideoInterval.objects.create(
        video=made, position=last, start_ms=last * 60_000, people=0, vehicles=0, people_passed=3, vehicles_passed=0
    )
    assert passed_by_step(TODAY) == {at("2026-11-18T09:00"): Passed(3, 0)}
