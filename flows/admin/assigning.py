"""What staff do with several visits of the list at once: approve them, take them, give them to a reviewer."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from flows.admin.display import MEDIA
from flows.models import DialogueSession
from flows.review import approve_all, assign, may_assign, may_review, reviewers


class AssignForm(forms.Form):
    """Who is to review."""

    reviewer = forms.ModelChoiceField(
        queryset=User.objects.none(), required=False, label=_("Reviewer"), empty_label=_("nobody"), widget=UnfoldAdminSelectWidget
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        cast("forms.ModelChoiceField[User]", self.fields["reviewer"]).queryset = reviewers()


class SeveralVisits:
    """The actions of the list of visits."""

    def has_review_permission(self, request: HttpRequest) -> bool:
        return may_review(cast("User", request.user))

    def has_assign_permission(self, request: HttpRequest) -> bool:
        return may_assign(cast("User", request.user))

    @admin.action(description=_("Approve the selected visits"), permissions=["review"])
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[DialogueSession]) -> None:
        approved, refused = approve_all(queryset, cast("User", request.user))
        if approved:
            done = ngettext("%(count)d visit is approved.", "%(count)d visits are approved.", approved)
            messages.success(request, done % {"count": approved})
        if refused:
            left = ngettext("%(count)d visit does not wait for a review.", "%(count)d visits do not wait for a review.", refused)
            messages.warning(request, left % {"count": refused})

    @admin.action(description=_("Assign the selected visits to me"), permissions=["review"])
    def take_selected(self, request: HttpRequest, queryset: QuerySet[DialogueSession]) -> None:
        user = cast("User", request.user)
        _tell(request, assign(queryset, user, user))

    @admin.action(description=_("Assign the selected visits…"), permissions=["assign"])
    def assign_selected(self, request: HttpRequest, queryset: QuerySet[DialogueSession]) -> HttpResponse | None:
        """A page that asks to whom, and then its answer."""
        form = AssignForm(request.POST if request.POST.get("confirmed") else None)
        if form.is_valid():
            try:
                _tell(request, assign(queryset, cast("User", request.user), form.cleaned_data["reviewer"]))
            except PermissionDenied:
                messages.error(request, gettext("This member of staff may not review."))
            return None
        context = {
            **cast("Any", self).admin_site.each_context(request),
            "title": gettext("Assign visits"),
            "media": MEDIA,
            "form": form,
            "visits": list(queryset.values_list("pk", flat=True)),
            "back": request.get_full_path(),
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/flows/dialoguesession/assign.html", context)


def _tell(request: HttpRequest, changed: int) -> None:
    if not changed:
        messages.info(request, gettext("Nothing changed: only visits that wait can be assigned."))
        return
    text = ngettext("%(count)d visit was assigned.", "%(count)d visits were assigned.", changed)
    messages.success(request, text % {"count": changed})
