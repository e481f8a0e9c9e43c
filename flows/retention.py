"""How long visits and citizens are kept: visits that ended are marked, and what is overdue is deleted with all that was said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from flows.dialogue.states import UNDER_WAY
from flows.erasure import Erased, erase_citizens, erase_visits
from flows.models import Citizen, DialogueSession, Turn
from flows.types import SessionState
from kiosk.runtime.retention import Retention, register_retention

_CITIZENS_AT_ONCE = 100


def register() -> None:
    """Has overdue citizens deleted; after their visits, which the command deletes itself."""
    register_retention(Retention("citizens", _count_citizens, _enforce_citizens))


def overdue_citizens(now: datetime) -> QuerySet[Citizen]:
    """Citizens whose record nobody changed for KIOSK_CITIZEN_DAYS, and who were not there either; none where that is 0."""
    days = settings.KIOSK.citizen_days
    if not days:
        return Citizen.objects.none()
    since = now - timedelta(days=days)
    lately = DialogueSession.objects.filter(
        Q(citizen=OuterRef("pk")) | Q(user_id=OuterRef("number")), Q(created_at__gte=since) | Q(expires_at__gte=now)
    )
    return Citizen.objects.filter(~Exists(lately), updated_at__lt=since)


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


def _count_citizens(now: datetime) -> str:
    return f"{overdue_citizens(now).count()} citizens would be deleted"


def _enforce_citizens(now: datetime) -> str:
    erased = Erased()
    while ids := list(overdue_citizens(now).order_by("pk").values_list("pk", flat=True)[:_CITIZENS_AT_ONCE]):
        # Only what erasing needs: what nobody can decrypt any more can be deleted still.
        batch = erase_citizens(list(Citizen.objects.filter(pk__in=ids).only("pk", "number")))
        if not batch.citizens:
            break
        erased += batch
    return f"{erased.citizens} citizens deleted, with {erased.relatives} family members and {erased.visits} visits"
