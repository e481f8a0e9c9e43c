"""Stored files that belong to nobody: left over where a process was killed, or the storage failed, between a file and its row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.files.storage import default_storage
from django.db.models import QuerySet

_SETTLED: Final = timedelta(hours=1)


def orphaned_files(folder: str, *owners: tuple[QuerySet[Any], str], now: datetime) -> Iterator[str]:
    """The files one folder below `folder` that none of the owners, rows and the column that names a file, has.

    Those of the last hour are passed over, since a file is stored before its row is.
    """
    for part in default_storage.listdir(folder)[0] if default_storage.exists(folder) else []:
        names = [f"{folder}/{part}/{name}" for name in default_storage.listdir(f"{folder}/{part}")[1]]
        known = {
            name for rows, column in owners for name in rows.filter(**{f"{column}__in": names}).values_list(column, flat=True)
        }
        yield from (name for name in names if name not in known and default_storage.get_modified_time(name) < now - _SETTLED)
