"""What staff see of videos and do with them: selectors, charts, exports and submissions of the admin's pages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from analytics.models import FaceSighting, MediaDevice, PlateSighting, Video, VideoInterval
from analytics.videos import jobs
from analytics.videos.streaming import video_processes
from analytics.videos.uploads import VideoUpload, on_disk
from analytics.zones import Line, Zone
from kiosk.runtime.access import Use, note_use
from kiosk.runtime.figures import Chart, Series

MAX_BARS = 120
"""Of a chart; more intervals are put together."""
SHOWN_SIGHTINGS = 60
BOM = "\ufeff"
"""By which Excel knows UTF-8."""


@dataclass(frozen=True, slots=True)
class NewVideo:
    """What staff filled in."""

    file: UploadedFile[bytes]
    interval_ms: int
    device: MediaDevice | None
    recorded_at: datetime | None
    lines: tuple[Line, ...]
    zones: tuple[Zone, ...]


def take_in(new: NewVideo, user: Any) -> jobs.Submission:
    """Probes and queues a video for this user, not inside a transaction: probing takes a while. Raises VideoProblem."""
    file, sha256 = on_disk(new.file)
    with file:
        upload = VideoUpload(
            file=file,
            sha256=sha256,
            name=(new.file.name or "")[:128],
            interval_ms=new.interval_ms,
            lines=new.lines,
            zones=new.zones,
            device=new.device,
            recorded_at=new.recorded_at,
        )
        video_processes().probe(upload.path)
        return jobs.submit(upload, client=f"user {user.pk}", user=user)


def clock(time_ms: int) -> str:
    """1:02:03 or 2:03."""
    minutes, seconds = divmod(time_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def charts(video: Video) -> list[Chart]:
    """Who was in the frame and who passed over the time of a video; none before it is done."""
    rows = list(
        video.intervals.order_by("position").values_list("start_ms", "people", "vehicles", "people_passed", "vehicles_passed")
    )
    if not rows:
        return []
    size = -(-len(rows) // MAX_BARS)
    bins = [rows[start : start + size] for start in range(0, len(rows), size)]
    labels = [clock(part[0][0]) for part in bins]
    people, vehicles = _("People"), _("Vehicles")
    return [
        Chart(
            "passed",
            _("Passed"),
            labels,
            [
                Series(people, [sum(row[3] for row in part) for part in bins], "first"),
                Series(vehicles, [sum(row[4] for row in part) for part in bins], "third"),
            ],
        ),
        Chart(
            "present",
            _("In the picture"),
            labels,
            [
                Series(people, [max(row[1] for row in part) for part in bins], "first"),
                Series(vehicles, [max(row[2] for row in part) for part in bins], "third"),
            ],
        ),
    ]


def faces_of(video: Video) -> QuerySet[FaceSighting]:
    """By time, without embeddings."""
    return video.faces.defer("embedding").select_related("person").order_by("time_ms", "pk")


def plates_of(video: Video) -> QuerySet[PlateSighting]:
    """By time."""
    return video.plates.order_by("time_ms", "pk")


def note_seen(faces: Iterable[FaceSighting], plates: Iterable[PlateSighting]) -> None:
    """Notes in the audit log that somebody saw unmasked whose faces and which plates these are."""
    known = [str(face.public_id) for face in faces if face.person_id is not None]
    read = [str(plate.public_id) for plate in plates]
    if known:
        note_use(FaceSighting, Use.LIST, known)
    if read:
        note_use(PlateSighting, Use.LIST, read)


def counts_table(video: Video) -> Iterator[str]:
    """The intervals as CSV, line by line."""
    head = ["interval", "start_ms", "people", "vehicles", "people_passed", "vehicles_passed"]
    rows = VideoInterval.objects.filter(video=video).order_by("position")
    columns = rows.values_list("position", "start_ms", "people", "vehicles", "people_passed", "vehicles_passed")
    return _csv(head, columns.iterator())


def sightings_table(video: Video) -> Iterator[str]:
    """Faces and plates as CSV, line by line; noted in the audit log. Persons stand there by their entity id alone."""
    faces, plates = list(faces_of(video)), list(plates_of(video))
    note_use(FaceSighting, Use.EXPORT, [str(face.public_id) for face in faces], video=str(video.public_id))
    note_use(PlateSighting, Use.EXPORT, [str(plate.public_id) for plate in plates], video=str(video.public_id))
    head = ["kind", "time_ms", "track", "x", "y", "w", "h", "plate", "plate_kind", "confidence", "entity_id", "similarity"]
    rows: list[list[Any]] = [
        [
            *("face", face.time_ms, face.track, face.bbox_x, face.bbox_y, face.bbox_w, face.bbox_h, "", "", ""),
            face.person.entity_id if face.person else "",
            "" if face.score is None else round(face.score, 4),
        ]
        for face in faces
    ]
    rows += [
        [
            *("plate", plate.time_ms, plate.track, plate.bbox_x, plate.bbox_y, plate.bbox_w, plate.bbox_h),
            *(plate.text, plate.kind, round(plate.confidence, 4), "", ""),
        ]
        for plate in plates
    ]
    rows.sort(key=lambda row: int(row[1]))
    return _csv(head, rows)


def _csv(head: list[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    yield BOM
    for row in (head, *rows):
        line = io.StringIO()
        csv.writer(line).writerow(row)
        yield line.getvalue()
