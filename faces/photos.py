"""Links to stored photos that work without a session, for a while: signed by us, or by the object storage."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core import signing
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from faces.models import FaceSample
from kiosk.runtime.orphans import orphaned_files

_SALT = "faces.photos"
_FOLDER = "faces"


def photo_url(path: str) -> str:
    """A link to a photo: a path on this server for the file system, an absolute URL for S3-compatible storage."""
    if settings.KIOSK.media_storage != "filesystem":
        return default_storage.url(path)
    return reverse("faces:photo", args=[signing.dumps(path, salt=_SALT)])


def orphaned_photos() -> Iterator[str]:
    """Stored photos that no sample names, as where the storage failed while a sample was deleted or refused."""
    return orphaned_files(_FOLDER, (FaceSample.objects.all(), "photo"), now=timezone.now())


def path_of(token: str) -> str | None:
    """The photo that a link's token names; None for a forged or an expired one."""
    try:
        path = signing.loads(token, salt=_SALT, max_age=settings.KIOSK.photo_url_seconds)
    except signing.BadSignature:
        return None
    return path if isinstance(path, str) else None
