"""Which models the audit log follows."""

from __future__ import annotations

from auditlog.registry import auditlog

from flows.models import ServiceItem


def register() -> None:
    """Follows service items: nothing in them is personal, and what citizens are told should have an author."""
    auditlog.register(ServiceItem, exclude_fields=["shipped_hash", "created_at", "updated_at"])
