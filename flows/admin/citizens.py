"""Admin of citizens: to be found, read, exported and erased. Their data is changed where a visit is reviewed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.forms.widgets import Media
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from flows.admin.display import MEDIA, person_cell, record_groups
from flows.admin.exchange import CitizenExchange
from flows.admin.filters import MaskedLookups
from flows.disclosure import Disclosure, sees_citizen_data
from flows.erasure import erase_citizens, extent
from flows.models import Citizen
from flows.selectors import (
    Extracted,
    citizens_matching,
    citizens_to_list,
    note_citizen_opened,
    note_citizens_listed,
    visits_to_list,
)
from flows.types import Slot
from kiosk.runtime.admin import NotEdited, row_opened, rows_shown

_VISITS_SHOWN = 20


@admin.register(Citizen)
class CitizenAdmin(CitizenExchange, MaskedLookups, NotEdited, ModelAdmin):  # type: ignore[misc]
    """Citizens with their record and visits, masked for whoever may not see it whole."""

    list_filter: ClassVar = [("created_at", admin.DateFieldListFilter), ("person", admin.EmptyFieldListFilter)]
    open_columns = frozenset({"created_at", "person"})
    search_fields: ClassVar = ["name", "number"]
    search_help_text = _("Name or number, or a whole ID number; only whole ones where data is masked")
    ordering: ClassVar = ["-pk"]
    list_per_page = 50
    show_full_result_count = False
    change_form_after_template = "admin/flows/citizen/record.html"
    fieldsets: ClassVar = [(None, {"fields": [("shown_number", "enrolled_person"), ("created_at", "updated_at")]})]
    readonly_fields: ClassVar = ["shown_number", "enrolled_person", "created_at", "updated_at"]

    @property
    def media(self) -> Media:
        media: Media = super().media + MEDIA
        return media

    # The list

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Citizen]:
        return citizens_to_list().order_by(*self.ordering)

    def get_list_display(self, request: HttpRequest) -> list[str]:
        columns = ["citizen", "phone_label", "id_card_label"]
        if not sees_citizen_data(request.user):
            columns = [f"masked_{column}" for column in columns]
        return [*columns, "visits_label", "last_visit_label", "created_at"]

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Citizen], search_term: str) -> Any:
        text = search_term.strip()
        return (citizens_matching(queryset, text, exactly=not sees_citizen_data(request.user)) if text else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, extra_context)
        if sees_citizen_data(request.user) and (citizens := rows_shown(response)):
            note_citizens_listed(citizens)
        return response

    @admin.display(description=_("citizen"), ordering="name")
    def citizen(self, citizen: Citizen) -> str:
        return person_cell(citizen, Disclosure(unmasked=True))

    @admin.display(description=_("citizen"))
    def masked_citizen(self, citizen: Citizen) -> str:
        return person_cell(citizen, Disclosure(unmasked=False))

    @admin.display(description=_("phone"))
    def phone_label(self, citizen: Citizen) -> str:
        return Disclosure(unmasked=True).of(citizen, Slot.PHONE)

    @admin.display(description=_("phone"))
    def masked_phone_label(self, citizen: Citizen) -> str:
        return Disclosure(unmasked=False).of(citizen, Slot.PHONE)

    @admin.display(description=_("ID number"))
    def id_card_label(self, citizen: Citizen) -> str:
        return Disclosure(unmasked=True).of(citizen, Slot.ID_CARD)

    @admin.display(description=_("ID number"))
    def masked_id_card_label(self, citizen: Citizen) -> str:
        return Disclosure(unmasked=False).of(citizen, Slot.ID_CARD)

    @admin.display(description=_("visits"), ordering="visit_count")
    def visits_label(self, citizen: Any) -> int:
        count: int = citizen.visit_count
        return count

    @admin.display(description=_("last visit"), ordering="last_visit")
    def last_visit_label(self, citizen: Any) -> Any:
        return citizen.last_visit

    # One citizen

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Citizen | None:  # noqa: ARG002
        if not object_id.isdecimal():
            return None
        citizen: Citizen | None = (
            Citizen.objects.select_related("person").prefetch_related("relatives").filter(pk=int(object_id)).first()
        )
        if citizen is not None:
            citizen.shown_to = Disclosure.to(request.user)  # type: ignore[attr-defined]
        return citizen

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        shown = row_opened(response)
        if shown is not None:
            disclosure = Disclosure.to(request.user)
            response.context_data |= {  # type: ignore[attr-defined]
                "groups": record_groups(shown, Extracted(), disclosure),
                "visits": list(visits_to_list().filter(citizen=shown)[:_VISITS_SHOWN]),
            }
            if disclosure.unmasked:
                note_citizen_opened(shown)
        return response

    @admin.display(description=_("number"))
    def shown_number(self, citizen: Any) -> str:
        disclosure: Disclosure = citizen.shown_to
        return disclosure.number(citizen.number)

    @admin.display(description=_("enrolled person"))
    def enrolled_person(self, citizen: Citizen) -> str:
        """By entity id, which tells of nobody."""
        if citizen.person is None:
            return gettext("none")
        url = reverse("admin:faces_person_change", args=[citizen.person_id])
        return format_html('<a class="flow-person" href="{}">{}</a>', url, citizen.person.entity_id)

    # Taking out

    def get_deleted_objects(self, objs: Collection[Citizen], request: HttpRequest) -> Any:
        """What goes, in numbers; the permission to delete citizens is the permission to delete all that hangs on them."""
        lines = [str(citizen) for citizen in objs]
        lines.append(gettext("A face that is enrolled stays: withdraw the consent on the person's page."))
        allowed = self.has_delete_permission(request)
        return lines, extent(list(objs)).named(), set() if allowed else {str(Citizen._meta.verbose_name)}, []  # noqa: SLF001

    def delete_model(self, _request: HttpRequest, obj: Citizen) -> None:
        erase_citizens([obj])

    def delete_queryset(self, _request: HttpRequest, queryset: QuerySet[Citizen]) -> None:
        erase_citizens(list(queryset))
