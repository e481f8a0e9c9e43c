"""The app that answers: what do they need?"""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FlowsConfig(AppConfig):
    """The service catalogue and speech."""

    name = "flows"
    verbose_name = _("Services")

    def ready(self) -> None:
        from flows import audit, retention, service, status

        audit.register()
        retention.register()
        service.register()
        status.register()
