"""Which of the project's own and of Django's models the audit log follows: who may sign in, who may do what, which clients."""

from __future__ import annotations

from auditlog.registry import auditlog
from django.contrib.auth.models import Group, User

from kiosk.models import ApiToken


def register() -> None:
    """Follows users, groups and API tokens; a password or a token's hash appears masked, a sign-in not as a change."""
    mask = "kiosk.runtime.masking.mask_all"
    auditlog.register(
        User,
        exclude_fields=["last_login", "logentry"],
        mask_fields=["password"],
        mask_callable=mask,
        m2m_fields={"groups", "user_permissions"},
    )
    auditlog.register(Group, m2m_fields={"permissions"})
    auditlog.register(ApiToken, exclude_fields=["id", "hashed_key", "last_used_at"])
