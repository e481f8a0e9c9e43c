"""How long videos and sightings are kept, and what goes when a person is erased or takes back their consent."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from auditlog.context import disable_auditlog
from auditlog.models import LogEntry
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from analytics.models import FaceSighting, PlateSighting, RemovedSighting, SightingKind, SightingState, Video, VideoState
from analytics.videos.jobs import delete_files, delete_videos, forget_old_tasks
from faces.erasure import on_erasure
from faces.index.removals import forget_removals
from kiosk.runtime.audit import audit_details
from kiosk.runtime.orphans import orphaned_files
from kiosk.runtime.retention import Retention, register_retention

_BATCH = 100
_WORKED = timedelta(days=2)
"""So long nobody works on one video."""


def register() -> None:
    """Has overdue videos and sightings deleted, and sightings of erased persons with them."""
    register_retention(Retention("videos", count_overdue, enforce))
    on_erasure(forget_persons)


def overdue_videos(now: datetime) -> QuerySet[Video]:
    """Videos older than KIOSK_VIDEO_DAYS; one in work is left until it ended."""
    return Video.objects.filter(created_at__lt=now - timedelta(days=settings.KIOSK.video_days)).exclude(state=VideoState.RUNNING)


def count_overdue(now: datetime) -> str:
    """What enforce() would delete."""
    sightings = sum(_overdue_sightings(model, now).count() for model in (FaceSighting, PlateSighting))
    return f"{overdue_videos(now).count()} videos, {sightings} sightings and {len(list(_orphans()))} files would be deleted"


def enforce(now: datetime) -> str:
    """Deletes overdue videos and sightings in batches, and files that no row names."""
    videos = 0
    while ids := list(overdue_videos(now).order_by("pk").values_list("pk", flat=True)[:_BATCH]):
        gone = delete_videos(overdue_videos(now).filter(pk__in=ids))
        if not gone:
            break
        videos += gone
    sightings = sum(_delete_overdue_sightings(model, now) for model in (FaceSighting, PlateSighting))
    if videos:
        note_deleted(Video, videos, video_days=settings.KIOSK.video_days)
    if sightings:
        note_deleted(FaceSighting, sightings, sighting_days=settings.KIOSK.sighting_days)
    orphans = list(_orphans())
    delete_files(orphans)
    _delete_leftovers(now)
    forget_old_tasks(now)
    for kind in SightingKind:
        forget_removals(RemovedSighting.objects.filter(kind=kind), SightingState.objects.filter(kind=kind), now)
    return f"{videos} videos, {sightings} sightings and {len(orphans)} files deleted"


def forget_persons(person_ids: Sequence[int]) -> None:
    """Deletes the faces of these persons in videos: picture, embedding and time. The video itself stays, as its counts do."""
    _delete_sightings(FaceSighting, Q(person_id__in=list(person_ids)))


def delete_sightings(model: type[FaceSighting | PlateSighting], ids: Sequence[int]) -> int:
    """Deletes these sightings with their pictures; how many there were."""
    return _delete_sightings(model, Q(pk__in=list(ids)))


def note_deleted(model: type[models.Model], count: int, **details: Any) -> None:
    """Writes one DELETE entry for so many rows."""
    LogEntry.objects.create(
        content_type=ContentType.objects.get_for_model(model),
        object_pk="",
        object_repr="",
        action=LogEntry.Action.DELETE,
        additional_data={**(audit_details() or {}), "count": count, **details},
    )


def _overdue_sightings(model: Any, now: datetime) -> QuerySet[Any]:
    found: QuerySet[Any] = model.objects.filter(created_at__lt=now - timedelta(days=settings.KIOSK.sighting_days))
    return found


def _delete_overdue_sightings(model: Any, now: datetime) -> int:
    deleted = 0
    while ids := list(_overdue_sightings(model, now).order_by("pk").values_list("pk", flat=True)[:_BATCH]):
        deleted += _delete_sightings(model, Q(pk__in=ids))
    return deleted


def _delete_sightings(model: Any, which: Q) -> int:
    with transaction.atomic(), disable_auditlog():
        rows = model.objects.filter(which)
        pictures = list(rows.order_by().values_list("picture", flat=True))
        rows.delete()
        transaction.on_commit(lambda: delete_files(pictures))
    return len(pictures)


def _orphans() -> Iterator[str]:
    """Stored files that no row names."""
    now = timezone.now()
    yield from orphaned_files("videos", (Video.objects.all(), "file"), now=now)
    yield from orphaned_files("processed", (Video.objects.all(), "processed"), now=now)
    yield from orphaned_files(
        "sightings", (FaceSighting.objects.all(), "picture"), (PlateSighting.objects.all(), "picture"), now=now
    )


def _delete_leftovers(now: datetime) -> None:
    """Of this machine's own folders: uploads that were never taken in, attempts that were never taken up again."""
    before = (now - _WORKED).timestamp()
    data_dir: Path = settings.KIOSK.data_dir
    for path in [*(data_dir / "uploads").glob("*"), *(data_dir / "work").glob("*")]:
        try:
            if path.stat().st_mtime >= before:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        except FileNotFoundError:
            continue
