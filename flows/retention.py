"""How long visits are kept: those that ended are marked, those whose time is over are deleted with all that was said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from flows.dialogue.states import UNDER_WAY
from flows.erasure import Erased, erase_visits
from flows.models import DialogueSession, Turn
from flows.types import SessionState


def overdue_visits(now: datetime) -> QuerySet[DialogueSession]:
    """Visits to be deleted: older than KIOSK_VISIT_DAYS, or never stored and silent for KIOSK_ABANDONED_HOURS.

    A visit that somebody may still go on with is never among them.
    """
    old = Q(created_at__lt=now - timedelta(days=settings.KIOSK.visit_days))
    abandoned = Q(stored_at=None, updated_at__lt=now - timedelta(hours=settings.KIOSK.abandoned_hours))
    return DialogueSession.objects.filter(old | abandoned, expires_at__lt=now)


def lapsed_visits(now: datetime) -> QuerySet[DialogueSession]:
    """Visits whose hash works no more although their state says that they go on."""
    return DialogueSession.objects.filter(state__in=UNDER_WAY, expires_at__lt=now)


def would_erase(now: datetime) -> Erased:
    """What erase_overdue() would delete."""
    visits = overdue_visits(now)
    turns = Turn.objects.filter(session__in=visits)
    return Erased(visits=visits.count(), turns=turns.count(), recordings=turns.exclude(audio="").count())


def mark_lapsed(now: datetime) -> int:
    """Marks lapsed visits as expired, in one statement, so that one that is just going on again is left alone."""
    return lapsed_visits(now).update(state=SessionState.EXPIRED)


def erase_overdue(now: datetime, batch_size: int = 100) -> Iterator[Erased]:
    """Deletes overdue visits in batches, each a transaction of its own, the oldest first; yields what each one took."""
    while ids := list(overdue_visits(now).order_by("pk").values_list("pk", flat=True)[:batch_size]):
        # Asked again inside: a visit may have gone on since.
        yield erase_visits(overdue_visits(now).filter(pk__in=ids))
