"""Admin of the service catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import display

from flows.admin.exchange import ServiceExchange
from flows.catalogue import switch
from flows.forms import ServiceItemForm, ServiceRowForm
from flows.models import ServiceItem
from flows.types import Origin
from kiosk.runtime.admin import TwoAtOnce


class OriginFilter(admin.SimpleListFilter):
    """Shipped, edited or staff's own."""

    title = _("origin")
    parameter_name = "origin"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> Sequence[tuple[str, Any]]:
        return Origin.choices

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value not in Origin.values:
            return queryset
        return queryset.filter(pk__in=ServiceItem.objects.of_origin(Origin(value)).values("pk"))


@admin.register(ServiceItem)
class ServiceItemAdmin(TwoAtOnce, ServiceExchange, ModelAdmin):  # type: ignore[misc]
    """The catalogue: ordered by dragging, switched on and off in the list, edited as text."""

    form = ServiceItemForm
    list_display: ClassVar = ["name", "department", "fee", "time_limit", "origin_label", "updated_at", "enabled"]
    list_editable: ClassVar = ["enabled"]
    list_filter: ClassVar = ["enabled", "department", OriginFilter]
    search_fields: ClassVar = ["name", "aliases", "code", "department"]
    search_help_text = _("Name, alias, code or department")
    ordering_field = "order"
    hide_ordering_field = True
    list_per_page = 200
    actions: ClassVar = ["offer_selected", "retire_selected"]
    warn_unsaved_form = True
    fieldsets: ClassVar = [
        (None, {"fields": ["name", "code", "enabled", "order", "origin_name"]}),
        (_("How citizens ask for it"), {"fields": ["aliases", "examples"]}),
        (_("What they are told"), {"fields": ["guidance", "materials", "department", "fee", "time_limit", "legal_basis"]}),
        (_("What they are asked"), {"fields": ["required_slots", "family_questions"]}),
        (None, {"fields": ["created_at", "updated_at"]}),
    ]

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return super().get_changelist_form(request, **{**kwargs, "form": ServiceRowForm})

    @display(  # type: ignore[untyped-decorator]
        description=_("origin"), label={Origin.SHIPPED: "info", Origin.EDITED: "warning", Origin.OWN: "success"}
    )
    def origin_label(self, item: ServiceItem) -> tuple[str, str]:
        return item.origin.value, str(item.origin.label)

    @admin.display(description=_("origin"))
    def origin_name(self, item: ServiceItem) -> str:
        return str(item.origin.label)

    def get_readonly_fields(self, _request: HttpRequest, obj: ServiceItem | None = None) -> list[str]:
        """Other systems know an item by its code: it is chosen once."""
        return ["origin_name", "created_at", "updated_at", *(["code"] if obj is not None else [])]

    def has_delete_permission(self, request: HttpRequest, obj: ServiceItem | None = None) -> bool:
        """A shipped item would come back with the next load: it is switched off instead."""
        return super().has_delete_permission(request, obj) and not (obj is not None and obj.shipped_hash)

    @admin.action(description=_("Offer the selected services"), permissions=["change"])
    def offer_selected(self, request: HttpRequest, queryset: QuerySet[ServiceItem]) -> None:
        _tell(request, switch(queryset, enabled=True))

    @admin.action(description=_("Retire the selected services"), permissions=["change"])
    def retire_selected(self, request: HttpRequest, queryset: QuerySet[ServiceItem]) -> None:
        _tell(request, switch(queryset, enabled=False))


def _tell(request: HttpRequest, changed: int) -> None:
    text = ngettext("%(count)d service was changed.", "%(count)d services were changed.", changed)
    messages.success(request, text % {"count": changed})
