"""The project's own app: API tokens, the runtime's commands, the kiosk's pages."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KioskConfig(AppConfig):
    """Tokens of API clients and what every app shares."""

    name = "kiosk"
    verbose_name = _("System")

    def ready(self) -> None:
        from kiosk import (
            audit,
            checks,  # noqa: F401 - registers itself
            service,
        )
        from kiosk.api import schema  # noqa: F401 - registers itself with the API docs

        audit.register()
        service.register()
