"""What the cameras saw, on the front page of the admin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics.figures import Passed, event_figures, events_by_step, passed_by_step
from analytics.models import RecognitionEvent, Video
from faces.models import UserType
from kiosk.runtime.figures import Chart, Number, Panel, Period, Series, register_panel

_EVENTS: Final = "analytics.view_recognitionevent"
_VIDEOS: Final = "analytics.view_video"


def register() -> None:
    """Puts the cameras on the front page."""
    register_panel("cameras", camera_panel)


def camera_panel(request: HttpRequest, period: Period) -> Panel | None:
    """For whoever may see events or videos."""
    numbers: list[Number] = []
    charts: list[Chart] = []
    if request.user.has_perm(_EVENTS):
        numbers += _event_numbers(period)
        charts.append(_event_chart(period))
    if request.user.has_perm(_VIDEOS):
        found = passed_by_step(period)
        numbers += _video_numbers(period, list(found.values()))
        charts.append(_video_chart(period, found))
    return Panel(_("Cameras"), numbers, charts) if charts else None


def _event_numbers(period: Period) -> list[Number]:
    found = event_figures(period)
    types = ",".join(value for value in UserType.values if value != UserType.STRANGER)
    people = _("%(count)d different people") % {"count": found.people}
    return [
        Number(_("Recognised"), str(found.recognised), people, _events_url(period, user_type__in=types)),
        Number(_("Strangers"), str(found.strangers), "", _events_url(period, user_type__exact=UserType.STRANGER.value)),
        Number(
            _("Blacklist"),
            str(found.blacklisted),
            "",
            _events_url(period, user_type__exact=UserType.BLACKLIST.value),
            urgent=bool(found.blacklisted),
        ),
    ]


def _event_chart(period: Period) -> Chart:
    steps, found = period.steps(), events_by_step(period)
    recognised, strangers = zip(*(found.get(step, (0, 0)) for step in steps), strict=True)
    urls = [_step_url(step, end) for step, end in zip(steps, [*steps[1:], period.end], strict=True)]
    return Chart(
        "events",
        _("Recognised and strangers"),
        [period.label(step) for step in steps],
        [Series(_("Recognised"), recognised, "first"), Series(_("Strangers"), strangers, "third")],
        urls if any(urls) else [],
    )


def _video_numbers(period: Period, passed: list[Passed]) -> list[Number]:
    url = _list_url(Video, **period.lookup("recorded_at"))
    return [
        Number(_("People counted"), str(sum(one.people for one in passed)), _("in videos"), url),
        Number(_("Vehicles counted"), str(sum(one.vehicles for one in passed)), _("in videos"), url),
    ]


def _video_chart(period: Period, found: Mapping[datetime, Passed]) -> Chart:
    steps = period.steps()
    counts = [found.get(step, Passed()) for step in steps]
    return Chart(
        "passed",
        _("People and vehicles by hour") if period.hourly else _("People and vehicles by day"),
        [period.label(step) for step in steps],
        [
            Series(_("People"), [count.people for count in counts], "first"),
            Series(_("Vehicles"), [count.vehicles for count in counts], "second"),
        ],
    )


def _events_url(period: Period, **lookups: str) -> str:
    return _list_url(RecognitionEvent, **period.lookup("happened_at"), **lookups)


def _step_url(start: datetime, end: datetime) -> str:
    return _list_url(RecognitionEvent, happened_at__gte=str(start), happened_at__lt=str(end))


def _list_url(model: type[models.Model], **lookups: str) -> str:
    """The list of the admin, narrowed down; "" where the admin has none."""
    if not admin.site.is_registered(model):
        return ""
    options = model._meta  # noqa: SLF001 - Django's documented API
    return f"{reverse(f'admin:{options.app_label}_{options.model_name}_changelist')}?{urlencode(lookups)}"
