"""The filters that a member of staff keeps of a list, above it."""

from __future__ import annotations

from typing import Any

from django import template

from kiosk.saved_filters import filters_of, kept_query

register = template.Library()


@register.inclusion_tag("admin/saved_filters.html", takes_context=True)
def saved_filters(context: dict[str, Any]) -> dict[str, Any]:
    """Of the list `cl` of the page; one query."""
    request, label = context["request"], context["cl"].opts.label_lower
    query = kept_query(request.META.get("QUERY_STRING", ""))
    kept = list(filters_of(request.user, label))
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "label": label,
        "query": query,
        "kept": [(one, one.query == query) for one in kept],
        "known": any(one.query == query for one in kept),
    }
