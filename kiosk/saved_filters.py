"""Lists of the admin that members of staff keep under a name: which, saving one, dropping one. Each sees only their own."""

from __future__ import annotations

from typing import Final, cast
from urllib.parse import parse_qsl, urlencode

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kiosk.models import SavedFilter

MOST: Final = 20
"""Of one user and list."""
_NAME_LENGTH: Final = 64
_QUERY_LENGTH: Final = 2000
_LEFT_OUT: Final = frozenset({"p", "q", "all", "e", "_changelist_filters"})
"""Pages, Django's own, and what was searched for: that may be somebody's name."""


def kept_query(query: str) -> str:
    """What is kept of a list's address; "" where it is not narrowed down or ordered in any way."""
    return urlencode([(key, value) for key, value in parse_qsl(query) if key not in _LEFT_OUT])


def filters_of(user: User, label: str) -> QuerySet[SavedFilter]:
    """This user's filters of the list of the model `label`, app_label.model_name."""
    return SavedFilter.objects.filter(user=user, model=label)


@require_POST
def save_view(request: HttpRequest) -> HttpResponse:
    """Keeps the list from which the request comes under a name; the same name again replaces it."""
    label = request.POST.get("model", "")
    page = _list_of(request, label)
    name, query = request.POST.get("name", "").strip()[:_NAME_LENGTH], kept_query(request.POST.get("query", ""))
    mine = filters_of(cast("User", request.user), label)
    if not name or not query or len(query) > _QUERY_LENGTH:
        messages.error(request, _("Narrow the list down first, and give the filter a name."))
    elif mine.exclude(name=name).count() >= MOST:
        messages.error(request, _("You have kept %(count)d filters of this list; drop one first.") % {"count": MOST})
    else:
        mine.update_or_create(user=cast("User", request.user), model=label, name=name, defaults={"query": query})
        messages.success(request, _("The filter %(name)s is kept.") % {"name": name})
    return HttpResponseRedirect(f"{page}?{query}" if query else page)


@require_POST
def drop_view(request: HttpRequest, filter_id: int) -> HttpResponse:
    """Drops one of the user's own; another's is not found."""
    kept = get_object_or_404(SavedFilter, pk=filter_id, user=cast("User", request.user))
    page = _list_of(request, kept.model)
    kept.delete()
    messages.success(request, _("The filter %(name)s is dropped.") % {"name": kept.name})
    return HttpResponseRedirect(page)


def list_url(label: str) -> str:
    """The list of the model `label`. Raises Http404 for one that the admin does not have."""
    for model in admin.site._registry:  # noqa: SLF001 - Django has no other way to ask
        if _label(model) == label:
            return reverse(f"admin:{label.replace('.', '_')}_changelist")
    raise Http404


def _list_of(request: HttpRequest, label: str) -> str:
    page = list_url(label)
    shown = next(owner for model, owner in admin.site._registry.items() if _label(model) == label)  # noqa: SLF001
    if not shown.has_view_permission(request):
        raise Http404
    return page


def _label(model: type[models.Model]) -> str:
    return model._meta.label_lower  # noqa: SLF001 - Django's documented API
