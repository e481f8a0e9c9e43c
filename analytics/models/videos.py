"""Recorded videos (protocol 003): the file, the job that works on it, what was counted, and the faces and plates seen."""

from __future__ import annotations

import uuid
from typing import ClassVar

import numpy as np
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from analytics.models.devices import MediaDevice
from analytics.models.sightings import IndexedSighting, SightingKind
from faces.models import Person
from faces.types import Box, Embedding, Metric
from kiosk.runtime.audit import audit_details


def video_path(_video: Video | None, _filename: str) -> str:
    """Where an uploaded video is kept."""
    name = uuid.uuid4().hex
    return f"videos/{name[:2]}/{name}"


def processed_path(_video: Video | None, _filename: str) -> str:
    """Where the video with boxes drawn is kept."""
    name = uuid.uuid4().hex
    return f"processed/{name[:2]}/{name}.mp4"


def sighting_path(_sighting: models.Model | None, _filename: str) -> str:
    """Where the picture of a face or of a car is kept: under a name that says nothing about whose it is."""
    name = uuid.uuid4().hex
    return f"sightings/{name[:2]}/{name}.jpg"


class VideoState(models.TextChoices):
    """How far the work on a video is. From the last three there is no way on, but a new job."""

    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("In work")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Video(models.Model):
    """An uploaded video and the job that analyses it."""

    public_id = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    """Names the video and its job in URLs."""
    name = models.CharField(_("file name"), max_length=128, blank=True, default="")
    """As uploaded, for staff; the file itself has another one."""
    file = models.FileField(_("file"), upload_to=video_path, max_length=128)
    sha256 = models.CharField(max_length=64, editable=False, db_index=True)
    analysis_key = models.CharField(max_length=64, blank=True, default="", editable=False)
    """Digest of all that the result depends on; see analytics.videos.jobs.analysis_key. "" where it may not be used again."""
    size_bytes = models.PositiveBigIntegerField(_("size"), editable=False)
    device = models.ForeignKey(
        MediaDevice, on_delete=models.SET_NULL, null=True, blank=True, related_name="videos", verbose_name=_("device")
    )
    """Whose lines and zones hold, where the request brought none."""
    recorded_at = models.DateTimeField(_("recorded at"), null=True, blank=True)
    """Of the first frame, where somebody said so: charts by hour need it."""
    interval_ms = models.PositiveIntegerField(_("interval, milliseconds"), default=1000, validators=[MinValueValidator(1)])
    lines = models.JSONField(_("counting lines"), default=list, blank=True)
    zones = models.JSONField(_("zones"), default=list, blank=True)
    passages = models.JSONField(_("lines and zones"), default=dict, blank=True, editable=False)
    """{"lines": {name: {"in": n, "out": n}}, "zones": {name: {"visits": n, "dwell_ms": […]}}}."""
    client = models.CharField(_("API client"), max_length=64, blank=True, default="", editable=False)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("uploaded by"),
    )

    state = models.CharField(
        _("state"), max_length=16, choices=VideoState.choices, default=VideoState.QUEUED, db_index=True, editable=False
    )
    progress = models.FloatField(
        _("progress"), default=0, editable=False, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    """0 to 1."""
    cancel_requested = models.BooleanField(default=False, editable=False)
    worker = models.CharField(max_length=64, blank=True, default="", editable=False)
    """Who works on it; empty for nobody."""
    heartbeat_at = models.DateTimeField(null=True, blank=True, editable=False)
    """A worker that was silent for too long is dead, and its video waits again."""
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    error_code = models.CharField(_("error"), max_length=32, blank=True, default="", editable=False)
    error_at_ms = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    broken_at_ms = models.PositiveBigIntegerField(_("damaged from, milliseconds"), null=True, blank=True, editable=False)

    detector = models.CharField(_("detector"), max_length=64, blank=True, default="", editable=False)
    width = models.PositiveIntegerField(null=True, blank=True, editable=False)
    height = models.PositiveIntegerField(null=True, blank=True, editable=False)
    fps = models.FloatField(null=True, blank=True, editable=False)
    duration_ms = models.PositiveBigIntegerField(_("length, milliseconds"), null=True, blank=True, editable=False)
    processed = models.FileField(
        _("processed video"), upload_to=processed_path, max_length=128, blank=True, default="", editable=False
    )
    people = models.PositiveIntegerField(_("people"), default=0, editable=False)
    vehicles = models.PositiveIntegerField(_("vehicles"), default=0, editable=False)
    created_at = models.DateTimeField(_("uploaded at"), auto_now_add=True, db_index=True)
    started_at = models.DateTimeField(_("begun at"), null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("video")
        verbose_name_plural = _("videos")
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=VideoState.values), name="video_state_known"),
            models.CheckConstraint(condition=Q(progress__gte=0, progress__lte=1), name="video_progress_0_to_1"),
            models.CheckConstraint(condition=Q(interval_ms__gt=0), name="video_interval_positive"),
            models.UniqueConstraint(
                fields=["analysis_key"],
                condition=~Q(analysis_key="") & Q(state__in=["queued", "running", "done"]),
                name="video_analysed_once",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "heartbeat_at"], name="video_state_heartbeat")]

    def __str__(self) -> str:
        return self.name or str(self.public_id)

    def __repr__(self) -> str:
        return f"<Video {self.pk} {self.state}>"

    def get_additional_data(self) -> dict[str, str] | None:
        """What the audit log keeps beside the change: the API client or command that made it."""
        return audit_details()


