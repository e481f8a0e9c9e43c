"""Admin of devices: what they are, whether they work, and what they see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms.widgets import Media
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from analytics.admin.cells import STYLES, modules, snapshot
from analytics.admin.display import private_jpeg
from analytics.cameras.forms import DeviceForm
from analytics.cameras.probing import ProbesBusy, try_out
from analytics.cameras.problems import problem_text
from analytics.events.removal import delete_devices
from analytics.models import MediaDevice

_SILENT: Final = timedelta(minutes=1)
_STATES: Final = {"working": "success", "broken": "danger", "waiting": "warning", "off": "default", "box": "info"}


@admin.register(MediaDevice)
class MediaDeviceAdmin(ModelAdmin):  # type: ignore[misc]
    """Devices. Those of a relayed box are its own: their name, place and cooldown may be changed here, the rest is the box's."""

    form = DeviceForm
    list_display: ClassVar = ["picture", "title", "state", "device_type", "zone", "last_seen_at"]
    list_display_links: ClassVar = ["picture", "title"]
    list_filter: ClassVar = ["device_type", "enabled", "zone"]
    search_fields: ClassVar = ["name", "zone", "device_id"]
    ordering: ClassVar = ["name", "pk"]
    actions_detail: ClassVar = ["try_device"]
    change_form_after_template = "admin/analytics/mediadevice/picture.html"
    warn_unsaved_form = True

    @property
    def media(self) -> Media:
        media: Media = super().media + STYLES + modules("marks")
        return media

    def get_urls(self) -> list[URLPattern]:
        picture = self.admin_site.admin_view(self.snapshot_view)
        return [path("<int:device_id>/snapshot/", picture, name="analytics_mediadevice_snapshot"), *super().get_urls()]

    def get_fieldsets(self, _request: HttpRequest, obj: MediaDevice | None = None) -> Any:
        state = [] if obj is None else [(_("State"), {"fields": [("state_text", "last_seen_at"), "problem", "device_id"]})]
        if obj is not None and obj.relayed_from:
            return [(None, {"fields": [("name", "zone"), "ip"]}), *state]
        password = ["new_password"]
        if obj is not None and obj.__dict__.get("password"):
            password.append("forget_password")
        return [
            (None, {"fields": [("name", "zone"), ("device_type", "enabled")]}),
            (_("Where its pictures come from"), {"fields": ["address", ("username", *password), ("ip", "cooldown_seconds")]}),
            (_("Recognition"), {"fields": [("threshold", "min_face")]}),
            (_("Counting"), {"fields": ["lines", "zones"]}),
            *state,
        ]

    def get_readonly_fields(self, _request: HttpRequest, _obj: MediaDevice | None = None) -> list[str]:
        return ["state_text", "problem", "last_seen_at", "device_id"]

    # The list and the state

    @admin.display(description=_("last picture"))
    def picture(self, device: MediaDevice) -> str:
        return snapshot(device)

    @admin.display(description=_("device"), ordering="name")
    def title(self, device: MediaDevice) -> str:
        # The address without its query, which some cameras' tokens stand in.
        return format_html(
            '<span class="cam-title"><strong>{}</strong><small>{}</small></span>', device.name, device.address.partition("?")[0]
        )

    @display(description=_("state"), ordering="error_since", label=_STATES)  # type: ignore[untyped-decorator]
    def state(self, device: MediaDevice) -> tuple[str, str]:
        return state_of(device)

    @admin.display(description=_("state"))
    def state_text(self, device: MediaDevice) -> str:
        return state_of(device)[1]

    @admin.display(description=_("error"))
    def problem(self, device: MediaDevice) -> str:
        if not device.error:
            return "–"
        since = timezone.localtime(device.error_since).strftime("%Y-%m-%d %H:%M:%S") if device.error_since else "?"
        return format_html("{} <small>{}</small>", problem_text(device.error), gettext("since %(time)s") % {"time": since})

    # Pictures and trying out

    def snapshot_view(self, request: HttpRequest, device_id: int) -> HttpResponse:
        """The last picture: shows whoever was there."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        device = get_object_or_404(MediaDevice, pk=device_id)
        return private_jpeg(device.snapshot)

    def has_try_permission(self, request: HttpRequest, _object_id: str | None = None) -> bool:
        """Makes the server connect to the camera, with its password."""
        return bool(request.user.has_perm("analytics.change_mediadevice"))

    @action(description=_("Test the connection"), url_path="try", permissions=["try"], icon="network_check")  # type: ignore[untyped-decorator]
    def try_device(self, request: HttpRequest, object_id: str) -> HttpResponse:
        device = self.get_object(request, unquote(object_id))
        if device is None:
            raise Http404
        try:
            found = try_out(device)
        except ProbesBusy:
            messages.warning(request, gettext("Others are testing devices at the moment; please try again."))
        else:
            if found.problem:
                messages.error(request, problem_text(found.problem))
            else:
                size = {"width": found.width, "height": found.height, "codec": found.codec}
                messages.success(request, gettext("A picture came: %(width)d × %(height)d pixels, %(codec)s.") % size)
        return HttpResponseRedirect(reverse("admin:analytics_mediadevice_change", args=[device.pk]))

    # Deleting: with all that was seen

    def delete_model(self, _request: HttpRequest, obj: MediaDevice) -> None:
        delete_devices([obj.pk])

    def delete_queryset(self, _request: HttpRequest, queryset: QuerySet[MediaDevice]) -> None:
        delete_devices(list(queryset.values_list("pk", flat=True)))


def state_of(device: MediaDevice) -> tuple[str, str]:
    """How a device is, as a key of _STATES and in words."""
    if device.relayed_from:
        return "box", gettext("of a box")
    if not device.enabled:
        return "off", gettext("switched off")
    if device.error:
        return "broken", gettext("broken")
    if not device.address:
        return "off", gettext("no address")
    if device.last_seen_at is None or timezone.now() - device.last_seen_at > _SILENT:
        return "waiting", gettext("no picture now")
    return "working", gettext("working")
