"""Notes of what was removed, kept for as long as an index may have been out of touch."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Max

KEPT = timedelta(days=30)
"""An index that knows nothing of the last so many days is built anew from the rows."""


def forget_removals(removed: models.QuerySet[Any], state: models.QuerySet[Any], now: datetime) -> int:
    """Deletes the notes that are older than KEPT, and says so in `state`, the row that counts the versions. How many there were.

    `removed` has `removed_at` and `version`, `state` has `forgotten`: an index that knows less than that version may have missed
    what was deleted here.
    """
    with transaction.atomic():
        list(state.select_for_update())
        upto = overdue_removals(removed, now).aggregate(upto=Max("version"))["upto"]
        if upto is None:
            return 0
        state.update(forgotten=upto)
        return removed.filter(version__lte=upto).delete()[0]


def overdue_removals(removed: models.QuerySet[Any], now: datetime) -> models.QuerySet[Any]:
    """The notes that are older than KEPT."""
    return removed.filter(removed_at__lt=now - KEPT)
