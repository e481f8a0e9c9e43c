"""What the cameras saw: devices and their live events, recorded videos and what was found in them."""

from analytics.models.devices import DeviceType, MediaDevice
from analytics.models.events import RecognitionEvent
from analytics.models.sightings import RemovedSighting, SightingKind, SightingState
from analytics.models.videos import FaceSighting, PlateSighting, Video, VideoInterval, VideoState
from analytics.models.webhooks import Webhook, WebhookDelivery

__all__ = [
    "DeviceType",
    "FaceSighting",
    "MediaDevice",
    "PlateSighting",
    "RecognitionEvent",
    "RemovedSighting",
    "SightingKind",
    "SightingState",
    "Video",
    "VideoInterval",
    "VideoState",
    "Webhook",
    "WebhookDelivery",
]
