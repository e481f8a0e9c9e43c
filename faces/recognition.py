"""Who is on a photo: /recognize and /recognize/batch 5.0, and `find` of the Face Handle API, without their envelopes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from django.db import DatabaseError

from faces.analysis import ProbeFace
from faces.errors import FaceError, FaceErrorCode
from faces.gallery import Gallery, Neighbour, gallery, opened
from faces.index.base import IndexUnavailable
from faces.models import Person
from faces.types import Box, Embedding, KnownPerson
from faces.workers import face_workers
from kiosk.runtime.payloads import PayloadError, decode_base64_image

MATCHES_SHOWN = 3
_CANDIDATES = 20
"""Persons that are looked at for one face: enough for the count in the message, few enough to score exactly."""


class Verdict(Enum):
    """How a recognition ended; the protocols' status codes follow from it."""

    MATCHED = auto()
    NO_MATCH = auto()
    GALLERY_EMPTY = auto()
    TOO_SMALL = auto()
    NO_FACE = auto()


@dataclass(frozen=True, slots=True)
class Match:
    """One candidate for the face."""

    person: KnownPerson
    similarity: float
    is_target: bool


@dataclass(frozen=True, slots=True)
class Recognition:
    """What is known about the largest face of one photo."""

    verdict: Verdict
    threshold: float
    box: Box | None = None
    matches: tuple[Match, ...] = ()
    """Every candidate, by falling similarity; the protocol shows the first MATCHES_SHOWN."""

    @property
    def above_threshold(self) -> int:
        return sum(match.similarity >= self.threshold for match in self.matches)

    @property
    def targets_hit(self) -> int:
        return sum(match.is_target for match in self.matches)


@dataclass(frozen=True, slots=True)
class BatchFrame:
    """One photo of a batch: recognised, or the error that it alone failed with."""

    recognition: Recognition | None
    error: FaceError | PayloadError | None = None


@dataclass(frozen=True, slots=True)
class BatchMatch:
    """A candidate over all frames: the best similarity, and in how many frames they were a candidate."""

    match: Match
    frames: int


@dataclass(frozen=True, slots=True)
class BatchRecognition:
    """What is known about the one person whom all photos of a batch are supposed to show."""

    verdict: Verdict
    threshold: float
    total: int
    frames: tuple[BatchFrame, ...] = ()
    matches: tuple[BatchMatch, ...] = ()

    @property
    def valid(self) -> int:
        """Frames whose face was compared."""
        compared = {Verdict.MATCHED, Verdict.NO_MATCH}
        return sum(frame.recognition is not None and frame.recognition.verdict in compared for frame in self.frames)


def recognise(photo: bytes, *, threshold: float, targets: Sequence[str] = ()) -> Recognition:
    """The candidates for the largest face of a photo.

    A person is a candidate from `threshold` on, one whose number is in `targets` from half of it on. Raises FaceError.
    """
    ahead = _GalleryAhead()
    face = face_workers().largest_face(photo, meanwhile=ahead.catch_up)
    if face is None:
        return Recognition(Verdict.NO_FACE, threshold)
    if face.embedding is None:
        return Recognition(Verdict.TOO_SMALL, threshold, face.box)
    people = ahead.gallery()
    matches = _candidates(people, face.embedding, threshold, _Targets.of(targets))
    if matches:
        return Recognition(Verdict.MATCHED, threshold, face.box, matches)
    return Recognition(Verdict.NO_MATCH if len(people) else Verdict.GALLERY_EMPTY, threshold, face.box)


def identify_all(photo: bytes, *, threshold: float, faces: int, candidates: int) -> list[Recognition]:
    """The `candidates` nearest persons of each of the `faces` largest faces of a photo, the largest face first.

    Persons below the threshold are among the matches; MATCHED says that the nearest is not. Raises FaceError.
    """
    found = face_workers().all_faces(photo, limit=faces)
    people = _caught_up_gallery()
    return [_identify(people, face, threshold, candidates) for face in found]


def _identify(people: Gallery, face: ProbeFace, threshold: float, candidates: int) -> Recognition:
    if face.embedding is None:
        return Recognition(Verdict.TOO_SMALL, threshold, face.box)
    if len(people) == 0:
        return Recognition(Verdict.GALLERY_EMPTY, threshold, face.box)
    matches = _candidates(people, face.embedding, 0.0, _Targets.of(()))[:candidates]
    known = bool(matches) and matches[0].similarity >= threshold
    return Recognition(Verdict.MATCHED if known else Verdict.NO_MATCH, threshold, face.box, matches)


