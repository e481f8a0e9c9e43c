"""The last picture of each device, for staff."""

from __future__ import annotations

import logging
from typing import Final

import numpy as np
import numpy.typing as npt
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from analytics.models import MediaDevice
from analytics.models.devices import snapshot_path
from kiosk.runtime.imaging import encode_jpeg, thumbnail

logger = logging.getLogger(__name__)

_SIDE: Final = 960
_QUALITY: Final = 80


def save_snapshot(device: MediaDevice, pixels_rgb: npt.NDArray[np.uint8]) -> None:
    """Keeps a picture in place of the one before; the audit log does not hear of it."""
    jpeg = encode_jpeg(thumbnail(pixels_rgb, _SIDE), _QUALITY)
    rows = MediaDevice.objects.filter(pk=device.pk)
    before = rows.values_list("snapshot", flat=True).first()
    path = default_storage.save(snapshot_path(None, ""), ContentFile(jpeg))
    kept = rows.update(snapshot=path) if before is not None else 0
    for gone in ([before] if before else []) if kept else [path]:
        try:
            default_storage.delete(gone)
        except OSError:
            logger.exception("A snapshot of device %s could not be deleted", device.pk)
