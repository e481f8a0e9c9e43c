"""The life of a video's job: waiting, in work, and one of done, failed, cancelled. Every change of state is made here.

A worker takes a video by one conditional UPDATE and says every second that it is alive. What it found is written in one
transaction, and only while the video is still its own: a worker that was taken for dead and wakes up again writes nothing. So a
video is never worked on by two at once, nor stored twice. The task library says that there is work; the row says whose it is.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from auditlog.context import disable_auditlog
from auditlog.models import LogEntry
from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from analytics.models import FaceSighting, PlateSighting, Video, VideoInterval, VideoState
from analytics.videos.engines import engines_key
from analytics.videos.errors import ProblemCode, VideoProblem
from analytics.videos.marks import plain_lines, plain_zones
from analytics.videos.uploads import VideoUpload

logger = logging.getLogger(__name__)

ANALYSIS_VERSION = 1
"""Grows when the same video would give another result: no older one is used again."""
OPEN_STATES = (VideoState.QUEUED, VideoState.RUNNING)
_TASKS_KEPT = timedelta(days=1)


class ClaimLost(Exception):
    """The video belongs to another worker now, or to none."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A video that was taken in."""

    video: Video
    is_new: bool
    """False where the same video, sent before, is being or was analysed in the same way."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything an analysis found, its files still in the worker's own folder."""

    fields: dict[str, Any]
    """Of Video: size, length, totals, passages, where it is damaged."""
    intervals: Sequence[VideoInterval] = field(repr=False)
    faces: Sequence[tuple[FaceSighting, Path]] = field(repr=False)
    """Rows that are not saved, each with its picture."""
    plates: Sequence[tuple[PlateSighting, Path]] = field(repr=False)
    processed: Path


class MovedFile(File):  # type: ignore[type-arg]
    """A file of our own that a storage on the same disk takes by moving it."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def analysis_key(upload: VideoUpload, client: str) -> str:
    """Digest of all that a result depends on: the video, what was asked, and the engines and settings that answer it.

    The client is part of it: nobody learns by sending a video that somebody else has sent it.
    """
    parts = [
        ANALYSIS_VERSION,
        upload.sha256,
        upload.interval_ms,
        plain_lines(upload.lines),
        plain_zones(upload.zones),
        None if upload.device is None else upload.device.pk,
        None if upload.recorded_at is None else upload.recorded_at.isoformat(),
        client,
        engines_key(),
    ]
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()


def submit(upload: VideoUpload, *, client: str = "", user: Any = None, reuse: bool = True) -> Submission:
    """Takes a probed video in and queues it; or finds the job of the same video, interval, marks and engines.

    Raises VideoProblem: busy where too many wait, storage_failed.
    """
    key = analysis_key(upload, client) if reuse else ""
    if key and (known := _known(key)) is not None:
        return Submission(known, is_new=False)
    if Video.objects.filter(state=VideoState.QUEUED).count() >= settings.KIOSK.video_queue:
        raise VideoProblem(ProblemCode.BUSY)
    video = Video(
        name=upload.name,
        sha256=upload.sha256,
        analysis_key=key,
        size_bytes=upload.size_bytes,
        interval_ms=upload.interval_ms,
        lines=plain_lines(upload.lines),
        zones=plain_zones(upload.zones),
        device=upload.device,
        recorded_at=upload.recorded_at,
        client=client[:64],
        uploaded_by=user,
    )
    try:
        video.file.save("video", upload.file, save=False)
    except OSError:
        logger.exception("A video can't be stored")
        raise VideoProblem(ProblemCode.STORAGE_FAILED) from None
    try:
        with transaction.atomic():
            video.save(force_insert=True)
            enqueue(video)
    except IntegrityError:
        delete_files([video.file.name])
        known = _known(key)
        if known is None:
            raise
        return Submission(known, is_new=False)
    except BaseException:
        delete_files([video.file.name])
        raise
    return Submission(video, is_new=True)


def _known(key: str) -> Video | None:
    return Video.objects.filter(analysis_key=key, state__in=[*OPEN_STATES, VideoState.DONE], cancel_requested=False).first()


def enqueue(video: Video) -> None:
    """Tells the workers of a waiting video, in the transaction under way. Told twice, it is worked on once."""
    from analytics.videos.tasks import analyse_video

    analyse_video.enqueue(video.pk)


def claim(pk: int, worker: str) -> Video | None:
    """Takes a waiting video for this worker; None where it waits no more."""
    now = timezone.now()
    taken = Video.objects.filter(pk=pk, state=VideoState.QUEUED).update(
        state=VideoState.RUNNING,
        worker=worker,
        heartbeat_at=now,
        started_at=now,
        progress=0,
        attempts=F("attempts") + 1,
    )
    return Video.objects.get(pk=pk) if taken else None


def beat(pk: int, worker: str, progress: float) -> bool:
    """Says that the worker is alive and how far it is; whether somebody asked to cancel. Raises ClaimLost."""
    mine = _mine(pk, worker)
    if not mine.update(heartbeat_at=timezone.now(), progress=min(1.0, max(0.0, progress))):
        raise ClaimLost
    return mine.filter(cancel_requested=True).exists()


def finish(pk: int, worker: str, outcome: Outcome) -> None:
    """Stores everything in one transaction and marks the video as done. Raises ClaimLost; then nothing is stored.

    Files are stored before their rows; those of a transaction that fails are deleted again.
    """
    stored: list[str] = []
    try:
        processed = _store(Video.processed.field.upload_to, outcome.processed, stored)
        for row, picture in [*outcome.faces, *outcome.plates]:
            row.picture.name = _store(type(row).picture.field.upload_to, picture, stored)
        with transaction.atomic(), disable_auditlog():
            _mark_done(pk, worker, processed, outcome.fields)
            VideoInterval.objects.bulk_create(outcome.intervals, batch_size=500)
            FaceSighting.objects.bulk_create((row for row, _picture in outcome.faces), batch_size=200)
            PlateSighting.objects.bulk_create((row for row, _picture in outcome.plates), batch_size=200)
    except BaseException:
        delete_files(stored)
        raise


def _mark_done(pk: int, worker: str, processed: str, fields: dict[str, Any]) -> None:
    marked = _mine(pk, worker).update(
        **fields,
        state=VideoState.DONE,
        worker="",
        progress=1,
        processed=processed,
        finished_at=timezone.now(),
        error_code="",
        error_at_ms=None,
    )
    if not marked:
        raise ClaimLost


def fail(pk: int, worker: str, code: ProblemCode, at_ms: int | None = None) -> None:
    """Marks a video that can't be analysed."""
    state = VideoState.CANCELLED if code is ProblemCode.CANCELLED else VideoState.FAILED
    _mine(pk, worker).update(
        state=state,
        worker="",
        error_code="" if state is VideoState.CANCELLED else code,
        error_at_ms=at_ms,
        finished_at=timezone.now(),
    )


