"""The app that answers: what did the cameras see?"""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AnalyticsConfig(AppConfig):
    """Devices and their live events; videos, what was counted in them, and the faces and plates seen."""

    name = "analytics"
    verbose_name = _("Cameras and videos")

    def ready(self) -> None:
        from analytics import audit, dashboard, status
        from analytics.cameras import service as cameras
        from analytics.events import service as events
        from analytics.sightings import service as sightings
        from analytics.videos import service as videos
        from analytics.webhooks import service as webhooks

        audit.register()
        dashboard.register()
        events.register()
        status.register()
        videos.register()
        cameras.register()
        sightings.register()
        webhooks.register()
