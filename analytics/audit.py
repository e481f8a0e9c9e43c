"""Which models of this app the audit log follows, and what of them it may not write down."""

from __future__ import annotations

from auditlog.registry import auditlog

from analytics.models import FaceSighting, MediaDevice, PlateSighting, Video, Webhook


def register() -> None:
    """Follows videos without the names of their files, deleted sightings without what they show, devices and webhooks."""
    auditlog.register(Video, include_fields=["public_id", "device", "interval_ms", "size_bytes"])
    auditlog.register(FaceSighting, include_fields=["public_id", "video"])
    auditlog.register(PlateSighting, include_fields=["public_id", "video"])
    auditlog.register(Webhook, exclude_fields=["secret"], m2m_fields={"devices"})
    auditlog.register(
        MediaDevice,
        exclude_fields=["last_seen_at", "error", "error_since", "snapshot", "updated_at"],
        mask_fields=["password"],
        mask_callable="kiosk.runtime.masking.mask_all",
    )