class VideoInterval(models.Model):
    """One interval of a video: who is in the frame it begins with, and who was counted in it for the first time."""

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="intervals", verbose_name=_("video"))
    position = models.PositiveIntegerField(_("position"))
    """0, 1, 2, …; it begins at position x interval_ms."""
    start_ms = models.PositiveBigIntegerField(_("begins at, milliseconds"))
    people = models.PositiveIntegerField(_("people in the frame"))
    vehicles = models.PositiveIntegerField(_("vehicles in the frame"))
    people_passed = models.PositiveIntegerField(_("people who passed"))
    vehicles_passed = models.PositiveIntegerField(_("vehicles that passed"))

    class Meta:
        verbose_name = _("interval")
        verbose_name_plural = _("intervals")
        ordering: ClassVar = [F("video_id").asc(), F("position").asc()]
        constraints: ClassVar = [models.UniqueConstraint(fields=["video", "position"], name="interval_position_once")]

    def __str__(self) -> str:
        return f"{self.video_id}/{self.position}"


class Sighting(IndexedSighting):
    """One thing seen in a video, on the best frame of its track."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    """Names its picture in permanent links."""
    time_ms = models.PositiveBigIntegerField(_("time, milliseconds"))
    """Of the frame, since the video's first one."""
    track = models.PositiveIntegerField(_("track"))
    bbox_x = models.PositiveIntegerField(editable=False)
    bbox_y = models.PositiveIntegerField(editable=False)
    bbox_w = models.PositiveIntegerField(editable=False)
    bbox_h = models.PositiveIntegerField(editable=False)
    picture = models.ImageField(_("picture"), upload_to=sighting_path, max_length=128)
    created_at = models.DateTimeField(_("recorded at"), auto_now_add=True)

    class Meta(IndexedSighting.Meta):
        abstract = True

    @property
    def bbox(self) -> Box:
        return Box(self.bbox_x, self.bbox_y, self.bbox_w, self.bbox_h)


class FaceSighting(Sighting):
    """A face in a video."""

    sighting_kind = SightingKind.FACE
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="faces", verbose_name=_("video"))
    person = models.ForeignKey(
        Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="sightings", verbose_name=_("person")
    )
    score = models.FloatField(_("similarity"), null=True, blank=True)
    """To the person, 0 to 1; None where nobody was recognised."""
    quality = models.FloatField(_("quality"), validators=[MinValueValidator(0), MaxValueValidator(1)])
    embedding = models.BinaryField(editable=False)
    dimension = models.PositiveSmallIntegerField(editable=False)
    metric = models.CharField(max_length=16, choices=[(m.value, m.value) for m in Metric], editable=False)
    engine = models.CharField(_("engine"), max_length=64, editable=False, db_index=True)

    class Meta:
        verbose_name = _("face in a video")
        verbose_name_plural = _("faces in videos")
        ordering: ClassVar = ["-pk"]
        permissions: ClassVar = [("search_facesighting", _("Can search videos for the face on a photo"))]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(dimension__gt=0), name="sighting_dimension_positive"),
            models.CheckConstraint(condition=Q(quality__gte=0, quality__lte=1), name="sighting_quality_0_to_1"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["video", "time_ms"], name="face_sighting_time"),
            models.Index(fields=["engine", "version"], name="face_sighting_version"),
        ]

    def __str__(self) -> str:
        return f"{self.video_id}/{self.time_ms}"

    def __repr__(self) -> str:
        return f"<FaceSighting {self.pk}>"

    @property
    def vector(self) -> Embedding:
        """The embedding as an array; raises ValueError where the row is damaged."""
        vector = np.frombuffer(self.embedding, dtype="<f4")
        if vector.shape != (self.dimension,):
            raise ValueError(f"sighting {self.pk}: {vector.size} numbers where {self.dimension} belong")
        return vector


class PlateSighting(Sighting):
    """A licence plate in a video, as the frames of its track voted."""

    sighting_kind = SightingKind.PLATE
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="plates", verbose_name=_("video"))
    text = models.CharField(_("plate"), max_length=16)
    """Canonical: capitals, no separators; analytics.plates.grammar."""
    key = models.CharField(max_length=16, db_index=True, editable=False)
    """analytics.plates.search.search_key of the text."""
    kind = models.CharField(_("kind"), max_length=24, blank=True, default="")
    colour = models.CharField(_("colour"), max_length=16, blank=True, default="")
    confidence = models.FloatField(_("confidence"), validators=[MinValueValidator(0), MaxValueValidator(1)])
    frames = models.PositiveSmallIntegerField(_("frames that agree"), default=1)

    class Meta:
        verbose_name = _("plate in a video")
        verbose_name_plural = _("plates in videos")
        ordering: ClassVar = ["-pk"]
        permissions: ClassVar = [("search_platesighting", _("Can search videos for a plate"))]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(text=""), name="plate_text_not_empty"),
            models.CheckConstraint(condition=Q(confidence__gte=0, confidence__lte=1), name="plate_confidence_0_to_1"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["video", "time_ms"], name="plate_sighting_time"),
            models.Index(fields=["version"], name="plate_sighting_version"),
        ]

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<PlateSighting {self.pk}>"
