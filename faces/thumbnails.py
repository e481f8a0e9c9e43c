"""Small pictures of enrolled faces for staff. The photo is decoded in an engine worker, never in the web process."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.cache import cache

from faces.models import FaceSample
from faces.workers import face_workers

SIDE_PX = 192
"""Longest side: 96 CSS pixels on a screen of double density."""
KEPT_SECONDS = 600
"""Another process without a shared cache may hold a deleted sample's thumbnail so long; nobody gets at it without the row."""


def face_thumbnail(sample: FaceSample) -> bytes:
    """A JPEG of the sample's face. Raises FaceError, and OSError where the photo is missing from the storage."""
    key = _key(sample.pk)
    kept: bytes | None = cache.get(key)
    if kept is not None:
        return kept
    jpeg = face_workers().face_crop(stored_photo(sample), sample.bbox, max_side=SIDE_PX)
    cache.set(key, jpeg, KEPT_SECONDS)
    return jpeg


def forget_thumbnails(sample_ids: Iterable[int]) -> None:
    """Takes the thumbnails of deleted samples out of the cache."""
    cache.delete_many([_key(sample_id) for sample_id in sample_ids])


def _key(sample_id: int) -> str:
    return f"faces.thumbnail.{sample_id}"


def stored_photo(sample: FaceSample) -> bytes:
    """The enrolled photo, a JPEG. Raises OSError where it is missing from the storage."""
    with sample.photo.open("rb") as file:
        photo: bytes = file.read()
    return photo
