"""How staff give permissions and scopes: as check boxes in the language of the page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.forms.models import ModelChoiceIterator
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from kiosk.api.scopes import Scope
from kiosk.models import ApiToken

_STANDARD = {"view": _("View"), "add": _("Add"), "change": _("Change"), "delete": _("Delete")}

_NEVER_ASKED = (
    *("add_logentry", "change_logentry", "delete_logentry", "change_facesample", "delete_apitoken"),
    *("add_citizen", "change_citizen", "add_dialoguesession", "change_dialoguesession"),
)
"""The audit log is not to be changed, a photo is replaced by another, a token is revoked, and citizens' records come of
visits and their review: nobody may do these."""


class ApiTokenForm(forms.ModelForm):  # type: ignore[type-arg]
    """A token's scopes as check boxes."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"), choices=Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget, required=True
    )

    class Meta:
        model = ApiToken
        fields = ("name", "scopes", "expiry_date", "revoked")
        labels = {"name": _("Name of the client"), "revoked": _("Revoked")}


def grantable_permissions() -> QuerySet[Permission]:
    """The permissions of models that the admin shows: no others are ever asked for."""
    kinds = ContentType.objects.get_for_models(*admin.site._registry).values()  # noqa: SLF001 - Django has no other way to ask
    asked = Q(content_type__in=kinds) | Q(content_type__app_label="kiosk", content_type__model="systemstatus")
    permissions = Permission.objects.filter(asked).exclude(codename__in=_NEVER_ASKED).select_related("content_type")
    return permissions.order_by("content_type__app_label", "content_type__model", "pk")


def permission_label(permission: Permission) -> str:
    """What a permission allows, in the language of the page; Django stores its English name."""
    verb, _separator, model = permission.codename.partition("_")
    if verb in _STANDARD and model == permission.content_type.model:
        return str(_STANDARD[verb])
    return gettext(permission.name)


def permissions_by_model(group: Group) -> Iterator[tuple[str, list[str]]]:
    """What a group allows, in words, by what it is about."""
    allowed = grantable_permissions().filter(group=group)
    for kind, permissions in groupby(allowed, key=lambda permission: permission.content_type):
        yield capfirst(str(kind.name)), [permission_label(permission) for permission in sorted(permissions, key=_rank)]


class _ByModel(ModelChoiceIterator):  # type: ignore[type-arg]
    """Choices in groups, one for each model."""

    def __iter__(self) -> Iterator[Any]:
        for kind, permissions in groupby(self.queryset, key=lambda permission: permission.content_type):
            yield capfirst(str(kind.name)), [self.choice(permission) for permission in sorted(permissions, key=_rank)]


def _rank(permission: Permission) -> int:
    """Looking comes before changing, what is special comes last."""
    verb, _separator, model = permission.codename.partition("_")
    verbs = list(_STANDARD)
    return verbs.index(verb) if verb in _STANDARD and model == permission.content_type.model else len(verbs)


class PermissionsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Permissions to choose from, grouped by model."""

    widget = UnfoldAdminCheckboxSelectMultipleWidget
    iterator = _ByModel

    def label_from_instance(self, obj: Permission) -> str:
        return permission_label(obj)


class GroupsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Groups to choose from."""

    widget = UnfoldAdminCheckboxSelectMultipleWidget
