"""Pieces of HTML that several pages of videos and sightings show."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from analytics.models import FaceSighting, PlateSighting
from analytics.videos.links import picture_path
from analytics.videos.staff import clock
from faces.disclosure import Disclosure
from kiosk.runtime.masking import mask_number


@dataclass(frozen=True, slots=True)
class Card:
    """One sighting as a picture with a line or two below it."""

    picture: str
    alt: str
    text: str = field(repr=False)
    note: str
    seconds: float
    """Where in the video."""
    time: str
    url: str


def face_card(face: FaceSighting, *, unmasked: bool) -> Card:
    """A face; whom it shows, if that is known, as far as the user may see it."""
    return Card(
        picture=picture_path(face),
        alt=gettext("Face"),
        text=person_text(face, unmasked=unmasked),
        note="" if face.score is None else f"{face.score:.0%}",
        seconds=face.time_ms / 1000,
        time=clock(face.time_ms),
        url=reverse("admin:analytics_facesighting_change", args=[face.pk]),
    )


def plate_card(plate: PlateSighting, *, unmasked: bool) -> Card:
    """A car with its plate, as far as the user may see it."""
    return Card(
        picture=picture_path(plate),
        alt=gettext("Car"),
        text=plate_text(plate, unmasked=unmasked),
        note=f"{plate.confidence:.0%}",
        seconds=plate.time_ms / 1000,
        time=clock(plate.time_ms),
        url=reverse("admin:analytics_platesighting_change", args=[plate.pk]),
    )


def person_text(face: FaceSighting, *, unmasked: bool) -> str:
    """The name of the enrolled person, masked or not; "" where nobody was recognised."""
    return "" if face.person is None else Disclosure(unmasked=unmasked).name(face.person)


def plate_text(plate: PlateSighting, *, unmasked: bool) -> str:
    """The plate, masked or not: it leads to a person."""
    return plate.text if unmasked else mask_number(plate.text)


def picture(sighting: FaceSighting | PlateSighting, alt: str) -> SafeString:
    """The picture of a sighting in a list."""
    return format_html(
        '<img class="sighting-thumb" src="{}" alt="{}" loading="lazy" decoding="async">', picture_path(sighting), alt
    )


def private_jpeg(picture: FieldFile) -> HttpResponse:
    """A stored picture, which no cache may keep.

    Raises:
        Http404: There is none, or its file is gone.
    """
    try:
        jpeg = picture.read() if picture else b""
    except OSError:
        jpeg = b""
    if not jpeg:
        raise Http404
    return HttpResponse(
        jpeg, content_type="image/jpeg", headers={"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    )
