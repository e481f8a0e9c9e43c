"""Which models the audit log follows, and what of them it may not write down."""

from __future__ import annotations

from auditlog.registry import auditlog

from faces.models import FaceSample, Person


def register() -> None:
    """Follows persons and samples; names and numbers appear masked, embeddings not at all."""
    mask = "kiosk.runtime.masking.mask_all"
    auditlog.register(Person, mask_fields=["name", "number"], mask_callable=mask, exclude_fields=["updated_at", "samples"])
    auditlog.register(FaceSample, include_fields=["person", "engine", "quality", "created_at"])
