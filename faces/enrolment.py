"""Putting people into the gallery and taking them out: one function for each change of state.

Each change is one transaction that holds the gallery's lock, so that two enrolments of one face at the same moment can't both
pass the check for somebody else. Photos are stored before it and deleted again where it fails.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from faces.analysis import Examination
from faces.erasure import forget_everywhere
from faces.errors import FaceError, FaceErrorCode
from faces.gallery import gallery
from faces.index.base import IndexUnavailable
from faces.models import ConsentSource, FaceSample, GalleryState, Person, RemovedSample, UserType, photo_path
from faces.quality import QualityLimits, Refusal, RefusalCode, refusals
from faces.thumbnails import forget_thumbnails
from faces.types import Embedding, EngineInfo, KnownPerson
from faces.workers import face_workers

logger = logging.getLogger(__name__)

_CANDIDATES = 5
_MAX_NAME = 64


class EnrolmentRefused(FaceError):
    """The photo does not fit for enrolment; `reasons` says each why."""

    def __init__(self, reasons: tuple[Refusal, ...]) -> None:
        super().__init__(FaceErrorCode.REFUSED, "；".join(reason.message for reason in reasons))
        self.reasons = reasons

    @property
    def codes(self) -> tuple[RefusalCode, ...]:
        return tuple(reason.code for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class CheckedPhoto:
    """A photo that passed the check on its own, not yet compared with the gallery."""

    examination: Examination
    embedding: Embedding = field(repr=False)
    jpeg: bytes = field(repr=False)
    sha256: str


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Who is to be enrolled. An empty number becomes the entity_id."""

    name: str = field(repr=False)
    number: str = field(default="", repr=False)
    user_type: str = UserType.VISITOR
    consent: str = ConsentSource.CLIENT


def check_photo(photo: bytes) -> CheckedPhoto:
    """The enrolment check of one photo. Raises EnrolmentRefused with every reason, or FaceError where it can't be read."""
    examination = face_workers().examine(photo)
    reasons = _photo_refusals(examination)
    if reasons:
        raise EnrolmentRefused(reasons)
    assert examination.embedding is not None
    assert examination.photo_jpeg is not None
    return CheckedPhoto(examination, examination.embedding, examination.photo_jpeg, hashlib.sha256(photo).hexdigest())


def enrol_person(new: NewPerson, photo: bytes) -> FaceSample:
    """Makes a person with their first sample, or adds the sample to the same person enrolled before under the same name.

    Raises EnrolmentRefused, or FaceError for a wrong value or a photo that can't be read.
    """
    name, number = _checked_name(new.name), _checked_number(new.number)
    checked = check_photo(photo)
    with _stored(checked.jpeg) as path, transaction.atomic():
        GalleryState.lock()
        owner = _owner_of(checked.embedding)
        if owner is None:
            person = _create_person(name, number, new)
        elif owner.name == name and number in {"", owner.number}:
            person = Person.objects.get(pk=owner.pk)
        else:
            raise EnrolmentRefused((Refusal.of(RefusalCode.DUPLICATE),))
        return _add_sample(person, checked, path)


def add_sample(person: Person, photo: bytes) -> FaceSample:
    """Adds one photo to a person. Raises EnrolmentRefused, or FaceError without consent or with too many photos."""
    _consenting(person.pk)
    checked = check_photo(photo)
    with _stored(checked.jpeg) as path, transaction.atomic():
        GalleryState.lock()
        owner = _owner_of(checked.embedding)
        if owner is not None and owner.pk != person.pk:
            raise EnrolmentRefused((Refusal.of(RefusalCode.DUPLICATE),))
        return _add_sample(_consenting(person.pk), checked, path)


