"""Pieces of HTML of the pages about devices and events."""

from __future__ import annotations

from typing import Any, Final

from django.forms.widgets import Media, Script
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from analytics.models import MediaDevice, RecognitionEvent
from faces.models import UserType

STYLES: Final = Media(css={"all": ["analytics/cameras.css"]})

TYPE_COLOURS: Final = {
    UserType.EMPLOYEE: "info",
    UserType.VISITOR: "primary",
    UserType.BLACKLIST: "danger",
    UserType.STRANGER: "warning",
    UserType.VIP: "success",
}


def modules(*names: str) -> Media:
    """Scripts of static/analytics, as modules."""
    return Media(js=[Script(f"analytics/{name}.mjs", type="module") for name in names])  # type: ignore[misc]


def face_url(event: Any) -> str:
    return reverse("admin:analytics_recognitionevent_face", args=[event.pk])


def event_face(event: RecognitionEvent, size_px: int = 160) -> SafeString:
    """The face of an event, loaded when it scrolls into view."""
    if not event.face:
        return format_html(
            '<span class="cam-face cam-face-none material-symbols-outlined" title="{}">no_accounts</span>', _("No picture")
        )
    return format_html(
        '<img class="cam-face" src="{}" alt="{}" width="{}" height="{}" loading="lazy" decoding="async">',
        face_url(event),
        _("Face as the camera saw it"),
        size_px,
        size_px,
    )


def snapshot(device: MediaDevice, *, wide: bool = False) -> SafeString:
    """The last picture of a device."""
    if not device.snapshot:
        return format_html(
            '<span class="cam-shot cam-shot-none material-symbols-outlined" title="{}">videocam_off</span>', _("No picture yet")
        )
    # The name changes with every picture: a browser asks again.
    return format_html(
        '<img class="cam-shot{}" src="{}?{}" alt="{}" loading="lazy" decoding="async">',
        " cam-shot-wide" if wide else "",
        reverse("admin:analytics_mediadevice_snapshot", args=[device.pk]),
        str(device.snapshot.name)[-12:-4],
        _("Last picture of this device"),
    )
