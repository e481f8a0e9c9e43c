"""Taking citizens and visits out of the system for good: rows, what was said, and its sound."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from auditlog.context import disable_auditlog
from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from flows.models import Citizen, DialogueSession, Relative, Turn
from flows.recordings import delete_recordings
from kiosk.runtime.audit import audit_details


@dataclass(frozen=True, slots=True)
class Erased:
    """How much is, or would be, gone."""

    citizens: int = 0
    relatives: int = 0
    visits: int = 0
    turns: int = 0
    recordings: int = 0

    def __add__(self, other: Erased) -> Erased:
        return Erased(
            self.citizens + other.citizens,
            self.relatives + other.relatives,
            self.visits + other.visits,
            self.turns + other.turns,
            self.recordings + other.recordings,
        )

    def noted(self) -> dict[str, list[str]]:
        """As changes of an audit entry: how many there were, and that none is left."""
        counts = {"relatives": self.relatives, "visits": self.visits, "turns": self.turns, "recordings": self.recordings}
        return {name: [str(count), "0"] for name, count in counts.items() if count}

    def named(self) -> dict[str, int]:
        """For staff: what, in the language of the page, and how many."""
        counts = {
            Citizen._meta.verbose_name_plural: self.citizens,  # noqa: SLF001 - Django's documented API
            Relative._meta.verbose_name_plural: self.relatives,  # noqa: SLF001
            DialogueSession._meta.verbose_name_plural: self.visits,  # noqa: SLF001
            Turn._meta.verbose_name_plural: self.turns,  # noqa: SLF001
            _("recordings"): self.recordings,
        }
        return {str(name): count for name, count in counts.items() if count}


def visits_of(citizens: Collection[Citizen]) -> QuerySet[DialogueSession]:
    """Their visits, those included that ended before the citizen was stored and know only the number."""
    numbers = [citizen.number for citizen in citizens]
    return DialogueSession.objects.filter(Q(citizen__in=citizens) | Q(user_id__in=numbers))


def extent(citizens: Collection[Citizen]) -> Erased:
    """What erasing these citizens would take with it."""
    visits = visits_of(citizens)
    turns = Turn.objects.filter(session__in=visits)
    relatives = Relative.objects.filter(citizen__in=citizens)
    return Erased(len(citizens), relatives.count(), visits.count(), turns.count(), turns.exclude(audio="").count())


def extent_of_visits(visits: Collection[DialogueSession]) -> Erased:
    """What erasing these visits would take with it."""
    turns = Turn.objects.filter(session__in=visits)
    return Erased(visits=len(visits), turns=turns.count(), recordings=turns.exclude(audio="").count())


def erase_citizens(citizens: Collection[Citizen]) -> Erased:
    """Deletes citizens with everything that was said and stored about them. The face of the person stays: faces erases it.

    One audit entry for each citizen says how much went, not what it was.
    """
    erased = Erased()
    for citizen in citizens:
        with transaction.atomic():
            locked = Citizen.objects.select_for_update().filter(pk=citizen.pk).only("pk", "number").first()
            if locked is None:
                continue
            gone = Erased(citizens=1, relatives=locked.relatives.count()) + _delete_visits(visits_of([locked]))
            with disable_auditlog():
                locked.delete()
            note_erasure(Citizen, str(citizen.pk), str(citizen), gone)
        erased += gone
    return erased


def erase_visits(visits: QuerySet[DialogueSession]) -> Erased:
    """Deletes visits with everything that was said in them; the caller writes the audit entry."""
    with transaction.atomic():
        return _delete_visits(visits)


def note_erasure(model: type[models.Model], pk: str, name: str, erased: Erased, **details: Any) -> None:
    """Writes one DELETE entry; `name` and `details` must not say anything about a person."""
    LogEntry.objects.create(
        content_type=ContentType.objects.get_for_model(model),
        object_pk=pk,
        object_id=int(pk) if pk else None,
        object_repr=name,
        action=LogEntry.Action.DELETE,
        changes=erased.noted(),
        additional_data={**(audit_details() or {}), **details} or None,
    )


def _delete_visits(visits: QuerySet[DialogueSession]) -> Erased:
    """Inside a transaction. Nothing is decrypted: what is deleted need not be readable."""
    ids = list(visits.select_for_update().values_list("pk", flat=True))
    turns = Turn.objects.filter(session__in=ids)
    recordings = list(turns.exclude(audio="").values_list("audio", flat=True))
    with disable_auditlog():
        turn_count, _each = turns.only("pk").delete()
        visit_count, _each = DialogueSession.objects.filter(pk__in=ids).only("pk").delete()
    transaction.on_commit(lambda: delete_recordings(recordings))
    return Erased(visits=visit_count, turns=turn_count, recordings=len(recordings))
