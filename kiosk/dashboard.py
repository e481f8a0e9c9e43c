"""The front page of the admin: what a hall's manager asks in the morning, for today, this week or the last 30 days."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from kiosk.runtime.figures import Span, panels, period


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK: adds the panels that this user may see."""
    asked = request.GET.get("span", "")
    span = Span(asked) if asked in set(Span) else Span.TODAY
    words = {Span.TODAY: _("Today"), Span.WEEK: _("This week"), Span.MONTH: _("Last 30 days")}
    shown = period(span, timezone.now())
    return context | {
        "title": _("Overview"),
        "panels": panels(request, shown),
        "period": shown,
        "spans": [(one.value, words[one], one is span) for one in Span],
    }
