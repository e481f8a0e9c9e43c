"""Staff's admin of what the cameras saw. The classes parse and show; what happens is in the app's services."""

from analytics.admin.devices import MediaDeviceAdmin
from analytics.admin.events import RecognitionEventAdmin
from analytics.admin.sightings import FaceSightingAdmin, PlateSightingAdmin
from analytics.admin.videos import VideoAdmin
from analytics.admin.webhooks import WebhookAdmin, WebhookDeliveryAdmin

__all__ = [
    "FaceSightingAdmin",
    "MediaDeviceAdmin",
    "PlateSightingAdmin",
    "RecognitionEventAdmin",
    "VideoAdmin",
    "WebhookAdmin",
    "WebhookDeliveryAdmin",
]
