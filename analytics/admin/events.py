"""Admin of recognition events: a wall of pictures, one event, and the list as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms.widgets import Media
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display

from analytics.admin.cells import STYLES, TYPE_COLOURS, event_face
from analytics.admin.display import private_jpeg
from analytics.admin.wall import wall_view
from analytics.events.removal import delete_events
from analytics.models import RecognitionEvent
from faces.disclosure import Disclosure, sees_personal_data
from faces.exchange import neutralise
from faces.models import Person, UserType
from faces.selectors import note_listed, note_opened, persons_named_exactly
from kiosk.runtime.access import Use, note_use
from kiosk.runtime.admin import NotEdited, row_opened

_EXPORTED = 50_000
"""Most rows of one CSV."""


@admin.register(RecognitionEvent)
class RecognitionEventAdmin(NotEdited, ModelAdmin):  # type: ignore[misc]
    """Events: to be looked at, exported and deleted, never changed."""

    list_display: ClassVar = ["face_cell", "who", "type_label", "device", "happened_at", "score"]
    list_filter: ClassVar = [
        ("device", admin.RelatedOnlyFieldListFilter),
        "user_type",
        ("happened_at", RangeDateTimeFilter),
        ("happened_at", admin.DateFieldListFilter),
    ]
    list_filter_submit = True
    search_fields: ClassVar = [
        "person__name",
        "person__number",
        "person__entity_id",
        "identity_name",
        "identity_id",
        "stranger_id",
    ]
    search_help_text = _("Name, number or entity id, only whole ones where names are masked; or a stranger's number")
    ordering: ClassVar = ["-pk"]
    list_per_page = 60
    show_full_result_count = False
    change_list_template = "admin/analytics/recognitionevent/change_list.html"
    change_form_after_template = "admin/analytics/recognitionevent/pictures.html"
    actions_list: ClassVar = ["open_wall"]

    @property
    def media(self) -> Media:
        media: Media = super().media + STYLES
        return media

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("export/", self.admin_site.admin_view(self.export_view), name="analytics_recognitionevent_export"),
            path("wall/", self.admin_site.admin_view(lambda request: wall_view(request, self)), name="analytics_wall"),
            path("<int:event_id>/face/", self.admin_site.admin_view(self.face_view), name="analytics_recognitionevent_face"),
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RecognitionEvent]:
        queryset: QuerySet[RecognitionEvent] = super().get_queryset(request)
        return queryset.select_related("device", "person")

    def has_export_permission(self, request: HttpRequest, _object_id: str | None = None) -> bool:
        """Without the permission to see personal data, the export is masked."""
        return bool(request.user.has_perms(("analytics.view_recognitionevent", "analytics.export_recognitionevent")))

    def has_wall_permission(self, request: HttpRequest, _object_id: str | None = None) -> bool:
        """The wall names whoever comes."""
        return bool(request.user.has_perm("analytics.view_recognitionevent")) and sees_personal_data(request.user)

    # The wall of pictures

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[RecognitionEvent], search_term: str) -> Any:
        term = search_term.strip()
        if not term or sees_personal_data(request.user):
            return super().get_search_results(request, queryset, search_term)
        named = persons_named_exactly(Person.objects.all(), term)
        return queryset.filter(person__in=named.values("pk")) | queryset.filter(stranger_id=term), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Events are found by their own columns, and by a person's name only through the search."""
        if lookup in {"person__id__exact", "person"}:
            return True
        hidden = lookup.startswith(("person__", "identity_"))
        return not hidden and bool(super().lookup_allowed(lookup, value, request))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, extra_context)
        context = response.context_data if isinstance(response, TemplateResponse) else None
        changelist = (context or {}).get("cl")
        if context is not None and changelist is not None:
            disclosure = Disclosure.to(request.user)
            context["may_export"] = self.has_export_permission(request)
            context["cards"] = [(event, event_face(event), named(event, disclosure)) for event in changelist.result_list]
            if disclosure.unmasked and (known := {event.person for event in changelist.result_list if event.person}):
                note_listed(known)
        return response

    @admin.display(description=_("face"))
    def face_cell(self, event: RecognitionEvent) -> str:
        return event_face(event)

    @admin.display(description=_("person"))
    def who(self, event: RecognitionEvent) -> str:
        return named(event, Disclosure(unmasked=False))

    @display(description=_("type"), ordering="user_type", label=TYPE_COLOURS)  # type: ignore[untyped-decorator]
    def type_label(self, event: RecognitionEvent) -> tuple[str, str]:
        return event.user_type, event.get_user_type_display()

    # One event

    def get_fields(self, request: HttpRequest, _obj: RecognitionEvent | None = None) -> list[str]:
        person = "person_link" if sees_personal_data(request.user) else "masked_person_link"
        return [person, "type_label", "score", "device", "happened_at", "seen_until", "stranger_link", "event_id"]

    def get_readonly_fields(self, request: HttpRequest, obj: RecognitionEvent | None = None) -> list[str]:
        return self.get_fields(request, obj)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        shown = row_opened(response)
        if shown is not None:
            response.context_data["face"] = event_face(shown, 320)  # type: ignore[attr-defined]
            if shown.person and sees_personal_data(request.user):
                note_opened(shown.person)
        return response

    @admin.display(description=_("person"))
    def person_link(self, event: RecognitionEvent) -> str:
        return _person_link(event, Disclosure(unmasked=True))

    @admin.display(description=_("person"))
    def masked_person_link(self, event: RecognitionEvent) -> str:
        return _person_link(event, Disclosure(unmasked=False))

    @admin.display(description=_("stranger"))
    def stranger_link(self, event: RecognitionEvent) -> str:
        if not event.stranger_id:
            return "–"
        url = f"{reverse('admin:analytics_recognitionevent_changelist')}?q={event.stranger_id}"
        return format_html('<a class="cam-link" href="{}">{}</a>', url, _("All events of this stranger"))

    def face_view(self, request: HttpRequest, event_id: int) -> HttpResponse:
        """The face as the camera saw it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        event = get_object_or_404(RecognitionEvent, pk=event_id)
        return private_jpeg(event.face)

    # Out of the system

    @action(description=_("Live wall"), url_path="open-wall", permissions=["wall"], icon="grid_view")  # type: ignore[untyped-decorator]
    def open_wall(self, _request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:analytics_wall"))

    def export_view(self, request: HttpRequest) -> StreamingHttpResponse:
        """The events that the filters in the address leave, newest first."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        events = self.get_changelist_instance(request).get_queryset(request)[:_EXPORTED]
        disclosure = Disclosure.to(request.user)
        note_use(RecognitionEvent, Use.EXPORT, [str(pk) for pk in events.values_list("pk", flat=True)], format="csv")
        response = StreamingHttpResponse(_csv(events, disclosure), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="events-{timezone.localdate():%Y%m%d}.csv"'
        response["Cache-Control"] = "no-store"
        return response

    def delete_model(self, _request: HttpRequest, obj: RecognitionEvent) -> None:
        delete_events([obj.pk])

    def delete_queryset(self, _request: HttpRequest, queryset: QuerySet[RecognitionEvent]) -> None:
        delete_events(list(queryset.values_list("pk", flat=True)))


def named(event: RecognitionEvent, disclosure: Disclosure) -> str:
    """Who it was, as this user may see it."""
    if event.person is not None:
        return disclosure.name(event.person)
    if event.identity_name:
        return event.identity_name if disclosure.unmasked else event.identity_name[:1] + "*"
    return f"{UserType.STRANGER.label} {event.stranger_id[:6]}".strip()


def _person_link(event: RecognitionEvent, disclosure: Disclosure) -> str:
    if event.person is None:
        return named(event, disclosure)
    return format_html(
        '<a class="cam-link" href="{}">{}</a>',
        reverse("admin:faces_person_change", args=[event.person_id]),
        disclosure.name(event.person),
    )


class _Echo:
    """What csv.writer writes to: gives each line back."""

    def write(self, line: str) -> str:
        return line


def _csv(events: QuerySet[RecognitionEvent], disclosure: Disclosure) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(
        ["event_id", "time", "device", "user_type", "number", "name", "stranger", "score", "seen_until"]
    )
    for event in events.iterator(chunk_size=500):
        person = event.person
        until = timezone.localtime(event.seen_until).isoformat(timespec="seconds") if event.seen_until else ""
        number = disclosure.number(person) if person else (event.identity_id if disclosure.unmasked else "")
        yield writer.writerow(
            [
                event.event_id,
                timezone.localtime(event.happened_at).isoformat(timespec="seconds"),
                neutralise(event.device.name),
                event.user_type,
                neutralise(number),
                neutralise(named(event, disclosure)) if person or event.identity_name else "",
                event.stranger_id,
                event.score,
                until,
            ]
        )
