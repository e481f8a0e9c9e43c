"""What the front page of the admin shows: each app registers a panel of its own figures, the page puts them together.

Every number leads to the records behind it. A panel is made in a request's thread, with a number of queries that does not grow
with the records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise

Text = str | Promise


class Span(StrEnum):
    """How far back the front page looks."""

    TODAY = "today"
    WEEK = "week"
    """Since Monday."""
    MONTH = "month"
    """The last 30 days, today among them."""


_DAYS_OF_MONTH = 30


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of the hall's time zone: from `start` up to, not including, `end`, both aware."""

    span: Span
    start: datetime
    end: datetime
    now: datetime

    @property
    def hourly(self) -> bool:
        """Whether charts of it go by the hour, not by the day."""
        return self.span is Span.TODAY

    def steps(self) -> list[datetime]:
        """The beginnings of its hours or days, as the hall's clock has them."""
        start = timezone.localtime(self.start)
        if self.hourly:
            # In absolute time: where clocks are changed, a day has 23 or 25 hours.
            first, end = self.start.astimezone(UTC), self.end.astimezone(UTC)
            hours = round((end - first) / timedelta(hours=1))
            return [timezone.localtime(first + timedelta(hours=hour)) for hour in range(hours)]
        days = (timezone.localtime(self.end).date() - start.date()).days
        return [_midnight(start + timedelta(days=day)) for day in range(days)]

    def label(self, step: datetime) -> str:
        """A step as the axis of a chart names it."""
        return date_format(step, "H:i" if self.hourly else "n-j")

    def before(self) -> tuple[datetime, datetime]:
        """The period of the same length before this one, as far as this one has come."""
        days = timezone.localtime(self.end).date() - timezone.localtime(self.start).date()
        start, now = timezone.localtime(self.start), timezone.localtime(min(self.now, self.end))
        return _midnight(start - days), timezone.make_aware(now.replace(tzinfo=None) - days)

    def lookup(self, column: str) -> dict[str, str]:
        """What narrows a list of the admin down to this period, for its address."""
        return {f"{column}__gte": str(timezone.localtime(self.start)), f"{column}__lt": str(timezone.localtime(self.end))}


def period(span: Span, now: datetime) -> Period:
    """The period that holds `now`, in the current time zone."""
    today = _midnight(timezone.localtime(now))
    tomorrow = _midnight(today + timedelta(days=1))
    match span:
        case Span.TODAY:
            return Period(span, today, tomorrow, now)
        case Span.WEEK:
            monday = _midnight(today - timedelta(days=today.weekday()))
            return Period(span, monday, _midnight(monday + timedelta(days=7)), now)
        case Span.MONTH:
            return Period(span, _midnight(today - timedelta(days=_DAYS_OF_MONTH - 1)), tomorrow, now)


def _midnight(moment: datetime) -> datetime:
    return timezone.make_aware(datetime.combine(moment.date(), time.min))


@dataclass(frozen=True, slots=True)
class Number:
    """One figure in large type."""

    label: Text
    value: str
    note: Text = ""
    url: str = ""
    urgent: bool = False
    """Something waits for somebody."""


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one colour of a chart, one for each of its labels."""

    label: Text
    values: Sequence[int]
    colour: str
    """The name of one of the page's chart colours: first, second, third, quiet."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars over hours or days, stacked; beside the picture its table, for whoever can't see it."""

    key: str
    """Names it within the page; a plain word."""
    title: Text
    labels: Sequence[str]
    series: Sequence[Series]
    urls: Sequence[str] = ()
    """Where the records behind each label are; as many as labels, or none."""

    @property
    def empty(self) -> bool:
        return not any(any(series.values) for series in self.series)

    @property
    def data_id(self) -> str:
        """The id of the element that holds `data` on the page."""
        return f"data-{self.key}"

    @property
    def data(self) -> dict[str, Any]:
        """What the script draws."""
        return {
            "labels": list(self.labels),
            "urls": list(self.urls),
            "series": [{"label": str(one.label), "values": list(one.values), "colour": one.colour} for one in self.series],
        }

    @property
    def rows(self) -> list[tuple[str, str, list[int]]]:
        """The table: label, address, values."""
        urls = self.urls or [""] * len(self.labels)
        values = zip(*(series.values for series in self.series), strict=True)
        return [(label, url, list(row)) for label, url, row in zip(self.labels, urls, values, strict=True)]


@dataclass(frozen=True, slots=True)
class Share:
    """One line of a breakdown."""

    label: Text
    count: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A total by kind, the largest first."""

    title: Text
    shares: Sequence[Share]
    nothing: Text = ""
    """What is said where there is none."""
    note: Text = ""
    """What has to be known to read it rightly."""

    @property
    def bars(self) -> list[tuple[Share, int]]:
        """Each with its length in percent of the longest."""
        most = max((share.count for share in self.shares), default=0)
        return [(share, round(100 * share.count / most)) for share in self.shares]


@dataclass(frozen=True, slots=True)
class Panel:
    """One app's figures of a period."""

    title: Text
    numbers: Sequence[Number]
    charts: Sequence[Chart] = field(default_factory=list)
    breakdowns: Sequence[Breakdown] = field(default_factory=list)


PanelMaker = Callable[[HttpRequest, Period], Panel | None]
_makers: dict[str, PanelMaker] = {}


def register_panel(name: str, make: PanelMaker) -> None:
    """To be called from an app's ready(). `make` gives None to users who may not see it; the same name again replaces it."""
    _makers[name] = make


def panels(request: HttpRequest, shown: Period) -> list[Panel]:
    """What this user may see, in the order in which the apps registered."""
    made = (make(request, shown) for make in _makers.values())
    return [panel for panel in made if panel is not None]
