"""Tokens of API clients."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
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
