"""Events sent to systems that can't keep a socket open."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from analytics.models.devices import MediaDevice
from analytics.models.events import RecognitionEvent
from analytics.webhooks.sending import check_url
from kiosk.runtime.encryption import EncryptedTextField


class Webhook(models.Model):
    """One receiver: each event is posted to `url`, signed with `secret`."""

    name = models.CharField(pgettext_lazy("webhook", "name"), max_length=64)
    url = models.CharField(_("address"), max_length=512, validators=[check_url])
    secret = EncryptedTextField(_("secret of the signature"), blank=True, default="")
    enabled = models.BooleanField(_("enabled"), default=True)
    user_types = models.JSONField(_("types of person"), default=list, blank=True)
    """Empty: all."""
    devices = models.ManyToManyField(MediaDevice, blank=True, related_name="webhooks", verbose_name=_("devices"))
    """None: all."""
    with_face_image = models.BooleanField(_("with the face"), default=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One event on its way to one receiver."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("webhook"))
    event = models.ForeignKey(RecognitionEvent, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("event"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt at"), null=True, blank=True, db_index=True)
    """None once it was delivered or given up."""
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    status = models.PositiveSmallIntegerField(_("last HTTP status"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=255, blank=True, default="")

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["webhook", "event"], name="delivery_once")]

    def __str__(self) -> str:
        return f"{self.webhook_id}/{self.event_id}"
