"""System checks that name a wrong setting at start, with the mend."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register  # noqa: A004 - Django's name


@register()
def thresholds_fit(**_kwargs: Any) -> list[CheckMessage]:
    """A face that would be recognised as somebody has to be refused as a new person's."""
    environment = settings.KIOSK
    if environment.face_duplicate_threshold > environment.face_threshold + 0.2:
        return [
            Warning(
                "KIOSK_FACE_DUPLICATE_THRESHOLD is far above KIOSK_FACE_THRESHOLD: one face could be enrolled under two names",
                hint="Bring KIOSK_FACE_DUPLICATE_THRESHOLD down to at most 0.2 above KIOSK_FACE_THRESHOLD",
                id="faces.W001",
            )
        ]
    return []
