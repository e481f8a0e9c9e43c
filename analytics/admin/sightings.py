"""Admin of the faces and plates that were seen in videos: lists of pictures, to be looked at and deleted."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.forms.widgets import Media
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from analytics.admin.display import person_text, picture, plate_text
from analytics.models import FaceSighting, PlateSighting
from analytics.plates.search import search_key
from analytics.videos.retention import delete_sightings, note_deleted
from analytics.videos.staff import clock, note_seen
from faces.admin.display import quality_bar
from faces.admin.filters import YesNoFilter
from faces.disclosure import sees_personal_data
from faces.models import Person
from faces.selectors import persons_named_exactly
from kiosk.runtime.admin import NotEdited, row_opened, rows_shown


class RecognisedFilter(YesNoFilter):
    """Whether a face is an enrolled person's."""

    title = _("recognised")
    parameter_name = "recognised"

    def condition(self) -> Q:
        return Q(person__isnull=False)


class _SightingAdmin(NotEdited, ModelAdmin):  # type: ignore[misc]
    """What both lists share."""

    ordering: ClassVar = ["-pk"]
    list_per_page = 50
    show_full_result_count = False

    @property
    def media(self) -> Media:
        media: Media = super().media + Media(css={"all": ["faces/admin.css", "analytics/videos.css"]})
        return media

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, extra_context)
        if sees_personal_data(request.user) and (rows := rows_shown(response)):
            self.note_seen(rows)
        return response

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        shown = row_opened(response)
        if shown is not None and sees_personal_data(request.user):
            self.note_seen([shown])
        return response

    def note_seen(self, rows: list[Any]) -> None:
        """Notes in the audit log what was shown unmasked."""
        raise NotImplementedError

    @admin.display(description=_("video"), ordering="video")
    def video_cell(self, sighting: Any) -> SafeString:
        page = reverse("admin:analytics_video_change", args=[sighting.video_id])
        return format_html('<a class="face-link" href="{}">{}</a>', page, sighting.video.name or sighting.video_id)

    @admin.display(description=_("time in the video"), ordering="time_ms")
    def clock(self, sighting: Any) -> str:
        return clock(sighting.time_ms)

    @admin.display(description=_("place in the picture"))
    def place(self, sighting: Any) -> str:
        box = sighting.bbox
        return f"x {box.x}, y {box.y}, {box.w} × {box.h} px"

    def delete_model(self, _request: HttpRequest, obj: Any) -> None:
        self._delete([obj.pk])

    def delete_queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._delete(list(queryset.values_list("pk", flat=True)))

    def _delete(self, ids: list[int]) -> None:
        deleted = delete_sightings(self.model, ids)
        if deleted:
            note_deleted(self.model, deleted)


@admin.register(FaceSighting)
class FaceSightingAdmin(_SightingAdmin):
    """Faces in videos."""

    list_filter: ClassVar = [RecognisedFilter, ("created_at", admin.DateFieldListFilter)]
    search_fields: ClassVar = ["person__name"]
    search_help_text = _("Name, number or entity id of the person; only whole ones where names are masked")

    def get_queryset(self, request: HttpRequest) -> QuerySet[FaceSighting]:
        queryset: QuerySet[FaceSighting] = super().get_queryset(request)
        return queryset.select_related("video", "person").defer("embedding")

    def get_list_display(self, request: HttpRequest) -> list[str]:
        return ["face", _whose(request), "similarity", "quality_cell", "video_cell", "clock", "created_at"]

    def get_fields(self, request: HttpRequest, _obj: FaceSighting | None = None) -> list[str]:
        return ["face", _whose(request), "similarity", "quality_cell", "video_cell", "clock", "place", "engine", "created_at"]

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[FaceSighting], search_term: str) -> Any:
        if not search_term or sees_personal_data(request.user):
            return super().get_search_results(request, queryset, search_term)
        named = persons_named_exactly(Person.objects.all(), search_term.strip())
        return queryset.filter(person__in=named.values("pk")), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """By a person only through the search."""
        return not lookup.startswith("person__") and (
            lookup == "video__id__exact" or bool(super().lookup_allowed(lookup, value, request))
        )

    def note_seen(self, rows: list[Any]) -> None:
        note_seen(rows, [])

    @admin.display(description=_("face"))
    def face(self, sighting: FaceSighting) -> SafeString:
        return picture(sighting, gettext("Face"))

    @admin.display(description=_("person"), ordering="person__name")
    def person_cell(self, sighting: FaceSighting) -> str:
        return person_text(sighting, unmasked=True) or "–"

    @admin.display(description=_("person"))
    def masked_person_cell(self, sighting: FaceSighting) -> str:
        return person_text(sighting, unmasked=False) or "–"

    @admin.display(description=_("similarity"), ordering="score")
    def similarity(self, sighting: FaceSighting) -> str:
        return "–" if sighting.score is None else f"{sighting.score:.0%}"

    @admin.display(description=_("quality"), ordering="quality")
    def quality_cell(self, sighting: FaceSighting) -> SafeString:
        return quality_bar(sighting.quality)


@admin.register(PlateSighting)
class PlateSightingAdmin(_SightingAdmin):
    """Plates in videos."""

    list_filter: ClassVar = [
        ("kind", admin.AllValuesFieldListFilter),
        ("colour", admin.AllValuesFieldListFilter),
        ("created_at", admin.DateFieldListFilter),
    ]
    search_fields: ClassVar = ["key"]
    search_help_text = _("The whole plate")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PlateSighting]:
        queryset: QuerySet[PlateSighting] = super().get_queryset(request)
        return queryset.select_related("video")

    def get_list_display(self, request: HttpRequest) -> list[str]:
        return ["car", _plate(request), "kind", "colour", "confidence_cell", "frames", "video_cell", "clock", "created_at"]

    def get_fields(self, request: HttpRequest, _obj: PlateSighting | None = None) -> list[str]:
        return [
            "car",
            _plate(request),
            "kind",
            "colour",
            "confidence_cell",
            "frames",
            "video_cell",
            "clock",
            "place",
            "created_at",
        ]

    def get_search_results(self, _request: HttpRequest, queryset: QuerySet[PlateSighting], search_term: str) -> Any:
        """Whole plates alone: parts of them would tell, guess by guess, what masking hides; the search page finds those."""
        return (queryset.filter(key=search_key(search_term)), False) if search_term else (queryset, False)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Plates are found by their other columns, and by their text only through the search."""
        if lookup.split("__", maxsplit=1)[0] in {"text", "key"}:
            return False
        return lookup == "video__id__exact" or bool(super().lookup_allowed(lookup, value, request))

    def note_seen(self, rows: list[Any]) -> None:
        note_seen([], rows)

    @admin.display(description=_("car"))
    def car(self, sighting: PlateSighting) -> SafeString:
        return picture(sighting, gettext("Car"))

    @admin.display(description=_("plate"), ordering="key")
    def plate_cell(self, sighting: PlateSighting) -> str:
        return plate_text(sighting, unmasked=True)

    @admin.display(description=_("plate"))
    def masked_plate_cell(self, sighting: PlateSighting) -> str:
        return plate_text(sighting, unmasked=False)

    @admin.display(description=_("confidence"), ordering="confidence")
    def confidence_cell(self, sighting: PlateSighting) -> SafeString:
        return quality_bar(sighting.confidence)


def _whose(request: HttpRequest) -> str:
    return "person_cell" if sees_personal_data(request.user) else "masked_person_cell"


def _plate(request: HttpRequest) -> str:
    return "plate_cell" if sees_personal_data(request.user) else "masked_plate_cell"
