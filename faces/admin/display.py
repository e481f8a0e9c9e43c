"""Pieces of HTML that several admin pages show."""

from __future__ import annotations

from typing import Any

from django.forms.widgets import Media, Script
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from faces.disclosure import Disclosure

GOOD, FAIR = 0.7, 0.4
"""Qualities from which a bar is green, and from which it is amber."""


def modules(*names: str) -> Media:
    """Scripts of static/faces, as modules."""
    return Media(js=[Script(f"faces/{name}.mjs", type="module") for name in names])  # type: ignore[misc]


MEDIA = Media(css={"all": ["faces/admin.css"]}) + modules("thumbnails")


def thumbnail_url(sample_id: int) -> str:
    return reverse("admin:faces_facesample_thumbnail", args=[sample_id])


def thumbnail(sample_id: int, size_px: int = 40) -> SafeString:
    """The face of a sample, loaded when it scrolls into view."""
    return format_html(
        '<img class="face-thumb" src="{}" alt="{}" width="{}" height="{}" loading="lazy" decoding="async">',
        thumbnail_url(sample_id),
        _("Face"),
        size_px,
        size_px,
    )


def no_thumbnail() -> SafeString:
    """Stands where a person has no photo."""
    return format_html(
        '<span class="face-thumb face-thumb-none material-symbols-outlined" title="{}">no_accounts</span>', _("No photo")
    )


def quality_bar(quality: float | None) -> SafeString:
    """A quality, 0 to 1, as a bar and a percentage."""
    if quality is None:
        return format_html('<span class="face-quiet">{}</span>', "–")
    level = "good" if quality >= GOOD else "fair" if quality >= FAIR else "poor"
    percent = f"{quality:.0%}"
    return format_html('<span class="face-bar face-bar-{}" style="--share: {}"><span>{}</span></span>', level, percent, percent)


def person_cell(person: Any, disclosure: Disclosure) -> SafeString:
    """Face, name and entity id of a row of selectors.persons_with_best_sample()."""
    face = no_thumbnail() if person.best_sample_id is None else thumbnail(person.best_sample_id)
    return format_html(
        '<span class="face-person">{}<span><strong>{}</strong><small>{}</small></span></span>',
        face,
        disclosure.name(person),
        person.entity_id,
    )
