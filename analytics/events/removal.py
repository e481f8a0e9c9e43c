"""Deleting events and devices by hand, with the pictures that belong to them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from analytics.events.erasure import delete_faces
from analytics.models import MediaDevice, RecognitionEvent
from analytics.videos.retention import note_deleted


def delete_events(event_ids: Sequence[int]) -> None:
    """Deletes events, by primary key, and their faces."""
    with transaction.atomic():
        rows = RecognitionEvent.objects.select_for_update().filter(pk__in=event_ids)
        paths = [path for path in rows.values_list("face", flat=True) if path]
        count, _all = rows.delete()
        note_deleted(RecognitionEvent, count)
        transaction.on_commit(lambda: delete_faces(paths))


def delete_devices(device_ids: Sequence[int]) -> None:
    """Deletes devices, by primary key, with their snapshots, their events and the faces of these."""
    with transaction.atomic():
        devices = MediaDevice.objects.select_for_update().filter(pk__in=device_ids)
        paths = [path for path in devices.values_list("snapshot", flat=True) if path]
        faces = RecognitionEvent.objects.filter(device__in=devices).exclude(face="")
        paths += faces.values_list("face", flat=True)
        devices.delete()
        transaction.on_commit(lambda: delete_faces(paths))
