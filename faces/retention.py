"""What of the gallery is kept only for a while: notes of removed samples, for indexes to follow."""

from __future__ import annotations

from datetime import datetime

from faces.index.removals import forget_removals, overdue_removals
from faces.models import GalleryState, RemovedSample
from kiosk.runtime.retention import Retention, register_retention


def register() -> None:
    """Has notes deleted that no index needs any more."""
    register_retention(Retention("gallery", _count, _enforce))


def _count(now: datetime) -> str:
    return f"{overdue_removals(RemovedSample.objects.all(), now).count()} notes of removed samples would be deleted"


def _enforce(now: datetime) -> str:
    return f"{forget_removals(RemovedSample.objects.all(), GalleryState.objects.all(), now)} notes of removed samples deleted"
