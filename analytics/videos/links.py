"""Permanent links (永久链接, protocol 003) to the pictures of sightings and to processed videos.

A link holds the row's random id (122 bits), so that nobody can guess one; it needs no token, since a page shows it in an <img>.
It works after a restart and as long as the row exists: what retention or an erasure deletes is gone for its link at once.
"""

from __future__ import annotations

from typing import Protocol

from django.urls import reverse

from analytics.models import FaceSighting, PlateSighting, Video


class _Request(Protocol):
    """What makes a path absolute: a request of Django or of Django REST framework."""

    def build_absolute_uri(self, location: str | None = None) -> str: ...


def picture_path(sighting: FaceSighting | PlateSighting) -> str:
    """The path of a sighting's picture on this server. Needs only its public_id."""
    name = "analytics:face-picture" if isinstance(sighting, FaceSighting) else "analytics:car-picture"
    return reverse(name, args=[sighting.public_id])


def picture_url(request: _Request, sighting: FaceSighting | PlateSighting) -> str:
    """The permanent link to a sighting's picture, absolute: `similar_face` and `car_image` of protocol 003."""
    return request.build_absolute_uri(picture_path(sighting))


def processed_path(video: Video) -> str:
    """The path of the video with boxes drawn; "" while there is none. Needs only its public_id and its processed."""
    return reverse("analytics:processed-video", args=[video.public_id]) if video.processed else ""


def processed_url(request: _Request, video: Video) -> str:
    """The permanent link to the video with boxes drawn, absolute: `processed_video_url` of protocol 003; "" without one."""
    path = processed_path(video)
    return request.build_absolute_uri(path) if path else ""
