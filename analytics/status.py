"""The analytics app on the status page: its devices, the detector, and the videos that wait."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib import admin
from django.db.models import Count
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from analytics.cameras.problems import problem_text
from analytics.engines.base import DetectorUnavailable
from analytics.engines.registry import resolve
from analytics.models import MediaDevice, Video, VideoState
from kiosk.runtime.status import Health, Line, Section, register_status

_SILENT: Final = timedelta(minutes=5)
"""A device that is switched on and has shown nothing for so long is looked after."""
_DEVICES: Final = 100


def register() -> None:
    """Puts this app on the status page."""
    register_status("analytics", camera_status)


def camera_status() -> list[Section]:
    """Reads rows and settings; asks no camera."""
    return [Section(_("Devices"), _devices(), "videocam"), Section(_("Videos"), [_detector(), *_videos()], "movie")]


def _devices() -> list[Line]:
    devices = MediaDevice.objects.only("name", "enabled", "last_seen_at", "error", "error_since").order_by("name", "pk")
    return [_device(device) for device in devices[:_DEVICES]]


def _device(device: MediaDevice) -> Line:
    url = reverse("admin:analytics_mediadevice_change", args=[device.pk]) if admin.site.is_registered(MediaDevice) else ""
    seen = date_format(localtime(device.last_seen_at), "SHORT_DATETIME_FORMAT") if device.last_seen_at else _("never")
    last = _("last picture: %(time)s") % {"time": seen}
    if not device.enabled:
        return Line(device.name, _("switched off"), "", Health.NEUTRAL, url)
    if device.error:
        return Line(device.name, _("broken"), problem_text(device.error), Health.BAD, url)
    if device.last_seen_at is None or device.last_seen_at < timezone.now() - _SILENT:
        return Line(device.name, _("silent"), last, Health.ATTENTION, url)
    return Line(device.name, _("working"), last, Health.GOOD, url)


def _detector() -> Line:
    environment = settings.KIOSK
    try:
        spec, reason = resolve(
            environment.video_detector, detection_root=environment.model_dir / "detection", pack=environment.video_pack
        )
    except DetectorUnavailable as error:
        return Line(_("detector of people and vehicles"), _("none"), str(error), Health.BAD)
    return Line(_("detector of people and vehicles"), spec.name, reason, Health.GOOD)


def _videos() -> list[Line]:
    environment = settings.KIOSK
    counts = dict(Video.objects.order_by().values_list("state").annotate(count=Count("pk")))
    queued, most = counts.get(VideoState.QUEUED, 0), environment.video_queue
    lost = timezone.now() - timedelta(seconds=environment.video_lost_seconds)
    silent = Video.objects.filter(state=VideoState.RUNNING, heartbeat_at__lt=lost).count()
    failed = counts.get(VideoState.FAILED, 0)
    return [
        Line(
            _("videos waiting"),
            _("%(pending)d of %(capacity)d") % {"pending": queued, "capacity": most},
            _("%(workers)d processes of this server") % {"workers": environment.video_workers},
            Health.BAD if queued >= most else Health.GOOD,
        ),
        Line(
            _("videos in work"),
            str(counts.get(VideoState.RUNNING, 0)),
            _("%(count)d of them without a sign of life") % {"count": silent} if silent else "",
            Health.ATTENTION if silent else Health.GOOD,
        ),
        Line(_("videos that failed"), str(failed), "", Health.ATTENTION if failed else Health.GOOD),
    ]
