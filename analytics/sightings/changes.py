"""What a deleted video takes along: its sightings go by the database's cascade, which no service sees."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import pre_delete

from analytics.models import FaceSighting, PlateSighting, Video
from analytics.models.sightings import note_removed


def register() -> None:
    """Has every deletion of a video noted for the indexes, in its transaction and whoever deletes it."""
    pre_delete.connect(_note, sender=Video, dispatch_uid="analytics.sightings.changes")


def _note(instance: Video, **_options: Any) -> None:
    for model in (FaceSighting, PlateSighting):
        note_removed(model.sighting_kind, model.objects.filter(video=instance))