def enrol_photos(new: NewPerson, photos: Sequence[CheckedPhoto]) -> Person:
    """Makes the person with this number of several photos of one face; or adds them to that person, whose face it has to be.

    All photos or none. Photos that the person has already, or that are more than they may have, are left out. A person whose
    consent is missing, or was withdrawn, has to give it at the kiosk. Raises EnrolmentRefused, or FaceError for a wrong value, a
    missing consent, or another face than the one enrolled under this number.
    """
    name, number = _checked_name(new.name), _checked_number(new.number)
    with contextlib.ExitStack() as stored:
        paths = [stored.enter_context(_stored(photo.jpeg)) for photo in photos]
        with transaction.atomic():
            GalleryState.lock()
            person = _owner_or_new(name, number, new, [photo.embedding for photo in photos])
            unused = [path for photo, path in zip(photos, paths, strict=True) if not _add_if_wanted(person, photo, path)]
            transaction.on_commit(lambda: _forget(unused))
    return person


def withdraw_consent(person: Person) -> None:
    """Deletes all photos, embeddings and index entries of a person and records that the consent is gone."""
    with transaction.atomic():
        delete_samples(person.samples.all())
        forget_everywhere([person.pk])
        person.consented_at, person.consent_source = None, ""
        person.save(update_fields=["consented_at", "consent_source", "updated_at"])


def delete_persons(persons: Iterable[Person]) -> None:
    """Deletes people with everything that belongs to them."""
    ids = [person.pk for person in persons]
    with transaction.atomic():
        delete_samples(FaceSample.objects.filter(person_id__in=ids))
        forget_everywhere(ids)
        Person.objects.filter(pk__in=ids).delete()


def delete_samples(samples: Iterable[FaceSample]) -> None:
    """Deletes samples, their photos, and on commit their index entries, in this process at once and in others within a second."""
    with transaction.atomic():
        GalleryState.lock()
        doomed = list(samples)
        if not doomed:
            return
        version = GalleryState.advance()
        RemovedSample.objects.bulk_create(RemovedSample(sample_id=sample.pk, version=version) for sample in doomed)
        FaceSample.objects.filter(pk__in=[sample.pk for sample in doomed]).delete()
        paths = [str(sample.photo.name) for sample in doomed]
        ids = [sample.pk for sample in doomed]
        transaction.on_commit(lambda: _forget(paths))
        transaction.on_commit(lambda: forget_thumbnails(ids))


def replace_embedding(sample: FaceSample, embedding: Embedding, info: EngineInfo) -> None:
    """Gives a sample the embedding of another engine; the old engine's index drops it, the new one's finds it."""
    with transaction.atomic():
        GalleryState.lock()
        version = GalleryState.advance()
        RemovedSample.objects.create(sample_id=sample.pk, version=version)
        FaceSample.objects.filter(pk=sample.pk).update(version=version, **_embedding_fields(embedding, info))


def _photo_refusals(examination: Examination) -> tuple[Refusal, ...]:
    if examination.faces == 0 or examination.quality is None or examination.box is None:
        return (Refusal.of(RefusalCode.NO_FACE),)
    if examination.faces > 1:
        return (Refusal.of(RefusalCode.SEVERAL_FACES),)
    return refusals(examination.quality, QualityLimits(min_width_px=settings.KIOSK.face_min_size))


def _owner_of(embedding: Embedding) -> KnownPerson | None:
    """The person in the gallery whose face this certainly is. Raises FaceError where the index can't answer."""
    people = gallery()
    try:
        people.catch_up()
        near = people.nearest(embedding, limit=_CANDIDATES, at_least=settings.KIOSK.face_duplicate_threshold)
    except IndexUnavailable as error:
        raise FaceError(FaceErrorCode.INDEX_UNAVAILABLE, str(error)) from None
    if near and near[0].similarity >= settings.KIOSK.face_duplicate_threshold:
        return near[0].person
    return None


