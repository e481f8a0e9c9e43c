"""Forgetting who was seen: events of erased persons keep no face and no name, and old events are deleted."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from analytics.models import RecognitionEvent
from analytics.videos.retention import note_deleted
from kiosk.runtime.orphans import orphaned_files

logger = logging.getLogger(__name__)

_FOLDER = "events"
_BATCH = 500


def forget_persons(person_ids: Sequence[int]) -> None:
    """Takes faces, attributes and identities off the events of these persons; that somebody of their type was there, stays."""
    events = RecognitionEvent.objects.select_for_update().filter(person_id__in=person_ids)
    with transaction.atomic():
        paths = [path for path in events.values_list("face", flat=True) if path]
        events.update(person=None, face="", attributes={}, stranger_id="", identity_id="", identity_name="")
        transaction.on_commit(lambda: delete_faces(paths))


def overdue_events(now: datetime) -> QuerySet[RecognitionEvent]:
    """Events to be deleted: older than KIOSK_EVENT_DAYS."""
    return RecognitionEvent.objects.filter(happened_at__lt=now - timedelta(days=settings.KIOSK.event_days))


def erase_overdue_events(now: datetime) -> Iterator[int]:
    """Deletes overdue events with their faces and deliveries in batches, the oldest first; yields how many each one took."""
    while rows := list(overdue_events(now).order_by("pk").values_list("pk", "face")[:_BATCH]):
        RecognitionEvent.objects.filter(pk__in=[pk for pk, _face in rows]).delete()
        delete_faces(face for _pk, face in rows if face)
        yield len(rows)


def count_overdue(now: datetime) -> str:
    """What enforce() would delete."""
    return f"{overdue_events(now).count()} events and {sum(1 for _ in orphaned_faces())} faces of no event would be deleted"


def enforce(now: datetime) -> str:
    """Deletes overdue events, and faces that no event names."""
    events = sum(erase_overdue_events(now))
    if events:
        note_deleted(RecognitionEvent, events, event_days=settings.KIOSK.event_days)
    return f"{events} events and {delete_faces(list(orphaned_faces()))} faces of no event deleted"


def orphaned_faces() -> Iterator[str]:
    """Stored faces that no event names."""
    return orphaned_files(_FOLDER, (RecognitionEvent.objects.all(), "face"), now=timezone.now())


def delete_faces(paths: Iterable[str]) -> int:
    """Deletes faces from the storage; how many. The rows are gone already: what the storage keeps now, is found later."""
    deleted = 0
    for path in paths:
        try:
            default_storage.delete(path)
            deleted += 1
        except OSError:
            logger.exception("A face of an event could not be deleted from the storage")
    return deleted