def give_back(pk: int, worker: str) -> None:
    """Lets a video wait again whose worker stops in order; that is no failed attempt."""
    with transaction.atomic():
        if _mine(pk, worker).update(state=VideoState.QUEUED, worker="", progress=0, attempts=F("attempts") - 1):
            enqueue(Video(pk=pk))


def request_cancel(public_id: UUID) -> Video:
    """Cancels a waiting video at once, asks the worker of one in work. Raises VideoProblem: not_found, finished."""
    before = find(public_id)
    waiting = Video.objects.filter(pk=before.pk, state=VideoState.QUEUED)
    done = waiting.update(state=VideoState.CANCELLED, cancel_requested=True, finished_at=timezone.now())
    done = done or Video.objects.filter(pk=before.pk, state=VideoState.RUNNING).update(cancel_requested=True)
    if done:
        _note_steered(before, VideoState.CANCELLED)
    video = find(public_id)
    if video.state in {VideoState.DONE, VideoState.FAILED}:
        raise VideoProblem(ProblemCode.FINISHED)
    return video


def find(public_id: UUID) -> Video:
    """The video. Raises VideoProblem: not_found."""
    video = Video.objects.filter(public_id=public_id).first()
    if video is None:
        raise VideoProblem(ProblemCode.NOT_FOUND)
    return video


def start_again(video: Video) -> bool:
    """Queues a video that ended, without what was found before; False where it has not ended.

    The engines of today look at it, so it stands for no other upload's result.
    """
    with transaction.atomic():
        ended = Video.objects.filter(pk=video.pk).exclude(state__in=OPEN_STATES)
        locked = ended.select_for_update().first()
        if locked is None:
            return False
        gone = _delete_found(Video.objects.filter(pk=video.pk))
        ended.update(
            state=VideoState.QUEUED,
            analysis_key="",
            progress=0,
            cancel_requested=False,
            attempts=0,
            error_code="",
            error_at_ms=None,
            broken_at_ms=None,
            processed="",
            people=0,
            vehicles=0,
            passages={},
            started_at=None,
            finished_at=None,
        )
        _note_steered(locked, VideoState.QUEUED)
        enqueue(video)
        transaction.on_commit(lambda: delete_files(gone))
    return True


