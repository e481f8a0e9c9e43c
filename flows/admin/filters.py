"""Filters of the lists of visits and citizens."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from flows.admin.display import point_label
from flows.disclosure import sees_citizen_data
from flows.figures import END, REQUEST, START, gave_up, with_last_point
from flows.types import RELATIVE_SLOTS, FamilyMember, Slot

_ANY: Final = "any"


class MaskedLookups:
    """For a ModelAdmin: whoever sees citizens' data masked narrows the list down, in its address, by `open_columns` alone.

    The others would tell, guess by guess, what is masked.
    """

    open_columns: ClassVar[frozenset[str]]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        if lookup.partition("__")[0] not in self.open_columns and not sees_citizen_data(request.user):
            return False
        return bool(super().lookup_allowed(lookup, value, request))  # type: ignore[misc]


class GaveUpFilter(admin.SimpleListFilter):
    """Visits that were never stored and are over, by how far they came."""

    title = gettext_lazy("given up")
    parameter_name = "gave_up"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        slots = [*Slot.values, *(f"{member}.{slot.value}" for member in FamilyMember.values for slot in RELATIVE_SLOTS)]
        return [(_ANY, _("anywhere")), *((point, point_label(point)) for point in (REQUEST, START, *slots, END))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        point = self.value()
        if not point:
            return queryset
        over = queryset.filter(gave_up(timezone.now()))
        return over if point == _ANY else with_last_point(over).filter(last_point=point)


class AssignedFilter(admin.SimpleListFilter):
    """Visits by who is to review them."""

    title = gettext_lazy("assigned to")
    parameter_name = "assigned"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return [("me", _("me")), ("others", _("somebody else")), ("nobody", _("nobody"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "me":
                return queryset.filter(assigned_to=request.user)
            case "others":
                return queryset.filter(assigned_to__isnull=False).exclude(assigned_to=request.user)
            case "nobody":
                return queryset.filter(assigned_to=None)
            case _:
                return queryset
