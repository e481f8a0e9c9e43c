"""Reading citizens and visits, each way by its name, and noting in the audit log who read them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditlog.signals import accessed
from django.db import models
from django.db.models import Count, IntegerField, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from flows.models import Citizen, DialogueSession, Turn
from kiosk.runtime.access import Use, note_use
from kiosk.runtime.encryption import Undecryptable

_LISTED = ("number", "name", "phone", "id_card", "created_at", "person_id")


def citizens_to_list() -> QuerySet[Citizen]:
    """Citizens with what lists show of them, `visit_count`, and `last_visit`: when the last one began, or None.

    Other columns are not read, so that nothing is decrypted in vain.
    """
    per_citizen = DialogueSession.objects.filter(citizen=OuterRef("pk")).order_by().values("citizen")
    # Subqueries, not a join: the database works them out for the rows of one page only.
    count = Subquery(per_citizen.annotate(count=Count("pk")).values("count"), output_field=IntegerField())
    last = Subquery(per_citizen.annotate(last=Max("created_at")).values("last"))
    return Citizen.objects.only(*_LISTED).annotate(visit_count=Coalesce(count, 0), last_visit=last)


def citizens_matching(citizens: QuerySet[Citizen], text: str, *, exactly: bool) -> QuerySet[Citizen]:
    """Those whose name or number holds `text`, or is it, or whose whole ID number it is, however it is written.

    Exactly where data is masked: parts would tell, guess by guess, what masking hides.
    """
    how = "exact" if exactly else "icontains"
    found = Q(**{f"name__{how}": text}) | Q(**{f"number__{how}": text})
    with_id_card = Citizen.objects.with_id_card(text.replace(" ", "").upper())
    return citizens.filter(found | Q(pk__in=with_id_card.values("pk")))


def visits_to_list() -> QuerySet[DialogueSession]:
    """Visits with their citizen's name, their reviewer and `turn_count`, without what was said, the draft or the summary."""
    turns = Turn.objects.filter(session=OuterRef("pk")).order_by().values("session").annotate(count=Count("pk")).values("count")
    shown = DialogueSession.objects.select_related("citizen", "assigned_to", "reviewed_by").only(
        *("user_id", "citizen__name", "citizen__number", "classify", "state", "review_state", "created_at", "stored_at"),
        *("assigned_to__username", "reviewed_by__username"),
    )
    return shown.annotate(turn_count=Coalesce(Subquery(turns, output_field=IntegerField()), 0))


def visit_to_review(visit_id: int) -> DialogueSession | None:
    """One visit with its citizen, service, reviewer, turns and the citizen's relatives; None where there is none."""
    visits = DialogueSession.objects.select_related("citizen", "citizen__person", "service", "reviewed_by")
    return visits.prefetch_related("turns", "citizen__relatives").filter(pk=visit_id).first()


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a conversation found out; values are JSON, dates in ISO form."""

    citizen: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """By slot."""
    relatives: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """By relation and slot."""


def extracted(visit: DialogueSession) -> Extracted:
    """What the conversation of this visit found out; nothing where it can't be decrypted."""
    try:
        draft = visit.draft or {}
    except Undecryptable:
        return Extracted()
    return Extracted(draft.get("citizen", {}), draft.get("relatives", {}))


def is_readable(*rows: models.Model) -> bool:
    """Whether everything in these rows, and in a citizen's relatives and a visit's turns, can be decrypted."""
    with_parts = [part for row in rows for part in (row, *_parts(row))]
    try:
        for row in with_parts:
            for column in row._meta.concrete_fields:  # noqa: SLF001 - Django's documented API
                column.value_from_object(row)
    except Undecryptable:
        return False
    return True


def _parts(row: models.Model) -> Iterable[models.Model]:
    match row:
        case Citizen():
            return row.relatives.all()
        case DialogueSession():
            return row.turns.all()
        case _:
            return ()


def note_citizen_opened(citizen: Citizen) -> None:
    """Notes in the audit log that somebody saw this citizen's data unmasked."""
    accessed.send(Citizen, instance=citizen)


def note_citizens_listed(citizens: Collection[Citizen]) -> None:
    """Notes in the audit log that somebody saw these citizens' data unmasked in a list."""
    note_use(Citizen, Use.LIST, [str(citizen.pk) for citizen in citizens])


def note_citizens_exported(ids: Collection[int], *, file_format: str, unmasked: bool) -> None:
    """Notes in the audit log that somebody took these citizens' data out of the system."""
    note_use(Citizen, Use.EXPORT, [str(pk) for pk in ids], format=file_format, unmasked=int(unmasked))


def note_visit_opened(visit: DialogueSession) -> None:
    """Notes in the audit log that somebody saw unmasked what was said in this visit."""
    accessed.send(DialogueSession, instance=visit)


def note_visits_listed(visits: Collection[DialogueSession]) -> None:
    """Notes in the audit log that somebody saw these visits' citizens unmasked in a list."""
    note_use(DialogueSession, Use.LIST, [str(visit.pk) for visit in visits])


def note_listened(turn: Turn) -> None:
    """Notes in the audit log that somebody listened to what a citizen said."""
    accessed.send(Turn, instance=turn)
