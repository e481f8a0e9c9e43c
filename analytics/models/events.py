"""Recognitions as they happened (protocol 001)."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from analytics.models.devices import MediaDevice
from faces.models import Person, UserType


def crop_path(_event: RecognitionEvent | None, _filename: str) -> str:
    """Where an event's face is kept: under a name that says nothing about the person."""
    name = uuid.uuid4().hex
    return f"events/{name[:2]}/{name}.jpg"


class RecognitionEvent(models.Model):
    """One person's or stranger's appearance before one device.

    The primary key grows in the order of recording; `since` of the event socket is a key of this order. `event_id` is what
    clients know an event by: for those of a relayed box it is the box's own, so that none is recorded twice.
    """

    event_id = models.CharField(_("event id"), max_length=64, unique=True)
    happened_at = models.DateTimeField(_("time"), db_index=True)
    device = models.ForeignKey(MediaDevice, on_delete=models.CASCADE, related_name="events", verbose_name=_("device"))
    person = models.ForeignKey(
        Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="events", verbose_name=_("person")
    )
    stranger_id = models.CharField(_("stranger"), max_length=32, blank=True, default="", db_index=True)
    """Of a stranger for one visit: the same for all events of the same face within it."""
    identity_id = models.CharField(_("number"), max_length=64, blank=True, default="")
    """As a box reported it, where its person is not enrolled here; else empty and the person's number counts."""
    identity_name = models.CharField(_("name as reported"), max_length=64, blank=True, default="")
    user_type = models.CharField(_("type"), max_length=16, choices=UserType.choices, default=UserType.STRANGER, db_index=True)
    score = models.FloatField(_("score"), validators=[MinValueValidator(0), MaxValueValidator(100)])
    """0 to 100: of the table in the protocol."""
    face = models.ImageField(_("face"), upload_to=crop_path, max_length=128, blank=True, default="")
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    """recognize_face_attr: what the engine can tell, e.g. {"gender": …, "age": …}; {} where it tells nothing."""
    track = models.PositiveBigIntegerField(_("track"), null=True, blank=True)
    seen_until = models.DateTimeField(_("seen until"), null=True, blank=True)
    """Of this visit, a few seconds behind; None where nobody followed the person."""
    created_at = models.DateTimeField(_("recorded at"), auto_now_add=True)

    class Meta:
        verbose_name = _("recognition event")
        verbose_name_plural = _("recognition events")
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(event_id=""), name="event_id_not_empty"),
            models.CheckConstraint(condition=Q(user_type__in=UserType.values), name="event_user_type_known"),
            models.CheckConstraint(condition=Q(score__gte=0, score__lte=100), name="event_score_0_to_100"),
        ]
        permissions: ClassVar = [("export_recognitionevent", _("Can export recognition events"))]
        indexes: ClassVar = [models.Index(fields=["device", "-happened_at"], name="event_device_time")]

    def __str__(self) -> str:
        return self.event_id

    def __repr__(self) -> str:
        return f"<RecognitionEvent {self.pk}>"
