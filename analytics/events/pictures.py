"""The two pictures of an event: the face as the camera saw it, and the photo that its person is enrolled with."""

from __future__ import annotations

import logging

from django.core.files.storage import default_storage

from analytics.models import RecognitionEvent
from faces.models import FaceSample

logger = logging.getLogger(__name__)


def face_of(event: RecognitionEvent) -> bytes:
    """JPEG of the event's face; empty where there is none any more."""
    return _read(str(event.face.name)) if event.face else b""


def registered_of(event: RecognitionEvent) -> bytes:
    """JPEG of the best photo that the event's person is enrolled with; empty for strangers."""
    if event.person_id is None:
        return b""
    path = FaceSample.objects.filter(person_id=event.person_id).order_by("-quality", "pk").values_list("photo", flat=True).first()
    return _read(path) if path else b""


def _read(path: str) -> bytes:
    try:
        with default_storage.open(path) as file:
            content: bytes = file.read()
    except OSError:
        # Deleted a moment ago, or the storage does not answer: the event is worth telling without it.
        logger.warning("A picture of an event can't be read from the storage")
        return b""
    return content
