"""Admin of API tokens, and the audit log and user pages in the admin's theme."""

from __future__ import annotations

from typing import Any

from auditlog.admin import LogEntryAdmin
from auditlog.models import LogEntry
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.admin import APIKeyModelAdmin
from rest_framework_api_key.models import APIKey
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from kiosk.api.scopes import Scope
from kiosk.models import ApiToken

admin.site.unregister([User, Group, LogEntry, APIKey])


@admin.register(User)
class KioskUserAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Django's users, in the theme."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class KioskGroupAdmin(GroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Django's groups, in the theme."""


@admin.register(LogEntry)
class KioskLogEntryAdmin(LogEntryAdmin, ModelAdmin):  # type: ignore[misc]
    """The audit log: to be read and filtered, never changed."""

    def has_delete_permission(self, request: HttpRequest, obj: LogEntry | None = None) -> bool:  # noqa: ARG002
        return False


class ApiTokenForm(forms.ModelForm):  # type: ignore[type-arg]
    """A token's scopes as check boxes."""

    scopes = forms.MultipleChoiceField(
        label=_("scopes"), choices=Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget, required=True
    )

    class Meta:
        model = ApiToken
        fields = ("name", "scopes", "expiry_date", "revoked")


@admin.register(ApiToken)
class ApiTokenAdmin(APIKeyModelAdmin, ModelAdmin):  # type: ignore[misc]
    """Tokens are shown once when they are made; afterwards only their prefix."""

    form = ApiTokenForm
    list_display = ["prefix", "name", "scope_names", "created", "last_used_at", "expiry_date", "revoked"]  # type: ignore[assignment]
    list_filter = ["revoked", "created"]  # type: ignore[assignment]
    search_fields = ["name", "prefix"]  # type: ignore[assignment]

    @admin.display(description=_("scopes"))
    def scope_names(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """A token is revoked, not deleted: the audit log goes on naming it."""
        return False
