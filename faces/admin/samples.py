"""Admin of face samples, and the pictures that the admin's pages show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms.widgets import Media
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from faces.admin.display import MEDIA, modules, quality_bar, thumbnail
from faces.admin.filters import OutdatedEngineFilter, QualityFilter
from faces.disclosure import Disclosure, sees_personal_data
from faces.engines.base import EngineUnavailable
from faces.enrolment import delete_samples
from faces.errors import FaceError
from faces.models import FaceSample, Person
from faces.selectors import note_listed, note_opened, persons_named_exactly, samples_to_show
from faces.thumbnails import KEPT_SECONDS, face_thumbnail, stored_photo
from kiosk.runtime.admin import NotEdited, row_opened, rows_shown

_PICTURES = ("faces.view_facesample", "faces.view_person")
"""Either lets a user see enrolled faces."""


@admin.register(FaceSample)
class FaceSampleAdmin(NotEdited, ModelAdmin):  # type: ignore[misc]
    """Enrolled photos: to be looked at and deleted. New ones are added on the person's page, where they are checked."""

    list_filter: ClassVar = [
        ("engine", admin.AllValuesFieldListFilter),
        OutdatedEngineFilter,
        QualityFilter,
        ("created_at", admin.DateFieldListFilter),
    ]
    search_fields: ClassVar = ["person__name", "person__number", "person__entity_id"]
    search_help_text = _("Name, number or entity id of the person; only whole ones where names are masked")
    ordering: ClassVar = ["-pk"]
    list_per_page = 50
    show_full_result_count = False
    change_form_after_template = "admin/faces/facesample/photo.html"

    @property
    def media(self) -> Media:
        media: Media = super().media + MEDIA + modules("overlay")
        return media

    def get_urls(self) -> list[URLPattern]:
        pictures = [
            path("<int:sample_id>/thumbnail/", self.admin_site.admin_view(thumbnail_view), name="faces_facesample_thumbnail"),
            path("<int:sample_id>/photo/", self.admin_site.admin_view(photo_view), name="faces_facesample_photo"),
        ]
        return [*pictures, *super().get_urls()]

    def get_queryset(self, _request: HttpRequest) -> QuerySet[FaceSample]:
        return samples_to_show()

    def get_list_display(self, request: HttpRequest) -> list[str]:
        person = "person_cell" if sees_personal_data(request.user) else "masked_person_cell"
        return ["face", person, "quality_bar", "engine", "created_at"]

    def get_fields(self, request: HttpRequest, _obj: FaceSample | None = None) -> list[str]:
        person = "person_cell" if sees_personal_data(request.user) else "masked_person_cell"
        return [person, "quality_bar", "engine", "dimension", "place", "created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: FaceSample | None = None) -> list[str]:
        return self.get_fields(request, obj)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[FaceSample], search_term: str) -> Any:
        if not search_term or sees_personal_data(request.user):
            return super().get_search_results(request, queryset, search_term)
        named = persons_named_exactly(Person.objects.all(), search_term.strip())
        return queryset.filter(person__in=named.values("pk")), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Samples are found by their own columns, and by a person's name only through the search."""
        return not lookup.startswith("person__") and bool(super().lookup_allowed(lookup, value, request))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, extra_context)
        if sees_personal_data(request.user) and (samples := rows_shown(response)):
            note_listed({sample.person for sample in samples})
        return response

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        shown = row_opened(response)
        if shown is not None and sees_personal_data(request.user):
            note_opened(shown.person)
        return response

    @admin.display(description=_("face"))
    def face(self, sample: FaceSample) -> str:
        return thumbnail(sample.pk)

    @admin.display(description=_("person"), ordering="person__name")
    def person_cell(self, sample: FaceSample) -> str:
        return _person_link(sample, Disclosure(unmasked=True))

    @admin.display(description=_("person"))
    def masked_person_cell(self, sample: FaceSample) -> str:
        return _person_link(sample, Disclosure(unmasked=False))

    @admin.display(description=_("quality"), ordering="quality")
    def quality_bar(self, sample: FaceSample) -> str:
        return quality_bar(sample.quality)

    @admin.display(description=_("bounding box"))
    def place(self, sample: FaceSample) -> str:
        return f"x {sample.bbox_x}, y {sample.bbox_y}, {sample.bbox_w} × {sample.bbox_h} px"

    def delete_model(self, _request: HttpRequest, obj: FaceSample) -> None:
        delete_samples([obj])

    def delete_queryset(self, _request: HttpRequest, queryset: QuerySet[FaceSample]) -> None:
        delete_samples(queryset)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        """Back to the person's page where the deletion was asked for there."""
        response: HttpResponse = super().response_delete(request, obj_display, obj_id)
        person_id = request.GET.get("person", "")
        return HttpResponseRedirect(reverse("admin:faces_person_change", args=[person_id])) if person_id.isdecimal() else response


def thumbnail_view(request: HttpRequest, sample_id: int) -> HttpResponse:
    """The face of one sample, small; 503 while the engine's workers are busy."""
    return _picture(request, sample_id, face_thumbnail, f"private, max-age={KEPT_SECONDS}")


def photo_view(request: HttpRequest, sample_id: int) -> HttpResponse:
    """The whole enrolled photo."""
    return _picture(request, sample_id, stored_photo, "private, no-store")


def _picture(request: HttpRequest, sample_id: int, read: Callable[[FaceSample], bytes], cache_control: str) -> HttpResponse:
    if not any(request.user.has_perm(permission) for permission in _PICTURES):
        raise PermissionDenied
    sample = get_object_or_404(FaceSample.objects.defer("embedding"), pk=sample_id)
    try:
        jpeg = read(sample)
    except OSError:
        raise Http404("The photo is missing from the storage") from None
    except (FaceError, EngineUnavailable):
        return HttpResponse(status=503, headers={"Retry-After": "1"})
    return HttpResponse(
        jpeg, content_type="image/jpeg", headers={"Cache-Control": cache_control, "X-Content-Type-Options": "nosniff"}
    )


def _person_link(sample: FaceSample, disclosure: Disclosure) -> str:
    return format_html(
        '<a class="face-link" href="{}"><strong>{}</strong><small>{}</small></a>',
        reverse("admin:faces_person_change", args=[sample.person_id]),
        disclosure.name(sample.person),
        sample.person.entity_id,
    )
