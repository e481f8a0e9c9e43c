"""The stored sound of what citizens said: deleting it, and finding what belongs to nobody."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from django.core.files.storage import default_storage

from flows.models import Turn
from kiosk.runtime.orphans import orphaned_files

FOLDER: Final = "utterances"
_MAGIC: Final = (
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "audio/wav"),
    (re.compile(rb"OggS"), "audio/ogg"),
    (re.compile(rb"fLaC"), "audio/flac"),
    (re.compile(rb"\x1aE\xdf\xa3"), "audio/webm"),
    (re.compile(rb"....ftyp", re.DOTALL), "audio/mp4"),
    (re.compile(rb"#!AMR"), "audio/amr"),
    (re.compile(rb"ID3|\xff[\xe0-\xff]"), "audio/mpeg"),
)

logger = logging.getLogger(__name__)


def delete_recordings(names: Iterable[str]) -> int:
    """Deletes them from the storage, to be called after the commit that took their rows; returns how many.

    One that the storage won't give up is logged and left for `orphaned_recordings`.
    """
    deleted = 0
    for name in names:
        try:
            default_storage.delete(name)
        except Exception:
            # Every storage has errors of its own, and the rows are gone already.
            logger.exception("A recording could not be deleted from the storage")
        else:
            deleted += 1
    return deleted


def orphaned_recordings(now: datetime) -> Iterator[str]:
    """Stored sound that no turn names."""
    return orphaned_files(FOLDER, (Turn.objects.all(), "audio"), now=now)


def media_type(sound: bytes) -> str:
    """The media type of stored sound, by its first bytes; a container that is not known here is a download."""
    return next((name for pattern, name in _MAGIC if pattern.match(sound)), "application/octet-stream")
