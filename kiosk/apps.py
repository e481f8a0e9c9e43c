"""The project's own app: API tokens, the runtime's commands, the kiosk's pages."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KioskConfig(AppConfig):
    """Tokens of API clients and what every app shares."""

    name = "kiosk"
    verbose_name = _("System")

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from kiosk.api import schema  # noqa: F401 - registers itself with the API docs
        from kiosk.models import ApiToken

        auditlog.register(ApiToken, exclude_fields=["id", "hashed_key", "last_used_at"])
