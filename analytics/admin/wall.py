"""The live wall: events as they happen, for staff at a screen."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from analytics.admin.cells import STYLES, modules
from analytics.models import MediaDevice, RecognitionEvent
from faces.models import UserType

SOCKET_PATH: Final = "/admin/events"
"""The event socket for signed-in staff (analytics.events.staff)."""
_SHOWN: Final = 60


def wall_view(request: HttpRequest, model_admin: Any) -> TemplateResponse:
    """The page; its script asks the socket for what happened since the last events, and goes on from there."""
    if not model_admin.has_wall_permission(request):
        raise PermissionDenied
    newest = list(RecognitionEvent.objects.order_by("-pk").values_list("event_id", flat=True)[: _SHOWN + 1])
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Live wall"),
        "opts": model_admin.opts,
        "model_admin": model_admin,
        "media": STYLES + modules("wall"),
        "wall": {
            "socket": SOCKET_PATH,
            # The oldest of these is not shown: it is what the others came after.
            "since": newest[-1] if len(newest) > _SHOWN else 0,
            "shown": _SHOWN,
            "devices": {str(key): name for key, name in MediaDevice.objects.values_list("device_id", "name")},
            "types": {value: str(label) for value, label in UserType.choices},
        },
        "types": UserType.choices,
        "devices": MediaDevice.objects.order_by("name", "pk"),
        "list_url": reverse("admin:analytics_recognitionevent_changelist"),
    }
    return TemplateResponse(request, "admin/analytics/recognitionevent/wall.html", context)
