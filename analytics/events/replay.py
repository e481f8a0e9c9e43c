"""Reading from the table what a client of the event socket has not seen yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Min

from analytics.events.feed import events_after, frames
from analytics.events.sequence import last_position
from analytics.events.subscription import Pictures, Subscription
from analytics.models import RecognitionEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVENTS_AT_ONCE = 100
_WITH_PICTURES_AT_ONCE = 10


class UnknownEvent(Exception):
    """There is no event of this id, or no more."""


@dataclass(frozen=True, slots=True)
class Past:
    """Some events that a client missed."""

    events: list[tuple[int, str, bytes]]
    """Position, event_id and frame of each, in order."""
    upto: int
    """Where to go on: everything wanted up to this position is among the events, or was before."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a client begins."""

    position: int
    since: datetime | None = None
    """Of what was recorded before the subscription, only what happened from this time on."""
    now: int = 0
    """The newest event's position at the time of asking."""


def start_at(since: str | int | None) -> Start:
    """Where a client begins that asks for `since`: now for None. Raises UnknownEvent."""
    now = last_position()
    if since is None:
        return Start(now, now=now)
    if isinstance(since, int):
        moment = _EPOCH + timedelta(milliseconds=since)
        first = RecognitionEvent.objects.filter(happened_at__gte=moment).aggregate(first=Min("pk"))["first"]
        return Start(now if first is None else first - 1, moment, now=now)
    position = RecognitionEvent.objects.filter(event_id=since).values_list("pk", flat=True).first()
    if position is None:
        raise UnknownEvent
    return Start(position, now=now)


def read_past(after: int, upto: int, subscription: Subscription, since: datetime | None) -> Past:
    """The next few events between two positions that the subscription wants."""
    limit = _EVENTS_AT_ONCE if subscription.pictures is Pictures.NONE else _WITH_PICTURES_AT_ONCE
    rows = events_after(after).filter(pk__lte=upto)
    if since is not None:
        rows = rows.filter(happened_at__gte=since)
    if subscription.devices:
        rows = rows.filter(device__device_id__in=subscription.devices)
    if subscription.user_types:
        rows = rows.filter(user_type__in=subscription.user_types)
    pictures = subscription.pictures
    events = [(event.pk, event.event_id, frames(event, [pictures])[pictures]) for event in rows[:limit]]
    return Past(events, events[-1][0] if len(events) == limit else upto)
