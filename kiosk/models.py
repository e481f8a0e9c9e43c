"""Tokens of API clients, the roles that came with the product, and the lists that staff keep."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.models import AbstractAPIKey

from kiosk.api.scopes import Scope


def check_scopes(value: object) -> None:
    """Raises ValidationError unless `value` is a list of known scopes without repetition."""
    if not isinstance(value, list) or not value:
        raise ValidationError(_("Choose at least one scope."))
    if len(set(map(str, value))) != len(value) or any(scope not in Scope.values for scope in value):
        raise ValidationError(_("Unknown or repeated scope."))


class ApiToken(AbstractAPIKey):
    """A client's credential: shown once when it is made, kept as a hash, limited to its scopes, revocable."""

    scopes = models.JSONField(_("scopes"), default=list, validators=[check_scopes])
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created"]


class Role(models.Model):
    """A role that came with the product and the group that staff know it by; kiosk.roles says what it may do."""

    key = models.CharField(max_length=32, unique=True, editable=False)
    group = models.OneToOneField(Group, on_delete=models.SET_NULL, null=True, editable=False, related_name="role")
    """None once staff deleted the group."""
    granted = models.JSONField(default=list, editable=False)
    """The permissions that the product itself gave, so that one that staff took out is not given again."""

    class Meta:
        default_permissions = ()
        verbose_name = _("role")
        verbose_name_plural = _("roles")

    def __str__(self) -> str:
        return self.key


class SystemStatus(models.Model):
    """No table: what the permission to see the status page hangs on."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions: ClassVar = [("view_systemstatus", _("Can see the status of the system"))]
        verbose_name = _("system status")
        verbose_name_plural = _("system status")

    def __str__(self) -> str:
        return "system status"


class SavedFilter(models.Model):
    """A list of the admin as one member of staff narrowed it down: its address, under a name of their own."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters", editable=False)
    model = models.CharField(max_length=100, editable=False)
    """Of the list: app_label.model_name."""
    name = models.CharField(_("name of the filter"), max_length=64)
    query = models.CharField(max_length=2000, editable=False)
    """Of the address, without a search text: that may name a person."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        ordering: ClassVar = ["name"]
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "model", "name"], name="saved_filter_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="saved_filter_name_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name
