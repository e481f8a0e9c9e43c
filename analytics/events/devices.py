"""Devices as those who bring their pictures see them: which are to be read, and how they are."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from analytics.models import DeviceType, MediaDevice

_MAX_NAME = 64


def watched_devices() -> QuerySet[MediaDevice]:
    """Devices that `manage.py watch` reads: enabled, with an address, none of a relayed box."""
    return MediaDevice.objects.filter(enabled=True, relayed_from="").exclude(address="")


def known_devices() -> QuerySet[MediaDevice]:
    """All devices, as GET /getmediadevices lists them."""
    return MediaDevice.objects.order_by("pk")


def note_seen(device: MediaDevice, at: datetime) -> None:
    """Notes that a picture came; whatever was broken works again. Leaves alone what staff edit, the audit log too."""
    MediaDevice.objects.filter(pk=device.pk).update(last_seen_at=at, error="", error_since=None)


def note_broken(device: MediaDevice, error: str, at: datetime) -> None:
    """Notes that a device does not work, and since when; `error` must not hold the camera's password."""
    rows = MediaDevice.objects.filter(pk=device.pk)
    rows.filter(error_since=None).update(error_since=at)
    rows.update(error=error[:255])


def relayed_device(box_id: str, *, ip: str | None, device_type: str, address: str) -> MediaDevice:
    """The device that stands for a box's own one `box_id`, made at its first event.

    Its device_id is the box's, where that is a UUID that no other device has, so that clients may go on filtering by it.
    """
    known = MediaDevice.objects.filter(relayed_from=box_id, address=address).first()
    if known is not None:
        return known
    kind = device_type if device_type in DeviceType.values else DeviceType.RTSP
    with transaction.atomic():
        return MediaDevice.objects.create(
            device_id=_free_uuid(box_id),
            name=f"{ip or box_id}"[:_MAX_NAME],
            device_type=kind,
            ip=ip,
            address=address,
            relayed_from=box_id,
        )


def relayed_devices(address: str) -> Iterable[MediaDevice]:
    """The devices of the box at this address."""
    return MediaDevice.objects.filter(address=address).exclude(relayed_from="")


def _free_uuid(text: str) -> uuid.UUID:
    try:
        wanted = uuid.UUID(text)
    except ValueError:
        return uuid.uuid4()
    return uuid.uuid4() if MediaDevice.objects.filter(device_id=wanted).exists() else wanted
