"""Recording recognition events: the one way in for cameras (`manage.py watch`), boxes (`manage.py relay`) and tests.

Works in any process; servers learn of the event within about a tenth of a second (analytics.events.feed).
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from analytics.events.news import spread_news
from analytics.events.sequence import lock_sequence
from analytics.models import MediaDevice, RecognitionEvent
from analytics.models.events import crop_path
from analytics.webhooks.deliveries import enqueue
from faces.models import Person, UserType
from faces.types import KnownPerson

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What happened before a device. Of `person` and `stranger_id` one says who it was."""

    device: MediaDevice
    happened_at: datetime
    """Aware."""
    score: float
    """0 to 100: of the match, or for a stranger of the nearest enrolled person; 0 where there is none."""
    event_id: str = ""
    """Made when empty. At most 64 characters."""
    person: Person | KnownPerson | None = field(default=None, repr=False)
    stranger_id: str = ""
    """At most 32 characters; the same for all events of one stranger's visit."""
    face_jpeg: bytes | None = field(default=None, repr=False)
    attributes: dict[str, Any] = field(default_factory=dict, repr=False)
    track: int | None = None
    user_type: str = ""
    """As a box reported it; empty: the person's, or stranger."""
    identity_id: str = field(default="", repr=False)
    """As a box reported it, of somebody who is not enrolled here; at most 64 characters, like the name."""
    identity_name: str = field(default="", repr=False)


def record(new: NewEvent) -> RecognitionEvent:
    """Commits the event with its face and tells the sockets; the row that is there already where the event_id is known.

    A person who was erased meanwhile is recorded as a stranger without a face. To be called outside any transaction: until the
    commit nobody else can record, and nobody is told. Raises ValueError for a score outside 0 to 100 or a naive time.
    """
    _check(new)
    event_id = new.event_id or uuid.uuid4().hex
    known = RecognitionEvent.objects.filter(event_id=event_id).first() if new.event_id else None
    if known is not None:
        return known
    path = default_storage.save(crop_path(None, ""), ContentFile(new.face_jpeg)) if new.face_jpeg else ""
    try:
        with transaction.atomic():
            event = _insert(new, event_id, path)
            transaction.on_commit(spread_news)
    except IntegrityError:
        _forget(path)
        # Another process recorded it at the same moment.
        known = RecognitionEvent.objects.filter(event_id=event_id).first()
        if known is None:
            raise
        return known
    except BaseException:
        _forget(path)
        raise
    if path and not event.face:
        _forget(path)
    return event


def _check(new: NewEvent) -> None:
    if not 0 <= new.score <= 100:  # noqa: PLR2004 - the protocol's scale
        raise ValueError(f"score {new.score} is not between 0 and 100")
    if new.happened_at.tzinfo is None:
        raise ValueError("happened_at has no time zone")


def _insert(new: NewEvent, event_id: str, path: str) -> RecognitionEvent:
    person = _still_enrolled(new.person)
    erased = new.person is not None and person is None
    lock_sequence()
    event = RecognitionEvent.objects.create(
        event_id=event_id,
        happened_at=new.happened_at,
        device=new.device,
        person=person,
        stranger_id=new.stranger_id,
        identity_id="" if person or erased else new.identity_id,
        identity_name="" if person or erased else new.identity_name,
        user_type=UserType.STRANGER if erased else new.user_type or (person.user_type if person else UserType.STRANGER),
        score=new.score,
        face="" if erased else path,
        attributes={} if erased else new.attributes,
        track=new.track,
    )
    enqueue(event)
    return event


def _still_enrolled(person: Person | KnownPerson | None) -> Person | None:
    """The person's row, which nobody can delete before this transaction ends; None where it is gone."""
    if person is None:
        return None
    return Person.objects.select_for_update(no_key=True).filter(pk=person.pk).first()


def _forget(path: str) -> None:
    if not path:
        return
    try:
        default_storage.delete(path)
    except OSError:
        logger.exception("A face that belongs to no event could not be deleted from the storage")
