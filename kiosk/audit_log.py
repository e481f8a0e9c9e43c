"""How entries of the audit log are put for staff: who did what to what, in words, without another query for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from auditlog.models import LogEntry
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kiosk.runtime.access import Use

_NOTHING = "None"
"""What auditlog writes for a value that is not there."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of an entry."""

    field: str
    before: str
    after: str


def actor(entry: LogEntry) -> str:
    """The signed-in user, the API client or command, or the system itself."""
    if entry.actor is not None:
        return str(entry.actor)
    details = entry.additional_data or {}
    return str(details.get("client") or entry.actor_email or _("system"))


def resource(entry: LogEntry) -> str:
    """What kind of thing it was, and which."""
    kind = capfirst(str(entry.content_type.name))
    return f"{kind} {entry.object_repr}".strip()


def changes(entry: LogEntry) -> Iterator[Change]:
    """The fields that changed, with their values as the log keeps them: masked where they are personal, none where empty."""
    for name, change in sorted((entry.changes or {}).items()):
        field = _field(entry, name)
        label = capfirst(str(getattr(field, "verbose_name", name)))
        if isinstance(change, dict):
            objects = ", ".join(change.get("objects", []))
            removed = change.get("operation") == "delete"
            yield Change(label, objects if removed else "", "" if removed else objects)
        else:
            before, after = (_value(field, value) for value in change)
            if before or after:
                yield Change(label, before, after)


@dataclass(frozen=True, slots=True)
class Removed:
    """How much of one kind went with what was deleted."""

    name: str
    count: int


def removed(entry: LogEntry) -> Iterator[Removed]:
    """What went with a deleted row, as whoever deleted it counted; nothing where they did not."""
    if entry.action != LogEntry.Action.DELETE:
        return
    if count := (entry.additional_data or {}).get("count"):
        yield Removed(_("records"), int(count))
    changes = entry.changes or {}
    for name, label in _PARTS.items():
        if name in changes and changes[name][1] == "0":
            yield Removed(capfirst(label()), int(changes[name][0]))


# In the order in which they are told: PostgreSQL keeps none of its own.
_PARTS: dict[str, Callable[[], str]] = {
    "relatives": lambda: _("family members"),
    "visits": lambda: _("visits"),
    "turns": lambda: _("turns of conversations"),
    "recordings": lambda: _("recordings"),
    "intervals": lambda: _("intervals"),
    "faces": lambda: _("faces seen"),
    "plates": lambda: _("plates seen"),
}


def use(entry: LogEntry) -> str:
    """What rows were read for, and how many; empty where nothing was only read."""
    details = entry.additional_data or {}
    if entry.action != LogEntry.Action.ACCESS:
        return ""
    if details.get("use") not in Use.values:
        return _("Opened unmasked")
    count = int(details.get("count", 0))
    rows = ngettext("%(count)d record", "%(count)d records", count) % {"count": count}
    extra = [f"{_DETAILS[key]()}: {details[key]}" for key in _DETAILS if key in details]
    return "; ".join([f"{Use(details['use']).label}, {rows}", *extra])


_DETAILS = {"faces": lambda: _("faces on the photo"), "format": lambda: _("format")}


def _field(entry: LogEntry, name: str) -> Any:
    model = entry.content_type.model_class()
    if model is None:
        return None
    try:
        return model._meta.get_field(name)  # noqa: SLF001 - Django's documented API
    except FieldDoesNotExist:
        return None


def _value(field: Any, value: Any) -> str:
    if value in {None, "", _NOTHING}:
        return ""
    if isinstance(field, models.DateTimeField):
        return _local_time(str(value))
    return str(dict(getattr(field, "flatchoices", None) or ()).get(value, value))


def _local_time(text: str) -> str:
    """The log has times in UTC without saying so."""
    time = parse_datetime(text)
    if time is None:
        return text
    return date_format(localtime(time.replace(tzinfo=time.tzinfo or UTC)), "Y-m-d H:i:s")
