"""How the admin looks: its name, its colours and its menu. Each app's pages stand in the menu under a heading of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def _item(
    title: Promise,
    icon: str,
    route: str,
    *permissions: str,
    active: Callable[[HttpRequest], bool] | None = None,
    badge: str = "",
) -> dict[str, Any]:
    """A line of the menu, for users who have all of the permissions.

    `active` says when it is the page that is open; `badge` is the dotted path of a function that gives a short text beside it.
    """
    item = {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(route),
        "permission": lambda request: request.user.has_perms(permissions),
    }
    if active is not None:
        item["active"] = active
    if badge:
        item |= {"badge": badge, "badge_variant": "warning"}
    return item


def _on_persons(request: HttpRequest) -> bool:
    persons, identify = reverse("admin:faces_person_changelist"), reverse("admin:faces_person_identify")
    return request.path.startswith(persons) and request.path != identify


def _on_events(request: HttpRequest) -> bool:
    events, wall = reverse("admin:analytics_recognitionevent_changelist"), reverse("admin:analytics_wall")
    return request.path.startswith(events) and request.path != wall


UNFOLD: Final[dict[str, Any]] = {
    "SITE_TITLE": _("Kiosk"),
    "SITE_HEADER": _("Kiosk service hall"),
    "SITE_SYMBOL": "assured_workload",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("kiosk/icon.svg")}],
    "DASHBOARD_CALLBACK": "kiosk.dashboard.context",
    "SHOW_LANGUAGES": True,
    "SHOW_HISTORY": True,
    "SHOW_BACK_BUTTON": True,
    "STYLES": [lambda _request: static("kiosk/admin.css")],
    "COLORS": {
        # The blue of the kiosk's pages (#0b5cad is 600).
        "primary": {
            "50": "oklch(97% .014 250)",
            "100": "oklch(93.6% .03 250)",
            "200": "oklch(88% .06 250)",
            "300": "oklch(80% .1 250)",
            "400": "oklch(71% .13 250)",
            "500": "oklch(60% .15 251)",
            "600": "oklch(47.5% .142 252)",
            "700": "oklch(42% .13 253)",
            "800": "oklch(37% .11 254)",
            "900": "oklch(32% .09 255)",
            "950": "oklch(24% .065 256)",
        },
    },
    "SIDEBAR": {
        "navigation": [
            {
                "title": _("Faces"),
                "separator": True,
                "items": [
                    _item(_("Persons"), "groups", "admin:faces_person_changelist", "faces.view_person", active=_on_persons),
                    _item(_("Face samples"), "photo_library", "admin:faces_facesample_changelist", "faces.view_facesample"),
                    _item(
                        _("Who is this?"),
                        "person_search",
                        "admin:faces_person_identify",
                        "faces.view_person",
                        "faces.identify_person",
                    ),
                ],
            },
            {
                "title": _("Cameras and videos"),
                "separator": True,
                "items": [
                    _item(
                        _("Live wall"),
                        "grid_view",
                        "admin:analytics_wall",
                        "analytics.view_recognitionevent",
                        "faces.view_personal_data",
                    ),
                    _item(
                        _("Events"),
                        "notifications_active",
                        "admin:analytics_recognitionevent_changelist",
                        "analytics.view_recognitionevent",
                        active=_on_events,
                    ),
                    _item(_("Devices"), "videocam", "admin:analytics_mediadevice_changelist", "analytics.view_mediadevice"),
                    _item(_("Videos"), "movie", "admin:analytics_video_changelist", "analytics.view_video"),
                    _item(_("Faces in videos"), "face", "admin:analytics_facesighting_changelist", "analytics.view_facesighting"),
                    _item(
                        _("Licence plates"),
                        "directions_car",
                        "admin:analytics_platesighting_changelist",
                        "analytics.view_platesighting",
                    ),
                    {
                        "title": _("Search videos"),
                        "icon": "video_search",
                        "link": reverse_lazy("analytics:search"),
                        "permission": lambda request: (
                            request.user.has_perm("analytics.search_facesighting")
                            or request.user.has_perm("analytics.search_platesighting")
                        ),
                    },
                ],
            },
            {
                "title": _("Services"),
                "separator": True,
                "items": [
                    _item(
                        _("Visits"),
                        "forum",
                        "admin:flows_dialoguesession_changelist",
                        "flows.view_dialoguesession",
                        badge="flows.admin.visits.waiting_badge",
                    ),
                    _item(_("Citizens"), "badge", "admin:flows_citizen_changelist", "flows.view_citizen"),
                    _item(_("Service catalogue"), "menu_book", "admin:flows_serviceitem_changelist", "flows.view_serviceitem"),
                ],
            },
            {
                "title": _("System"),
                "separator": True,
                "items": [
                    _item(_("Status"), "monitor_heart", "status", "kiosk.view_systemstatus"),
                    _item(_("Webhooks"), "webhook", "admin:analytics_webhook_changelist", "analytics.view_webhook"),
                    _item(
                        _("Webhook deliveries"),
                        "outbox",
                        "admin:analytics_webhookdelivery_changelist",
                        "analytics.view_webhookdelivery",
                    ),
                    _item(_("API tokens"), "key", "admin:kiosk_apitoken_changelist", "kiosk.view_apitoken"),
                    _item(_("Users"), "manage_accounts", "admin:auth_user_changelist", "auth.view_user"),
                    _item(_("Groups"), "shield_person", "admin:auth_group_changelist", "auth.view_group"),
                    _item(_("Audit log"), "history", "admin:auditlog_logentry_changelist", "auditlog.view_logentry"),
                    _item(_("API documentation"), "api", "docs"),
                ],
            },
        ],
    },
}