def recognise_batch(
    photos: Sequence[object], *, max_photo_bytes: int, threshold: float, targets: Sequence[str] = ()
) -> BatchRecognition:
    """The candidates for the person on several photos (base64 texts), each judged on its own and then put together.

    A photo that can't be read or has no face is an error of its frame alone. Raises FaceError where nothing can be compared.
    """
    total = len(photos)
    people = _caught_up_gallery()
    if len(people) == 0:
        return BatchRecognition(Verdict.GALLERY_EMPTY, threshold, total)
    wanted = _Targets.of(targets)
    frames = _frames(photos, max_photo_bytes, people, threshold, wanted)
    matches = _put_together(frames)
    batch = BatchRecognition(Verdict.NO_FACE, threshold, total, frames, matches)
    if batch.valid == 0:
        return batch
    return BatchRecognition(Verdict.MATCHED if matches else Verdict.NO_MATCH, threshold, total, frames, matches)


@dataclass(frozen=True, slots=True)
class _Targets:
    """The persons that a caller expects."""

    person_ids: frozenset[int]

    @classmethod
    def of(cls, numbers: Sequence[str]) -> _Targets:
        if not numbers:
            return cls(frozenset())
        return cls(frozenset(Person.objects.filter(number__in=numbers).values_list("pk", flat=True)))


class _GalleryAhead:
    """The gallery, caught up while an engine looks at the photo; why it can't be is the trouble of whoever has found a face."""

    def __init__(self) -> None:
        self._gallery: Gallery | None = None
        self._error: FaceError | DatabaseError | None = None

    def catch_up(self) -> None:
        # To open it, an engine is asked what it is; the only one may be at the photo.
        if opened() is None:
            return
        try:
            self._gallery = _caught_up_gallery()
        except (FaceError, DatabaseError) as error:
            self._error = error

    def gallery(self) -> Gallery:
        """Raises FaceError or DatabaseError."""
        if self._error is not None:
            raise self._error
        return _caught_up_gallery() if self._gallery is None else self._gallery


def _caught_up_gallery() -> Gallery:
    people = gallery()
    try:
        people.catch_up()
    except IndexUnavailable as error:
        raise FaceError(FaceErrorCode.INDEX_UNAVAILABLE, str(error)) from None
    return people


def _candidates(people: Gallery, embedding: Embedding, threshold: float, targets: _Targets) -> tuple[Match, ...]:
    try:
        near = people.nearest(embedding, limit=_CANDIDATES, at_least=threshold)
        expected = (
            people.nearest(embedding, limit=_CANDIDATES, at_least=threshold / 2, person_ids=targets.person_ids)
            if targets.person_ids
            else []
        )
    except IndexUnavailable as error:
        raise FaceError(FaceErrorCode.INDEX_UNAVAILABLE, str(error)) from None
    chosen: dict[int, Neighbour] = {}
    for neighbour in [*near, *expected]:
        needed = threshold / 2 if neighbour.person.pk in targets.person_ids else threshold
        if neighbour.similarity >= needed:
            chosen.setdefault(neighbour.person.pk, neighbour)
    ordered = sorted(chosen.values(), key=lambda neighbour: (-neighbour.similarity, neighbour.person.pk))
    return tuple(Match(n.person, n.similarity, n.person.pk in targets.person_ids) for n in ordered)


def _frames(
    photos: Sequence[object], max_photo_bytes: int, people: Gallery, threshold: float, targets: _Targets
) -> tuple[BatchFrame, ...]:
    frames: list[BatchFrame | None] = [None] * len(photos)
    readable: list[tuple[int, bytes]] = []
    for index, photo in enumerate(photos):
        try:
            readable.append((index, decode_base64_image(photo, max_bytes=max_photo_bytes)))
        except PayloadError as error:
            frames[index] = BatchFrame(None, error)
    found = face_workers().largest_faces([data for _index, data in readable])
    for (index, _data), face in zip(readable, found, strict=True):
        if isinstance(face, FaceError):
            frames[index] = BatchFrame(None, face)
        elif face is None:
            frames[index] = BatchFrame(Recognition(Verdict.NO_FACE, threshold))
        elif face.embedding is None:
            frames[index] = BatchFrame(Recognition(Verdict.TOO_SMALL, threshold, face.box))
        else:
            matches = _candidates(people, face.embedding, threshold, targets)
            verdict = Verdict.MATCHED if matches else Verdict.NO_MATCH
            frames[index] = BatchFrame(Recognition(verdict, threshold, face.box, matches))
    return tuple(frame for frame in frames if frame is not None)


def _put_together(frames: Sequence[BatchFrame]) -> tuple[BatchMatch, ...]:
    best: dict[int, Match] = {}
    seen: dict[int, int] = {}
    for frame in frames:
        for match in frame.recognition.matches if frame.recognition else ():
            key = match.person.pk
            seen[key] = seen.get(key, 0) + 1
            if key not in best or match.similarity > best[key].similarity:
                best[key] = match
    ordered = sorted(best.values(), key=lambda match: (-match.similarity, match.person.pk))
    return tuple(BatchMatch(match, seen[match.person.pk]) for match in ordered)
