"""Visits on the front page of the admin."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from flows.admin.display import point_label
from flows.figures import StepCount, by_service, by_step, points_given_up, visit_figures
from flows.types import ReviewState
from kiosk.runtime.figures import Breakdown, Chart, Number, Panel, Period, Series, Share, register_panel

_VIEW: Final = "flows.view_dialoguesession"
_SERVICES: Final = 8


def register() -> None:
    """Puts visits on the front page."""
    register_panel("visits", visit_panel)


def visit_panel(request: HttpRequest, period: Period) -> Panel | None:
    """For whoever may see visits."""
    if not request.user.has_perm(_VIEW):
        return None
    return Panel(_("Visits"), _numbers(period), [_chart(period)], [_services(period), _given_up(period)])


def visits_url(period: Period | None = None, **lookups: str) -> str:
    """The list of visits, of those that began in `period`, narrowed down further."""
    query = {**(period.lookup("created_at") if period is not None else {}), **lookups}
    return f"{reverse('admin:flows_dialoguesession_changelist')}?{urlencode(query)}"


def _numbers(period: Period) -> list[Number]:
    found = visit_figures(period)
    share = f"{found.given_up / found.visits:.0%}" if found.visits else ""
    since = _("the longest for %(time)s") % {"time": timesince(found.waiting_since)} if found.waiting_since else ""
    waiting_url = visits_url(review_state__exact=ReviewState.PENDING.value)
    return [
        Number(_("Visits"), str(found.visits), _("before: %(count)d") % {"count": found.visits_before}, visits_url(period)),
        Number(_("Waiting for review"), str(found.waiting), since, waiting_url, urgent=bool(found.waiting)),
        Number(pgettext("visits", "Stored"), str(found.stored), "", visits_url(period, stored_at__isnull="False")),
        Number(
            _("How long they took"),
            _length(found.median),
            _("median, from the request to the storage"),
            visits_url(period, stored_at__isnull="False"),
        ),
        Number(_("Given up"), str(found.given_up), share, visits_url(period, gave_up="any")),
    ]


def _length(length: timedelta | None) -> str:
    """Minutes and seconds; a dash where there is none."""
    if length is None:
        return "–"
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    return f"{minutes}:{seconds:02}"


def _chart(period: Period) -> Chart:
    steps, found = period.steps(), by_step(period)
    counts = [found.get(step, StepCount()) for step in steps]
    ends = [*steps[1:], period.end]
    return Chart(
        "visits",
        _("Visits by hour") if period.hourly else _("Visits by day"),
        [period.label(step) for step in steps],
        [
            Series(pgettext("visits", "Stored"), [count.stored for count in counts], "first"),
            Series(_("Under way"), [count.others for count in counts], "second"),
            Series(_("Given up"), [count.given_up for count in counts], "third"),
        ],
        [_step_url(step, end) for step, end in zip(steps, ends, strict=True)],
    )


def _step_url(start: datetime, end: datetime) -> str:
    return visits_url(created_at__gte=str(start), created_at__lt=str(end))


def _services(period: Period) -> Breakdown:
    shares = []
    for service in by_service(period, _SERVICES):
        gone = {"service__isnull": "True", "classify__exact": service.name}
        lookups = gone if service.service_id is None else {"service__id__exact": str(service.service_id)}
        shares.append(Share(service.name or _("No service found yet"), service.count, visits_url(period, **lookups)))
    return Breakdown(_("By service"), shares, _("No visits in this time."))


def _given_up(period: Period) -> Breakdown:
    points = [Share(point_label(point), count, visits_url(period, gave_up=point)) for point, count in points_given_up(period)]
    kept = settings.KIOSK.abandoned_hours
    note = _("Visits that were never stored are deleted after %(hours)d hours; older ones are not counted here.") % {
        "hours": kept
    }
    reaches_back = period.start < period.now - timedelta(hours=kept)
    return Breakdown(_("Where people gave up"), points, _("Nobody gave up in this time."), note if reaches_back else "")
