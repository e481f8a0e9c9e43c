"""The order of events: primary keys that grow in the order in which events become visible.

On PostgreSQL a key is drawn before its transaction commits, so that a later key may be seen earlier; whoever follows "all keys
above the last one seen" would then miss an event. So recorders draw their keys one after the other, under one lock of the
database that is held until the commit. SQLite has one writer at a time anyway.
"""

from __future__ import annotations

from typing import Final

from django.db import connection
from django.db.models import Max

from analytics.models import RecognitionEvent

_LOCK_KEY: Final = 0x6B696F736B01
"""Of pg_advisory_xact_lock; any number that nothing else in this database uses."""


def lock_sequence() -> None:
    """Keeps other recorders out until this transaction ends; to be called in it before the event's row is written."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_KEY])


def last_position() -> int:
    """The primary key of the newest event; 0 where there is none. All events up to it are visible."""
    newest: int | None = RecognitionEvent.objects.aggregate(newest=Max("pk"))["newest"]
    return newest or 0
