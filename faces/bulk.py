"""Enrolling whole folders and lists, and re-embedding a gallery: many photos, one report, to be broken off and taken up again."""

from __future__ import annotations

import csv
import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from contextvars import copy_context
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from django.db import connections
from django.db.models import QuerySet

from faces.engines.base import EngineUnavailable
from faces.enrolment import EnrolmentRefused, NewPerson, enrol_person, replace_embedding
from faces.errors import FaceError, FaceErrorCode
from faces.models import FaceSample, UserType
from faces.workers import face_workers

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_CSV_COLUMNS = ("photo", "name", "number", "user_type")
_REPORT_COLUMNS = ("photo", "sha256", "status", "codes", "message")

T = TypeVar("T")
R = TypeVar("R")


class BadList(Exception):
    """A folder or list that can't be enrolled; the message says where and why."""


class Status(StrEnum):
    """How one photo of an enrolment ended."""

    ENROLLED = "enrolled"
    KNOWN = "known"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One photo to enrol."""

    photo: Path
    name: str = field(repr=False)
    number: str = field(default="", repr=False)
    user_type: str = UserType.VISITOR


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photo."""

    candidate: Candidate
    sha256: str
    status: Status
    codes: tuple[str, ...] = ()
    message: str = ""


def read_candidates(source: Path) -> list[Candidate]:
    """The photos of a folder or of a CSV list, in a stable order. Raises BadList.

    In a folder a photo's stem, or the subfolder it lies in, names the person: 张三.jpg, T001_张三.jpg or T001_张三/1.jpg.
    A CSV has the columns photo and name, and may have number and user_type; photos are relative to the list.
    """
    if source.is_dir():
        return [_from_path(path, source) for path in sorted(source.rglob("*")) if path.suffix.lower() in PHOTO_SUFFIXES]
    if source.suffix.lower() == ".csv" and source.is_file():
        return list(_from_csv(source))
    raise BadList(f"{source} is neither a folder nor a CSV list")


def _from_path(path: Path, root: Path) -> Candidate:
    label = path.stem if path.parent == root else path.parent.name
    number, separator, name = label.partition("_")
    return Candidate(path, name, number) if separator and number and name else Candidate(path, label)


def _from_csv(source: Path) -> Iterator[Candidate]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or ())
            if not {"photo", "name"} <= columns or not columns <= set(_CSV_COLUMNS):
                raise BadList(f"{source}: the columns must be photo and name, and may be number and user_type")
            for line, row in enumerate(reader, start=2):
                yield _from_row(row, source, line)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadList(f"{source}: not a CSV file in UTF-8 ({error})") from None


def _from_row(row: dict[str, str | None], source: Path, line: int) -> Candidate:
    values = {column: (row.get(column) or "").strip() for column in _CSV_COLUMNS}
    user_type = values["user_type"] or UserType.VISITOR
    if not values["photo"] or not values["name"]:
        raise BadList(f"{source}, line {line}: photo and name must be given")
    if user_type not in UserType.values:
        raise BadList(f"{source}, line {line}: user_type must be one of {', '.join(UserType.values)}")
    return Candidate(source.parent / values["photo"], values["name"], values["number"], user_type)


class Report(AbstractContextManager["Report"]):
    """A CSV file with one line for each photo, written as they end; what it already says is not done again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.settled: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        fresh = not self._path.exists()
        if not fresh:
            with self._path.open(encoding="utf-8", newline="") as file:
                done = (row for row in csv.DictReader(file) if row.get("status") != Status.FAILED)
                self.settled = frozenset(row["sha256"] for row in done if row.get("sha256"))
        self._file = self._path.open("a", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        if fresh:
            self._writer.writerow(_REPORT_COLUMNS)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def add(self, outcome: Outcome) -> None:
        with self._lock:
            row = (str(outcome.candidate.photo), outcome.sha256, outcome.status, " ".join(outcome.codes), outcome.message)
            self._writer.writerow(row)
            self._file.flush()


def enrol_all(candidates: Iterable[Candidate], *, consent: str, settled: frozenset[str] = frozenset()) -> Iterator[Outcome]:
    """Enrols photos, as many at once as there are engine workers; yields each outcome as it is known."""

    def enrol(candidate: Candidate) -> Outcome:
        return _enrol_one(candidate, consent, settled)

    yield from _in_parallel(enrol, candidates, threads=face_workers().status().workers)


def _enrol_one(candidate: Candidate, consent: str, settled: frozenset[str]) -> Outcome:
    try:
        photo = candidate.photo.read_bytes()
    except OSError as error:
        return Outcome(candidate, "", Status.FAILED, ("unreadable",), error.strerror or "unreadable")
    sha256 = hashlib.sha256(photo).hexdigest()
    if sha256 in settled or FaceSample.objects.filter(photo_sha256=sha256).exists():
        return Outcome(candidate, sha256, Status.KNOWN)
    new = NewPerson(candidate.name, candidate.number, candidate.user_type, consent)
    try:
        enrol_person(new, photo)
    except EnrolmentRefused as refused:
        return Outcome(candidate, sha256, Status.REFUSED, tuple(refused.codes), refused.message)
    except FaceError as error:
        transient = {FaceErrorCode.BUSY, FaceErrorCode.INDEX_UNAVAILABLE, FaceErrorCode.DETECTION_FAILED}
        status = Status.FAILED if error.code in transient else Status.REFUSED
        return Outcome(candidate, sha256, status, (error.code,), error.message)
    return Outcome(candidate, sha256, Status.ENROLLED)


@dataclass(frozen=True, slots=True)
class Reembedded:
    """What became of one sample: re-embedded, or why it still belongs to the engine that made it."""

    sample_id: int
    problem: str = ""


def outdated_samples() -> QuerySet[FaceSample]:
    """Samples whose embedding another engine made than the one that runs."""
    return FaceSample.objects.exclude(engine=face_workers().info.identity).order_by("pk")


def reembed(samples: QuerySet[FaceSample]) -> Iterator[Reembedded]:
    """Embeds the stored photos of samples with the engine that runs; yields each as it is done."""
    ids = list(samples.values_list("pk", flat=True))
    yield from _in_parallel(_reembed_one, ids, threads=face_workers().status().workers)


def _reembed_one(sample_id: int) -> Reembedded:
    workers = face_workers()
    sample = FaceSample.objects.filter(pk=sample_id).first()
    if sample is None:
        return Reembedded(sample_id, "deleted meanwhile")
    try:
        with sample.photo.open("rb") as file:
            photo = file.read()
        face = workers.embed_again(photo)
    except OSError:
        return Reembedded(sample_id, "its photo is missing from the storage")
    except (FaceError, EngineUnavailable) as error:
        return Reembedded(sample_id, str(error))
    if face is None or face.embedding is None:
        return Reembedded(sample_id, "this engine finds no face in its photo")
    replace_embedding(sample, face.embedding, workers.info)
    return Reembedded(sample_id)


def _in_parallel(work: Callable[[T], R], items: Iterable[T], *, threads: int) -> Iterator[R]:
    """The results of `work`, each as it is ready; at most twice as many are under way as there are threads."""

    def run(item: T) -> R:
        try:
            return work(item)
        finally:
            connections.close_all()

    waiting: set[Future[R]] = set()
    with ThreadPoolExecutor(max_workers=threads) as executor:
        try:
            for item in items:
                # A copy each: the audit log wants to know on whose behalf a thread writes.
                waiting.add(executor.submit(copy_context().run, run, item))
                if len(waiting) >= 2 * threads:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            executor.shutdown(wait=True, cancel_futures=True)
