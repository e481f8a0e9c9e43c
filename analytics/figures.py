"""Figures of what the cameras saw: people recognised, strangers, and who was counted in videos. Counts, never names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Q, QuerySet, Sum
from django.db.models.functions import ExtractMinute, ExtractSecond, TruncDay, TruncHour
from django.utils import timezone

from analytics.models import RecognitionEvent, VideoInterval, VideoState
from faces.models import UserType
from kiosk.runtime.figures import Period

_SECOND_MS: Final = 1000
_MINUTE_MS: Final = 60 * _SECOND_MS
_HOUR_MS: Final = 60 * _MINUTE_MS
_LONGEST_VIDEO: Final = timedelta(days=1)
"""The most that KIOSK_VIDEO_SECONDS allows."""
RECOGNISED: Final = ~Q(user_type=UserType.STRANGER) | Q(person__isnull=False)
"""Events of somebody who was enrolled, here or in the box that reported it."""


@dataclass(frozen=True, slots=True)
class EventFigures:
    """Of the recognition events of a period."""

    events: int
    recognised: int
    """Events of enrolled people."""
    people: int
    """Different enrolled people, as far as they are still enrolled here."""
    strangers: int
    """Events of strangers."""
    blacklisted: int


@dataclass(frozen=True, slots=True)
class Passed:
    """How many different people and vehicles were counted."""

    people: int = 0
    vehicles: int = 0


def event_figures(period: Period) -> EventFigures:
    """One query."""
    return EventFigures(
        **_events(period).aggregate(
            events=Count("pk"),
            recognised=Count("pk", filter=RECOGNISED),
            people=Count("person", distinct=True),
            strangers=Count("pk", filter=~RECOGNISED),
            blacklisted=Count("pk", filter=Q(user_type=UserType.BLACKLIST)),
        )
    )


def events_by_step(period: Period) -> Mapping[datetime, tuple[int, int]]:
    """Events of enrolled people and of strangers, by hour or day; hours and days without one are left out. One query."""
    step = TruncHour("happened_at") if period.hourly else TruncDay("happened_at")
    rows: Any = (
        _events(period)
        .values(step=step)
        .annotate(recognised=Count("pk", filter=RECOGNISED), strangers=Count("pk", filter=~RECOGNISED))
    )
    return {row["step"]: (row["recognised"], row["strangers"]) for row in rows}


def passed_by_step(period: Period) -> Mapping[datetime, Passed]:
    """People and vehicles counted in videos, by the hour or day in which they passed; steps without any are left out.

    Videos of which nobody said when they were recorded can't be placed and are left out. One query; a row for each hour of video.
    """
    into_hour = ExtractMinute("video__recorded_at") * _MINUTE_MS + ExtractSecond("video__recorded_at") * _SECOND_MS
    hours = ExpressionWrapper((F("start_ms") + into_hour) / _HOUR_MS, output_field=BigIntegerField())
    # An hour of which any part lies in the period belongs to a video that began at most the longest video before it.
    intervals = VideoInterval.objects.filter(
        video__state=VideoState.DONE, video__recorded_at__gte=period.start - _LONGEST_VIDEO, video__recorded_at__lt=period.end
    )
    rows: Any = (
        intervals.order_by()
        .values(hour=TruncHour("video__recorded_at"), hours=hours)
        .annotate(people=Sum("people_passed"), vehicles=Sum("vehicles_passed"))
    )
    people: Counter[datetime] = Counter()
    vehicles: Counter[datetime] = Counter()
    for row in rows:
        moment = timezone.localtime(row["hour"].astimezone(UTC) + timedelta(hours=row["hours"]))
        if period.start <= moment < period.end and (row["people"] or row["vehicles"]):
            step = moment if period.hourly else moment.replace(hour=0)
            people[step] += row["people"]
            vehicles[step] += row["vehicles"]
    return {step: Passed(people[step], vehicles[step]) for step in people}


def _events(period: Period) -> QuerySet[RecognitionEvent]:
    return RecognitionEvent.objects.filter(happened_at__gte=period.start, happened_at__lt=period.end).order_by()