def _owner_or_new(name: str, number: str, new: NewPerson, embeddings: Iterable[Embedding]) -> Person:
    """The person with this number, if all these are their face; a new one, if it is nobody's. The gallery has to be locked."""
    owners = {owner.pk for embedding in embeddings if (owner := _owner_of(embedding)) is not None}
    person = Person.objects.filter(number=number).first()
    if person is None:
        if owners:
            raise EnrolmentRefused((Refusal.of(RefusalCode.DUPLICATE),))
        return _create_person(name, number, new)
    if not owners <= {person.pk}:
        raise EnrolmentRefused((Refusal.of(RefusalCode.DUPLICATE),))
    # Samples that no search finds yet, made by another engine, can't vouch for anybody either.
    if not owners and person.samples.exists():
        raise FaceError(FaceErrorCode.WRONG_VALUE, "与该编号已录入的人脸不一致")
    if not person.has_consent:
        if new.consent != ConsentSource.KIOSK:
            raise FaceError(FaceErrorCode.NO_CONSENT, _("No consent to face recognition is recorded for this person."))
        person.consented_at, person.consent_source = timezone.now(), new.consent
        person.save(update_fields=["consented_at", "consent_source", "updated_at"])
    return person


def _create_person(name: str, number: str, new: NewPerson) -> Person:
    if number and Person.objects.filter(number=number).exists():
        raise FaceError(FaceErrorCode.WRONG_VALUE, "编号已存在")
    person = Person(name=name, user_type=new.user_type, consented_at=timezone.now(), consent_source=new.consent)
    person.number = number or person.entity_id
    person.save(force_insert=True)
    return person


def _consenting(person_id: int) -> Person:
    """The person as the database has them now. Raises FaceError where their consent is missing, or was withdrawn meanwhile."""
    person = Person.objects.get(pk=person_id)
    if not person.has_consent:
        raise FaceError(FaceErrorCode.NO_CONSENT, _("No consent to face recognition is recorded for this person."))
    return person


def _add_if_wanted(person: Person, checked: CheckedPhoto, path: str) -> bool:
    known = person.samples.filter(photo_sha256=checked.sha256).exists()
    if known or person.samples.count() >= settings.KIOSK.face_samples:
        return False
    _add_sample(person, checked, path)
    return True


def _add_sample(person: Person, checked: CheckedPhoto, path: str) -> FaceSample:
    if person.samples.filter(photo_sha256=checked.sha256).exists():
        raise FaceError(FaceErrorCode.WRONG_VALUE, "该照片已录入")
    if person.samples.count() >= settings.KIOSK.face_samples:
        raise FaceError(FaceErrorCode.TOO_MANY_SAMPLES, "该人员的照片数量已达上限")
    box, quality = checked.examination.box, checked.examination.quality
    assert box is not None
    assert quality is not None
    return FaceSample.objects.create(
        person=person,
        photo=path,
        photo_sha256=checked.sha256,
        quality=quality.score,
        bbox_x=box.x,
        bbox_y=box.y,
        bbox_w=box.w,
        bbox_h=box.h,
        version=GalleryState.advance(),
        **_embedding_fields(checked.embedding, face_workers().info),
    )


def _embedding_fields(embedding: Embedding, info: EngineInfo) -> dict[str, object]:
    return {
        "embedding": embedding.astype("<f4").tobytes(),
        "dimension": info.dimension,
        "metric": info.metric.value,
        "engine": info.identity,
    }


@contextlib.contextmanager
def _stored(jpeg: bytes) -> Iterator[str]:
    """The name under which a photo is stored, and deleted again if the body fails."""
    path = default_storage.save(photo_path(None, ""), ContentFile(jpeg))
    try:
        yield path
    except BaseException:
        _forget([path])
        raise


def _forget(paths: Iterable[str]) -> None:
    for path in paths:
        try:
            default_storage.delete(path)
        except OSError:
            # The rows are gone already; `manage.py cleanup_photos` finds what a storage would not give up now.
            logger.exception("A photo could not be deleted from the storage")


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        raise FaceError(FaceErrorCode.WRONG_VALUE, f"姓名应为 1 到 {_MAX_NAME} 个可显示的字符")
    return name


def _checked_number(number: str) -> str:
    number = number.strip()
    if len(number) > _MAX_NAME or not number.isprintable():
        raise FaceError(FaceErrorCode.WRONG_VALUE, f"编号应为 1 到 {_MAX_NAME} 个可显示的字符")
    return number