def requeue_lost(now: datetime, workers: Collection[str] = ()) -> int:
    """Lets videos wait again whose worker was silent for KIOSK_VIDEO_LOST_SECONDS, or is one of `workers`, known to be dead.

    One that has cost KIOSK_VIDEO_ATTEMPTS workers is given up. Also tells again of waiting videos that no task speaks of: its
    worker died between taking the task and taking the video. Returns how many wait again.
    """
    silent = Video.objects.filter(state=VideoState.RUNNING)
    if workers:
        silent = silent.filter(worker__in=workers)
    else:
        silent = silent.filter(heartbeat_at__lt=now - timedelta(seconds=settings.KIOSK.video_lost_seconds))
    silent.filter(cancel_requested=True).update(state=VideoState.CANCELLED, worker="", finished_at=now)
    given_up = silent.filter(attempts__gte=settings.KIOSK.video_attempts).update(
        state=VideoState.FAILED, worker="", error_code=ProblemCode.WORKER_DIED, finished_at=now
    )
    if given_up:
        logger.error("%d videos are given up: their workers died", given_up)
    again = silent.update(state=VideoState.QUEUED, worker="", progress=0)
    if again:
        logger.warning("%d videos wait again: their workers died", again)
    _tell_of_waiting()
    return again


def _tell_of_waiting() -> None:
    waiting = set(Video.objects.filter(state=VideoState.QUEUED).values_list("pk", flat=True))
    if not waiting:
        return
    from django_tasks_db.models import DBTaskResult

    told = DBTaskResult.objects.filter(status="READY", queue_name="videos").values_list("args_kwargs", flat=True)
    for pk in sorted(waiting - {args["args"][0] for args in told}):
        enqueue(Video(pk=pk))


def forget_old_tasks(now: datetime) -> None:
    """Deletes what the task library keeps of tasks that ended a day ago; the video's row tells what became of it."""
    from django_tasks_db.models import DBTaskResult

    DBTaskResult.objects.filter(queue_name="videos", enqueued_at__lt=now - _TASKS_KEPT).exclude(status="READY").delete()


def _note_steered(video: Video, state: str) -> None:
    """Notes in the audit log who cancelled a video or had it analysed again: states change without it otherwise."""
    LogEntry.objects.log_create(video, force_log=True, action=LogEntry.Action.UPDATE, changes={"state": [video.state, state]})


def queue_position(video: Video) -> int:
    """How many videos are worked on before this waiting one; 0 for one that waits no more."""
    if video.state != VideoState.QUEUED:
        return 0
    return Video.objects.filter(state=VideoState.QUEUED, pk__lt=video.pk).count()


def delete_videos(videos: QuerySet[Video]) -> int:
    """Deletes videos with all that was found in them, rows and files; those in work are left alone. Returns how many went."""
    with transaction.atomic():
        rows = list(
            videos.exclude(state=VideoState.RUNNING).select_for_update(of=("self",)).values_list("pk", "file", "processed")
        )
        chosen = Video.objects.filter(pk__in=[pk for pk, _file, _processed in rows])
        gone = [name for _pk, file, processed in rows for name in (file, processed) if name]
        gone += [name for name in _delete_found(chosen) if name not in gone]
        with disable_auditlog():
            chosen.delete()
        transaction.on_commit(lambda: delete_files(gone))
    return len(rows)


def _delete_found(videos: QuerySet[Video]) -> list[str]:
    """Deletes intervals and sightings of these videos; returns the files that nobody names any more."""
    gone = list(videos.exclude(processed="").values_list("processed", flat=True))
    with disable_auditlog():
        for model in (FaceSighting, PlateSighting):
            found = model.objects.filter(video__in=videos)
            gone += list(found.order_by().values_list("picture", flat=True))
            found.delete()
        VideoInterval.objects.filter(video__in=videos).delete()
    return gone


def delete_files(names: Collection[str | None]) -> None:
    """Deletes files from the storage; one that can't be deleted is left to enforce_retention."""
    for name in names:
        try:
            if name:
                default_storage.delete(name)
        except OSError:
            logger.exception("A file of a video could not be deleted")


def _mine(pk: int, worker: str) -> QuerySet[Video]:
    return Video.objects.filter(pk=pk, state=VideoState.RUNNING, worker=worker)


def _store(path_of: Any, source: Path, stored: list[str]) -> str:
    with source.open("rb") as opened:
        file = MovedFile(opened, name=str(source))
        name = default_storage.save(path_of(None, ""), file, max_length=128)
    stored.append(name)
    return name
