"""Visits: who is before a camera now, or was a moment ago. One event a visit.

A visit lasts until its person has been out of sight for the device's cooldown: who stays, or comes back sooner, is the same
visit. A file that begins anew ends the visits of the round before; their persons get an event again once the cooldown has passed
since the last one. How long a visit lasts is written to its event (`seen_until`), so that a watcher that starts anew, after
whatever end, goes on with the visits that were under way.

Nobody is out of sight while nobody looks: the time in which a watcher was dead, or a camera broken, does not count, up to
FORGIVEN_SECONDS. Else whoever stands there while a watcher is started again, for longer than the cooldown, were recorded twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from analytics.models import MediaDevice, RecognitionEvent

SAVE_SECONDS = 5.0
"""How often `seen_until` is written."""
SHORTEST_SECONDS = 3.0
"""Less than this no visit is interrupted by: a head that is turned away is not gone."""
GAP_SECONDS = 1.0
"""Of the time between two looks, what is more than this is time in which nobody looked."""
FORGIVEN_SECONDS = 120.0
"""The longest pause before a watcher is started again, and its start; who comes after a longer time comes anew."""
_NEWEST = 1000


def person_key(pk: int) -> str:
    return f"person {pk}"


def stranger_key(stranger_id: str) -> str:
    return f"stranger {stranger_id}"


@dataclass(slots=True)
class Visit:
    """One visit."""

    event_id: str
    event_at: datetime
    seen_at: datetime
    saved_at: datetime
    away_since: datetime
    """When the person was last seen, put off by the time in which nobody looked."""
    left: bool = False
    """The file has begun anew since."""


class Visits:
    """Those before one device. Used by one thread at a time."""

    def __init__(self, cooldown_seconds: float) -> None:
        self.set_cooldown(cooldown_seconds)
        self._visits: dict[str, Visit] = {}
        self._looked_at: datetime | None = None

    def set_cooldown(self, seconds: float) -> None:
        """From now on, for the visits under way too."""
        self.cooldown = timedelta(seconds=max(SHORTEST_SECONDS, seconds))

    def look(self, at: datetime) -> None:
        """To be called for every picture, before `see`: where the last one is long ago, nobody looked meanwhile."""
        if self._looked_at is not None:
            unseen = (at - self._looked_at).total_seconds() - GAP_SECONDS
            if unseen > 0:
                put_off = timedelta(seconds=min(unseen, FORGIVEN_SECONDS))
                for visit in self._visits.values():
                    visit.away_since += put_off
        self._looked_at = at

    def see(self, key: str, at: datetime) -> Visit | None:
        """The visit under way, extended to now; None where there is none, so that a new one begins."""
        visit = self._visits.get(key)
        if visit is None:
            return None
        since = visit.event_at if visit.left else visit.away_since
        if at - since >= self.cooldown:
            del self._visits[key]
            return None
        visit.seen_at = visit.away_since = max(visit.seen_at, at)
        return visit

    def begin(self, key: str, event_id: str, at: datetime) -> None:
        self._visits[key] = Visit(event_id, at, at, at, at)

    def resume(self, key: str, event_id: str, event_at: datetime, seen_at: datetime, looked_at: datetime) -> None:
        """A visit of before the start; `looked_at` is when the device was looked at last, as far as is known."""
        self._looked_at = looked_at
        known = self._visits.get(key)
        if known is None or known.seen_at < seen_at:
            # Who was there to the last has been written down SAVE_SECONDS ago.
            away_since = max(seen_at, min(looked_at, seen_at + timedelta(seconds=SAVE_SECONDS)))
            self._visits[key] = Visit(event_id, event_at, seen_at, seen_at, away_since)

    def all_left(self) -> None:
        """The file begins anew."""
        for visit in self._visits.values():
            visit.left = True

    def unsaved(self) -> list[tuple[str, datetime]]:
        """event_id and `seen_until` of the visits whose rows are behind; to be called once all who are there were seen."""
        behind = [one for one in self._visits.values() if (one.seen_at - one.saved_at).total_seconds() >= SAVE_SECONDS]
        for visit in behind:
            visit.saved_at = visit.seen_at
        return [(visit.event_id, visit.seen_at) for visit in behind]

    def forget_past(self, now: datetime) -> None:
        """Drops the visits that are over."""
        self._visits = {key: visit for key, visit in self._visits.items() if now - visit.away_since < self.cooldown}


def last_look(device: MediaDevice) -> datetime | None:
    """When the device was looked at last, as far as its row and its events say, some seconds behind; None where never."""
    newest = RecognitionEvent.objects.filter(device=device).order_by("-pk")[:_NEWEST]
    latest = newest.aggregate(Max("happened_at"), Max("seen_until"))
    return max((time for time in (device.last_seen_at, *latest.values()) if time is not None), default=None)


def recent_events(device: MediaDevice, now: datetime) -> list[RecognitionEvent]:
    """The events whose visits to the device may still be under way `now`, the oldest first."""
    since = now - timedelta(seconds=SAVE_SECONDS + max(SHORTEST_SECONDS, device.cooldown_seconds))
    rows = RecognitionEvent.objects.filter(device=device)
    return list((rows.filter(happened_at__gt=since) | rows.filter(seen_until__gt=since)).order_by("pk"))


def save_seen_until(rows: list[tuple[str, datetime]]) -> None:
    """Writes how long visits have lasted."""
    for event_id, at in rows:
        RecognitionEvent.objects.filter(event_id=event_id).update(seen_until=at)
