"""What changed in a citizen's record since a visit began, as the audit log has it: when, by whom, which fields; no values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from flows.models import Citizen, DialogueSession, Relative
from flows.types import FamilyMember, Slot

_SHOWN: Final = 30
_ACTIONS: Final = (LogEntry.Action.CREATE, LogEntry.Action.UPDATE, LogEntry.Action.DELETE)


@dataclass(frozen=True, slots=True)
class RecordChange:
    """One change of the record."""

    at: datetime
    by: str
    """A member of staff, an API client, or the kiosk itself."""
    about: str
    """Whose: the citizen's own data is "", a relative's is named."""
    fields: list[str]
    added: bool
    removed: bool


def changes_of(visit: DialogueSession) -> list[RecordChange]:
    """In order, at most 30; none where the visit has no citizen. Two queries, and the relatives that were read already."""
    if visit.citizen is None:
        return []
    kinds = ContentType.objects.get_for_models(Citizen, Relative)
    relatives = {str(relative.pk): relative.relation for relative in visit.citizen.relatives.all()}
    about = Q(content_type=kinds[Citizen], object_pk=str(visit.citizen.pk))
    about |= Q(content_type=kinds[Relative], object_pk__in=relatives)
    entries = LogEntry.objects.filter(about, timestamp__gte=visit.created_at, action__in=_ACTIONS).select_related("actor")
    found = []
    for entry in entries.order_by("timestamp", "pk")[:_SHOWN]:
        fields = [capfirst(str(Slot(name).label)) for name in Slot.values if name in (entry.changes or {})]
        if fields:
            relation = relatives.get(entry.object_pk, "") if entry.content_type_id == kinds[Relative].pk else ""
            about_whom = capfirst(str(FamilyMember(relation).label)) if relation else ""
            added, removed = entry.action == LogEntry.Action.CREATE, entry.action == LogEntry.Action.DELETE
            found.append(RecordChange(entry.timestamp, _actor(entry), about_whom, fields, added, removed))
    return found


def _actor(entry: LogEntry) -> str:
    if entry.actor is not None:
        return str(entry.actor)
    return str((entry.additional_data or {}).get("client") or _("kiosk"))
