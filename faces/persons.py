"""What staff change about people by hand: who they are, on what ground their face is kept, and more photos at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.core.files.base import File
from django.utils import timezone

from faces.engines.base import EngineUnavailable
from faces.enrolment import add_sample
from faces.errors import FaceError, FaceErrorCode
from faces.models import FaceSample, Person

_MEBIBYTE = 1024 * 1024


def register_person(person: Person) -> None:
    """Saves a new person, without photos yet. An empty number becomes the entity_id; a consent is given now."""
    person.number = person.number or person.entity_id
    if person.consent_source:
        person.consented_at = timezone.now()
    person.save(force_insert=True)


def change_person(person: Person, changed: Collection[str]) -> None:
    """Saves the fields `changed` of a person, and no others, so that nobody's change of another field is undone.

    A consent that was not there before is given now. To take one back is enrolment.withdraw_consent: ValueError here.
    """
    fields = {*changed, "updated_at"}
    if "consent_source" in fields:
        if not person.consent_source:
            raise ValueError(f"{person.entity_id}: a consent is withdrawn with its photos")
        fields.add("consented_at")
        person.consented_at = person.consented_at or timezone.now()
    person.save(update_fields=sorted(fields))


@dataclass(frozen=True, slots=True)
class AddedPhoto:
    """What became of one photo: the sample, or why there is none."""

    filename: str = field(repr=False)
    sample: FaceSample | None
    problem: FaceError | EngineUnavailable | None = None


def photo_limit_bytes() -> int:
    """The largest picture that is read at all."""
    limit: int = settings.KIOSK.image_mb * _MEBIBYTE
    return limit


def add_samples(person: Person, photos: Iterable[File[bytes]]) -> Iterator[AddedPhoto]:
    """Enrols photos of one person, one after the other; one that is refused does not keep the others out."""
    for photo in photos:
        filename = photo.name or ""
        if photo.size > photo_limit_bytes():
            yield AddedPhoto(filename, None, FaceError(FaceErrorCode.ABNORMAL_PHOTO, "图片过大"))
            continue
        try:
            yield AddedPhoto(filename, add_sample(person, photo.read()))
        except (FaceError, EngineUnavailable) as error:
            yield AddedPhoto(filename, None, error)
