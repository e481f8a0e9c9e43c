"""The admin page that searches the videos: for the face on a photo, which is forgotten at once, or for a plate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.forms.widgets import Media, Script
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from analytics.models import FaceSighting, PlateSighting
from analytics.sightings.errors import SearchProblem, SearchProblemCode
from analytics.sightings.messages import clock
from analytics.sightings.searching import Found, Seen, find_by_photo, find_by_plate, in_order_of_time
from analytics.videos.links import picture_path, processed_path
from faces.disclosure import sees_personal_data
from faces.forms import IdentifyForm
from faces.types import Box
from kiosk.runtime.masking import mask_number

_SHOWN: Final = 60
_PLATE_LENGTH: Final = 40
_MEDIA: Final = Media(
    css={"all": ["faces/admin.css", "analytics/search.css"]},
    js=[Script("faces/identify.mjs", type="module")],  # type: ignore[list-item]
)

_REASONS: Final[dict[SearchProblemCode, Promise]] = {
    SearchProblemCode.BAD_IMAGE: _("This is not a picture that can be read: JPEG, PNG, BMP or still WebP."),
    SearchProblemCode.ABNORMAL_IMAGE: _("This picture is empty, too large or animated."),
    SearchProblemCode.NO_FACE: _("No face was found on this photo."),
    SearchProblemCode.FACE_TOO_SMALL: _("The face on this photo is too small to be compared."),
    SearchProblemCode.BAD_PLATE: _("This is not a plate."),
    SearchProblemCode.PLATE_TOO_SHORT: _("Give at least three characters of the plate."),
    SearchProblemCode.BUSY: _("The engines are busy; please try again."),
    SearchProblemCode.UNAVAILABLE: _("The search can't answer now; please try again."),
}


class PlateForm(forms.Form):
    """What somebody remembers of a plate."""

    plate = forms.CharField(
        label=_("Plate"),
        max_length=_PLATE_LENGTH,
        widget=forms.TextInput(attrs={"placeholder": "苏D561GM", "autocomplete": "off", "spellcheck": "false"}),
    )


@dataclass(frozen=True, slots=True)
class ShownSighting:
    """One result as the page shows it."""

    picture: str
    link: str
    """Of the video at that second; empty where it is not kept."""
    page: str
    """Of the video in admin; empty for who may not see it."""
    clock: str
    video: str
    percent: str
    plate: str = field(default="", repr=False)


def search_view(request: HttpRequest) -> TemplateResponse:
    """GET: the page. POST with a photo or a plate: the page, or for its script only the results."""
    by_photo = request.user.has_perms(("analytics.search_facesighting", "analytics.view_facesighting"))
    by_plate = request.user.has_perms(("analytics.search_platesighting", "analytics.view_platesighting"))
    wants_plate = request.method == "POST" and "plate" in request.POST
    wants_photo = request.method == "POST" and not wants_plate
    if not (by_photo or by_plate) or (wants_photo and not by_photo) or (wants_plate and not by_plate):
        raise PermissionDenied
    photo_form = IdentifyForm(request.POST, request.FILES) if wants_photo else IdentifyForm()
    plate_form = PlateForm(request.POST) if wants_plate else PlateForm()
    results: dict[str, Any] = {}
    if wants_photo:
        results = _by_photo(photo_form, request.user)
    elif wants_plate:
        results = _by_plate(plate_form, request.user)
    context = {
        **admin.site.each_context(request),
        "title": _("Search videos"),
        "media": _MEDIA,
        "photo_form": photo_form if by_photo else None,
        "plate_form": plate_form if by_plate else None,
        "page_url": reverse("analytics:search"),
        "threshold_percent": f"{settings.KIOSK.sighting_threshold:.0%}",
        **results,
    }
    partial = request.headers.get("X-Requested-With") == "fetch"
    template = "admin/analytics/search/results.html" if partial else "admin/analytics/search/page.html"
    response = TemplateResponse(request, template, context, status=503 if results.get("busy") else 200)
    response.headers["Cache-Control"] = "no-store"
    return response


def _by_photo(form: IdentifyForm, user: Any) -> dict[str, Any]:
    if not form.is_valid():
        return _problems(form)
    try:
        answer = find_by_photo(form.cleaned_data["photo"].read(), threshold=settings.KIOSK.sighting_threshold, limit=_SHOWN)
    except SearchProblem as problem:
        return _problem(problem)
    box: Box = answer.box
    return {"answered": True, "box": box, "sightings": [_shown(found, user) for found in in_order_of_time(answer.found)]}


def _by_plate(form: PlateForm, user: Any) -> dict[str, Any]:
    if not form.is_valid():
        return _problems(form)
    try:
        found = find_by_plate(form.cleaned_data["plate"], threshold=settings.KIOSK.plate_threshold, limit=_SHOWN)
    except SearchProblem as problem:
        return _problem(problem)
    unmasked = sees_personal_data(user)

    def plate(one: Found[PlateSighting]) -> str:
        return one.sighting.text if unmasked else mask_number(one.sighting.text)

    return {"answered": True, "sightings": [_shown(one, user, plate=plate(one)) for one in found]}


def _shown(found: Found[Seen], user: Any, *, plate: str = "") -> ShownSighting:
    sighting: FaceSighting | PlateSighting = found.sighting
    video = processed_path(sighting.video)
    return ShownSighting(
        picture=picture_path(sighting),
        # A media fragment: the browser's own player begins there.
        link=f"{video}#t={sighting.time_ms / 1000:.1f}" if video else "",
        page=reverse("admin:analytics_video_change", args=[sighting.video_id]) if user.has_perm("analytics.view_video") else "",
        clock=clock(sighting.time_ms),
        video=str(sighting.video),
        percent=f"{found.score:.1%}",
        plate=plate,
    )


def _problem(problem: SearchProblem) -> dict[str, Any]:
    reason = _REASONS.get(problem.code, _("The search failed; the server's log says why."))
    busy = problem.code in {SearchProblemCode.BUSY, SearchProblemCode.UNAVAILABLE}
    return {"problems": [reason], "busy": busy, "answered": True}


def _problems(form: forms.Form) -> dict[str, Any]:
    return {"problems": [message for messages in form.errors.values() for message in messages], "answered": True}
