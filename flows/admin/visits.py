"""Admin of visits: the list of those that wait and those that were, and the page on which staff review one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.forms.widgets import Media
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from flows.admin.assigning import SeveralVisits
from flows.admin.display import MEDIA, REVIEW_COLOURS, STATE_COLOURS, person_cell
from flows.admin.filters import AssignedFilter, GaveUpFilter, MaskedLookups
from flows.admin.review import review_view
from flows.disclosure import Disclosure, sees_citizen_data
from flows.erasure import erase_visits, extent_of_visits, note_erasure
from flows.models import DialogueSession, Turn
from flows.recordings import media_type
from flows.review import waiting
from flows.selectors import note_listened, note_visits_listed, visits_to_list
from kiosk.runtime.admin import NotEdited, rows_shown

VIEW: Final = "flows.view_dialoguesession"


@admin.register(DialogueSession)
class VisitAdmin(SeveralVisits, MaskedLookups, NotEdited, ModelAdmin):  # type: ignore[misc]
    """Visits are reviewed and deleted, never edited: their state is the conversation's own."""

    list_filter: ClassVar = [
        "review_state",
        "state",
        ("service", admin.RelatedOnlyFieldListFilter),
        ("created_at", admin.DateFieldListFilter),
        GaveUpFilter,
        AssignedFilter,
    ]
    open_columns = frozenset({"state", "review_state", "service", "classify", "created_at", "stored_at", "gave_up", "assigned"})
    search_fields: ClassVar = ["citizen__name", "user_id", "classify"]
    search_help_text = _("Name or number of the citizen, or the service; only whole names and numbers where data is masked")
    ordering: ClassVar = ["-pk"]
    date_hierarchy = "created_at"
    actions: ClassVar = ["approve_selected", "take_selected", "assign_selected"]
    list_per_page = 50
    show_full_result_count = False

    @property
    def media(self) -> Media:
        media: Media = super().media + MEDIA
        return media

    def get_urls(self) -> list[URLPattern]:
        audio = path("audio/<int:turn_id>/", self.admin_site.admin_view(audio_view), name="flows_dialoguesession_audio")
        return [audio, *super().get_urls()]

    # The list

    def get_queryset(self, _request: HttpRequest) -> QuerySet[DialogueSession]:
        return visits_to_list().order_by(*self.ordering)

    def get_list_display(self, request: HttpRequest) -> list[str]:
        citizen = "citizen_cell" if sees_citizen_data(request.user) else "masked_citizen_cell"
        return ["visit", citizen, "service_label", "review_label", "reviewer_label", "state_label", "turns_label", "created_at"]

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[DialogueSession], search_term: str) -> Any:
        text = search_term.strip()
        if not text or sees_citizen_data(request.user):
            return super().get_search_results(request, queryset, text)
        return queryset.filter(Q(citizen__name=text) | Q(user_id=text) | Q(classify__icontains=text)), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, extra_context)
        if sees_citizen_data(request.user) and (visits := rows_shown(response)):
            note_visits_listed(visits)
        return response

    @admin.display(description=_("visit"), ordering="pk")
    def visit(self, visit: DialogueSession) -> str:
        return f"#{visit.pk}"

    @admin.display(description=_("citizen"), ordering="citizen__name")
    def citizen_cell(self, visit: DialogueSession) -> str:
        return _citizen(visit, Disclosure(unmasked=True))

    @admin.display(description=_("citizen"))
    def masked_citizen_cell(self, visit: DialogueSession) -> str:
        return _citizen(visit, Disclosure(unmasked=False))

    @admin.display(description=_("service item"), ordering="classify")
    def service_label(self, visit: DialogueSession) -> str:
        return visit.classify or "–"

    @display(description=_("review"), ordering="review_state", label=REVIEW_COLOURS)  # type: ignore[untyped-decorator]
    def review_label(self, visit: DialogueSession) -> tuple[str, str]:
        return visit.review_state, visit.get_review_state_display()

    @admin.display(description=_("reviewer"), ordering="assigned_to__username")
    def reviewer_label(self, visit: DialogueSession) -> str:
        """Who reviewed it, or is to."""
        return str(visit.reviewed_by or visit.assigned_to or "–")

    @display(description=_("state"), ordering="state", label=STATE_COLOURS)  # type: ignore[untyped-decorator]
    def state_label(self, visit: DialogueSession) -> tuple[str, str]:
        return visit.state, visit.get_state_display()

    @admin.display(description=pgettext_lazy("conversation", "turns"), ordering="turn_count")
    def turns_label(self, visit: Any) -> int:
        count: int = visit.turn_count
        return count

    # One visit

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",  # noqa: ARG002 - Django's signature
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        if object_id is None or not self.has_view_permission(request):
            raise PermissionDenied
        if not object_id.isdecimal():
            raise Http404
        return review_view(request, self, int(object_id))

    # Taking out

    def get_deleted_objects(self, objs: Collection[DialogueSession], request: HttpRequest) -> Any:
        lines = [f"#{visit.pk}" for visit in objs]
        allowed = self.has_delete_permission(request)
        return lines, extent_of_visits(list(objs)).named(), set() if allowed else {str(DialogueSession._meta.verbose_name)}, []  # noqa: SLF001

    def delete_model(self, _request: HttpRequest, obj: DialogueSession) -> None:
        _erase([obj])

    def delete_queryset(self, _request: HttpRequest, queryset: QuerySet[DialogueSession]) -> None:
        _erase(list(queryset))


def audio_view(request: HttpRequest, turn_id: int) -> HttpResponse:
    """What a citizen said, as sound; never cached, as no page of the admin is, and noted in the audit log."""
    if not (request.user.has_perm(VIEW) and sees_citizen_data(request.user)):
        raise PermissionDenied
    turn = get_object_or_404(Turn.objects.defer("text").exclude(audio=""), pk=turn_id)
    try:
        sound = turn.audio.open("rb")
    except OSError:
        raise Http404("The recording is missing from the storage") from None
    note_listened(turn)
    with sound:
        content = sound.read()
    return HttpResponse(content, content_type=media_type(content), headers={"X-Content-Type-Options": "nosniff"})


def waiting_badge(request: HttpRequest) -> str:
    """How many visits wait for a review, for the menu; nothing where none does."""
    count = waiting().count() if request.user.has_perm(VIEW) else 0
    return str(count) if count else ""


def _citizen(visit: DialogueSession, disclosure: Disclosure) -> str:
    """Name and number; of a visit that is not stored only the number."""
    if visit.citizen is None:
        return disclosure.number(visit.user_id)
    return person_cell(visit.citizen, disclosure)


def _erase(visits: list[DialogueSession]) -> None:
    for visit in visits:
        erased = erase_visits(DialogueSession.objects.filter(pk=visit.pk))
        note_erasure(DialogueSession, str(visit.pk), str(visit), erased)
