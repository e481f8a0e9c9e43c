"""The app that answers: who is this?"""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FacesConfig(AppConfig):
    """Persons, their face samples, engines, the vector index and recognition."""

    name = "faces"
    verbose_name = _("Faces")

    def ready(self) -> None:
        from faces import audit, checks, retention, service, status  # noqa: F401 - checks register themselves

        audit.register()
        retention.register()
        service.register()
        status.register()
