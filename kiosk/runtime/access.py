"""Reading that belongs in the audit log although it changes nothing: many personal rows at once, and what for.

A single row that is opened is noted with auditlog's `accessed` signal; this is for lists, searches and exports. The entry hangs
on the model, not on a row, and says in `additional_data` how many rows were read and which, by ids that tell of nobody.
"""

from __future__ import annotations

from collections.abc import Collection

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils.translation import gettext_lazy as _

from kiosk.runtime.audit import audit_details

_MOST_IDS = 500
"""An export of a whole gallery is noted by its number of rows alone."""


class Use(models.TextChoices):
    """What personal rows were read for."""

    LIST = "list", _("Listed unmasked")
    IDENTIFY = "identify", _("Identified on a photo")
    EXPORT = "export", _("Exported")
    SEARCH = "search", _("Searched for in videos")
    FOLLOW = "follow", _("Followed as they happen")


def note_use(model: type[models.Model], use: Use, ids: Collection[str], **details: str | int) -> None:
    """Writes one ACCESS entry for `model`: who (from the request under way), when, what for, how many rows and which.

    `ids` and `details` must not say anything about a person.
    """
    noted: dict[str, str | int | list[str]] = {**(audit_details() or {}), "use": use.value, "count": len(ids), **details}
    if len(ids) <= _MOST_IDS:
        noted["ids"] = list(ids)
    LogEntry.objects.create(
        content_type=ContentType.objects.get_for_model(model),
        object_pk="",
        object_repr="",
        action=LogEntry.Action.ACCESS,
        additional_data=noted,
    )
