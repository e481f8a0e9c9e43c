"""Cameras and what else brings pictures."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kiosk.runtime.audit import audit_details
from kiosk.runtime.encryption import EncryptedTextField

SMALLEST_FACE = 20
LARGEST_FACE = 1000
"""Bounds of MediaDevice.min_face: those of KIOSK_WATCH_FACE_MIN_SIZE."""


def snapshot_path(_device: MediaDevice | None, _filename: str) -> str:
    """Where a device's last picture is kept."""
    name = uuid.uuid4().hex
    return f"snapshots/{name[:2]}/{name}.jpg"


class DeviceType(models.TextChoices):
    """media_device_type of the recognition events (protocol 001)."""

    PHOTO = "photo", _("Photos")
    RTSP = "rtsp", _("Live stream")
    FILE = "file", _("Video file")


class MediaDevice(models.Model):
    """A camera, a file that is played like one, or a box that reports events of its own (`manage.py relay`)."""

    device_id = models.UUIDField(_("device id"), default=uuid.uuid4, unique=True, editable=False)
    """media_device_id of the protocol."""
    name = models.CharField(pgettext_lazy("device", "name"), max_length=64)
    device_type = models.CharField(_("type"), max_length=8, choices=DeviceType.choices, default=DeviceType.RTSP)
    ip = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    """media_device_ip of the events."""
    address = models.CharField(_("address"), max_length=512, blank=True, default="")
    """rtsp://…, http(s)://…, a path of a file or of a local camera (/dev/video0), without user and password."""
    username = models.CharField(_("user of the camera"), max_length=128, blank=True, default="")
    password = EncryptedTextField(_("password of the camera"), blank=True, default="")
    zone = models.CharField(_("place in the hall"), max_length=64, blank=True, default="")
    enabled = models.BooleanField(_("enabled"), default=True, db_index=True)
    lines = models.JSONField(_("counting lines"), default=list, blank=True)
    """[{"name", "start": [x, y], "end": [x, y]}], shares of the picture; see analytics.zones.Line."""
    zones = models.JSONField(_("zones"), default=list, blank=True)
    """[{"name", "corners": [[x, y], …]}]; see analytics.zones.Zone."""
    threshold = models.FloatField(
        _("similarity that makes a name"), null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    """0 to 1, as KIOSK_FACE_THRESHOLD, which counts where it is None."""
    min_face = models.PositiveSmallIntegerField(
        _("smallest face, pixels"),
        null=True,
        blank=True,
        validators=[MinValueValidator(SMALLEST_FACE), MaxValueValidator(LARGEST_FACE)],
    )
    """As KIOSK_WATCH_FACE_MIN_SIZE, which counts where it is None."""
    cooldown_seconds = models.PositiveIntegerField(_("pause between two events of one person, seconds"), default=60)
    relayed_from = models.CharField(max_length=64, blank=True, default="", editable=False)
    """For a device of a box: the box's own id of it; else empty."""
    last_seen_at = models.DateTimeField(_("last picture at"), null=True, blank=True, editable=False)
    error = models.CharField(_("error"), max_length=255, blank=True, default="", editable=False)
    error_since = models.DateTimeField(_("broken since"), null=True, blank=True, editable=False)
    snapshot = models.ImageField(
        _("last picture"), upload_to=snapshot_path, max_length=128, blank=True, default="", editable=False
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(name=""), name="device_name_not_empty"),
            models.CheckConstraint(condition=Q(device_type__in=DeviceType.values), name="device_type_known"),
            models.CheckConstraint(
                condition=Q(threshold__isnull=True) | Q(threshold__gte=0, threshold__lte=1), name="device_threshold_0_to_1"
            ),
            models.CheckConstraint(
                condition=Q(min_face__isnull=True) | Q(min_face__gte=SMALLEST_FACE, min_face__lte=LARGEST_FACE),
                name="device_min_face_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<MediaDevice {self.pk}>"

    def get_additional_data(self) -> dict[str, str] | None:
        """What the audit log keeps beside the change: the API client or command that made it."""
        return audit_details()
