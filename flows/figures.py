"""Figures of visits: how many, for what, how long they took, where people gave up. Reads only; counts, never names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Case, Count, Expression, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, NullIf, TruncDay, TruncHour

from flows.models import DialogueSession, Turn
from flows.review import waiting
from flows.types import SessionState, Speaker
from kiosk.runtime.figures import Period

REQUEST: Final = "request"
"""Given up before the service was found."""
START: Final = "start"
"""Given up before the first question."""
END: Final = "end"
"""Given up after the last question, before anything was stored."""


@dataclass(frozen=True, slots=True)
class VisitFigures:
    """Of the visits that began in a period, but for those that wait."""

    visits: int
    visits_before: int
    """In the period before, as far as this one has come."""
    stored: int
    given_up: int
    median: timedelta | None
    """From the handshake to the storage, of the stored ones; None where there is none."""
    waiting: int
    """For a review, whenever they began."""
    waiting_since: datetime | None
    """When the one that waits longest was stored."""


@dataclass(frozen=True, slots=True)
class ServiceCount:
    """Visits for one service; `service_id` is None where none was found, or it is gone from the catalogue."""

    service_id: int | None
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class StepCount:
    """Visits that began in one hour or day, by what became of them."""

    stored: int = 0
    given_up: int = 0
    others: int = 0
    """Still under way."""


def gave_up(now: datetime) -> Q:
    """Visits that nobody goes on with and that were never stored."""
    return Q(stored_at=None) & (Q(state=SessionState.EXPIRED) | Q(expires_at__lt=now))


def with_last_point(visits: QuerySet[DialogueSession]) -> QuerySet[Any]:
    """Adds `last_point`: how far a visit came: REQUEST, START, the slot that was asked for last, or END."""
    asked = Turn.objects.filter(session=OuterRef("pk"), speaker=Speaker.KIOSK).exclude(slot="").order_by("-position")
    point = Case(
        When(answered_at__isnull=False, then=Value(END)),
        When(service=None, classify="", then=Value(REQUEST)),
        default=Coalesce(Subquery(asked.values("slot")[:1]), Value(START)),
    )
    return visits.annotate(last_point=point)


def visit_figures(period: Period) -> VisitFigures:
    """Five queries."""
    begun = _begun(period)
    counts = begun.aggregate(
        visits=Count("pk"),
        stored=Count("pk", filter=Q(stored_at__isnull=False)),
        given_up=Count("pk", filter=gave_up(period.now)),
    )
    start, end = period.before()
    queue = waiting().aggregate(count=Count("pk"))
    longest = waiting().values_list("stored_at", flat=True).first() if queue["count"] else None
    return VisitFigures(
        **counts,
        visits_before=DialogueSession.objects.filter(created_at__gte=start, created_at__lt=end).count(),
        median=_median(begun, counts["stored"]),
        waiting=queue["count"],
        waiting_since=longest,
    )


def by_service(period: Period, most: int) -> list[ServiceCount]:
    """The services asked for most, the most frequent first. One query."""
    named = Coalesce(NullIf("service__name", Value("")), "classify")
    rows = _begun(period).values("service", name=named).annotate(count=Count("pk")).order_by("-count", "name")
    return [ServiceCount(row["service"], row["name"], row["count"]) for row in rows[:most]]


def points_given_up(period: Period) -> list[tuple[str, int]]:
    """Where people gave up and how many, the most frequent first: a slot, "spouse.name", REQUEST, START or END. One query."""
    visits = with_last_point(_begun(period).filter(gave_up(period.now)))
    rows = visits.order_by().values("last_point").annotate(count=Count("pk")).order_by("-count", "last_point")
    return [(row["last_point"], row["count"]) for row in rows]


def by_step(period: Period) -> Mapping[datetime, StepCount]:
    """Visits by the hour or day in which they began; hours and days without one are left out. One query."""
    step: Expression = TruncHour("created_at") if period.hourly else TruncDay("created_at")
    stored, given_up = Q(stored_at__isnull=False), gave_up(period.now)
    rows: Any = (
        _begun(period)
        .values(step=step)
        .annotate(
            stored=Count("pk", filter=stored),
            given_up=Count("pk", filter=given_up),
            others=Count("pk", filter=~stored & ~given_up),
        )
    )
    return {row["step"]: StepCount(row["stored"], row["given_up"], row["others"]) for row in rows}


def _begun(period: Period) -> QuerySet[DialogueSession]:
    return DialogueSession.objects.filter(created_at__gte=period.start, created_at__lt=period.end).order_by()


def _median(visits: QuerySet[DialogueSession], stored: int) -> timedelta | None:
    """Of `stored` visits, by the database's own order: none of them is read but the one or two in the middle."""
    if not stored:
        return None
    lengths = visits.filter(stored_at__isnull=False).annotate(length=F("stored_at") - F("created_at")).order_by("length")
    middle: list[timedelta] = list(lengths.values_list("length", flat=True)[(stored - 1) // 2 : stored // 2 + 1])
    # Between the count and now one may have been deleted.
    return sum(middle, timedelta()) / len(middle) if middle else None
