"""Admin of webhooks: who is told of events, and what became of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from analytics.models import Webhook, WebhookDelivery
from analytics.webhooks.deliveries import try_again
from analytics.webhooks.signing import new_secret
from faces.models import UserType


class WebhookForm(forms.ModelForm):  # type: ignore[type-arg]
    """The types of person as check boxes; none is all."""

    user_types = forms.MultipleChoiceField(
        label=_("Types of person"),
        choices=UserType.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        required=False,
        help_text=_("None chosen: all."),
    )

    class Meta:
        model = Webhook
        fields = ("name", "url", "enabled", "user_types", "devices", "with_face_image")
        # Not filter_horizontal, whose script makes labels that screen readers stumble over.
        widgets: ClassVar = {"devices": UnfoldAdminCheckboxSelectMultipleWidget}
        help_texts = {
            "devices": _("None chosen: all."),
            "url": _("http:// or https://, in one of the networks of KIOSK_WEBHOOK_NETWORKS."),
            "with_face_image": _("Sends the picture of the face with each event. Faces are personal data."),
        }


@admin.register(Webhook)
class WebhookAdmin(ModelAdmin):  # type: ignore[misc]
    """The secret is shown once, when it is made; afterwards only a new one can be had."""

    form = WebhookForm
    list_display: ClassVar = ["name", "url", "enabled", "with_face_image", "created_at"]
    list_filter: ClassVar = ["enabled"]
    actions: ClassVar = ["renew_secret"]

    def save_model(self, request: HttpRequest, obj: Webhook, _form: Any, change: bool) -> None:
        if not change:
            obj.secret = new_secret()
        obj.save()
        if not change:
            self._show_secret(request, obj)

    @admin.action(description=_("Make a new secret"), permissions=["change"])
    def renew_secret(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset:
            webhook.secret = new_secret()
            webhook.save(update_fields=["secret"])
            self._show_secret(request, webhook)

    def _show_secret(self, request: HttpRequest, webhook: Webhook) -> None:
        text = _("The secret of %(webhook)s is %(secret)s – copy it now: it is never shown again.")
        messages.warning(request, text % {"webhook": webhook.name, "secret": webhook.secret})


class DeliveryStateFilter(admin.SimpleListFilter):
    """Deliveries by what became of them."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return [("delivered", _("delivered")), ("waiting", _("waiting")), ("given_up", _("no longer tried"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "delivered":
                return queryset.exclude(delivered_at=None)
            case "waiting":
                return queryset.filter(delivered_at=None).exclude(next_attempt_at=None)
            case "given_up":
                return queryset.filter(delivered_at=None, next_attempt_at=None)
        return queryset


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ModelAdmin):  # type: ignore[misc]
    """To be read, and tried again."""

    list_display: ClassVar = ["event_name", "webhook", "state", "attempts", "status", "error", "next_attempt_at", "delivered_at"]
    list_filter: ClassVar = [DeliveryStateFilter, "webhook"]
    list_select_related: ClassVar = ["webhook", "event"]
    list_per_page = 50
    show_full_result_count = False
    actions: ClassVar = ["try_again"]
    fields: ClassVar = ["event_name", "webhook", "state", "attempts", "status", "error", "next_attempt_at", "delivered_at"]
    readonly_fields: ClassVar = fields

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A row can't be changed; to have it tried again one has to be allowed to change it."""
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    @admin.display(description=_("event"), ordering="event")
    def event_name(self, delivery: WebhookDelivery) -> str:
        return delivery.event.event_id

    @display(  # type: ignore[untyped-decorator]
        description=_("state"), label={"delivered": "success", "waiting": "warning", "given_up": "danger"}
    )
    def state(self, delivery: WebhookDelivery) -> tuple[str, Any]:
        if delivery.delivered_at is not None:
            return "delivered", _("delivered")
        return ("waiting", _("waiting")) if delivery.next_attempt_at is not None else ("given_up", _("no longer tried"))

    @admin.action(description=_("Try again now"), permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        count = try_again(queryset)
        messages.success(request, ngettext("%d delivery is tried again.", "%d deliveries are tried again.", count) % count)
