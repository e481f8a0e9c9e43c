"""A citizen's conversation with the hall, and what staff made of it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from flows.models.catalogue import ServiceItem
from flows.models.citizens import Citizen
from flows.types import ReviewState, SessionState, Speaker
from kiosk.runtime.audit import audit_details
from kiosk.runtime.encryption import EncryptedJSONField, EncryptedTextField


def audio_path(_turn: Turn | None, _filename: str) -> str:
    """Where an utterance is kept: under a name that says nothing about the person."""
    name = uuid.uuid4().hex
    return f"utterances/{name[:2]}/{name}"


class DialogueSession(models.Model):
    """One visit, from the handshake to the summary (platform protocol, 流程).

    The protocol's hash is not stored: flows.dialogue.tokens makes it of `key` and the installation's secret. What the
    conversation found out stays in `draft` until storage writes it to the citizen; `summary` is what was stored then.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user_id = models.CharField(_("number"), max_length=64, db_index=True)
    """The protocol's user_id: the number of the citizen, who may be known only after storage."""
    citizen = models.ForeignKey(
        Citizen, on_delete=models.SET_NULL, null=True, blank=True, related_name="sessions", verbose_name=_("citizen")
    )
    service = models.ForeignKey(
        ServiceItem, on_delete=models.SET_NULL, null=True, blank=True, related_name="sessions", verbose_name=_("service item")
    )
    classify = models.CharField(_("classification"), max_length=64, blank=True, default="")
    """The name of the service as it was told, which stays when staff rename the item."""
    candidates = models.JSONField(_("candidates"), default=list, blank=True)
    """Codes of the services that an unclear request may mean, the likeliest first."""
    flow = models.TextField(_("guidance given"), blank=True, default="")
    state = models.CharField(
        _("state"), max_length=16, choices=SessionState.choices, default=SessionState.CREATED, db_index=True, editable=False
    )
    version = models.PositiveIntegerField(default=0, editable=False)
    """Grows with every step of the conversation: of two requests that read the same one, one alone writes the next."""
    request_digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    """Of user_id and input of the handshake: the same request posted again while it is processed finds its session by it."""
    draft = EncryptedJSONField(default=dict, editable=False)
    """{"citizen": {slot: value}, "relatives": {relation: {slot: value}}, "asked": …, "declined": […], …}; see dialogue.drafts."""
    summary = EncryptedJSONField(null=True, editable=False)
    """The output of storage as it was answered."""
    created_at = models.DateTimeField(_("begun at"), auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(_("last active at"), auto_now=True)
    expires_at = models.DateTimeField(_("expires at"), db_index=True)
    answered_at = models.DateTimeField(_("questions ended at"), null=True, blank=True)
    stored_at = models.DateTimeField(_("stored at"), null=True, blank=True)
    summarised_at = models.DateTimeField(_("summarised at"), null=True, blank=True)
    review_state = models.CharField(
        _("review"), max_length=16, choices=ReviewState.choices, default=ReviewState.NONE, db_index=True
    )
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("assigned to"),
    )
    """Who is to review it; anybody else may all the same."""
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reviewed by"),
    )
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True, blank=True)
    review_note = EncryptedTextField(_("note of the review"), blank=True, default="")

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        ordering: ClassVar = ["-pk"]
        permissions: ClassVar = [
            ("review_dialoguesession", _("Can review visits")),
            ("assign_dialoguesession", _("Can assign visits to reviewers")),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(user_id=""), name="session_user_id_not_empty"),
            models.CheckConstraint(condition=Q(state__in=SessionState.values), name="session_state_known"),
            models.CheckConstraint(condition=Q(review_state__in=ReviewState.values), name="session_review_state_known"),
            models.CheckConstraint(
                condition=Q(review_state__in=[ReviewState.NONE, ReviewState.PENDING]) | Q(reviewed_at__isnull=False),
                name="session_review_has_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["request_digest", "state"], name="session_digest_state"),
            models.Index(fields=["state", "expires_at"], name="session_state_expiry"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    def __repr__(self) -> str:
        return f"<DialogueSession {self.pk} {self.state}>"

    def get_additional_data(self) -> dict[str, str] | None:
        """What the audit log keeps beside the change: the API client or command that made it."""
        return audit_details()


class Turn(models.Model):
    """One thing that was said."""

    session = models.ForeignKey(DialogueSession, on_delete=models.CASCADE, related_name="turns", verbose_name=_("visit"))
    position = models.PositiveIntegerField(_("position"))
    """0, 1, 2, … within the session."""
    speaker = models.CharField(_("who"), max_length=8, choices=Speaker.choices)
    text = EncryptedTextField(_("text"), blank=True, default="")
    audio = models.FileField(_("audio"), upload_to=audio_path, max_length=128, blank=True, default="")
    """The utterance as it was sent, where KIOSK_KEEP_AUDIO says so; else empty."""
    slot = models.CharField(_("asked for"), max_length=32, blank=True, default="")
    """What a question asks for and an answer is about: a slot, "spouse.name", or "" for none."""
    confidence = models.FloatField(
        _("confidence"), null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    created_at = models.DateTimeField(_("said at"), auto_now_add=True)

    class Meta:
        verbose_name = _("turn")
        verbose_name_plural = _("turns")
        ordering: ClassVar = [F("session_id").asc(), F("position").asc()]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["session", "position"], name="turn_position_once"),
            models.CheckConstraint(condition=Q(speaker__in=Speaker.values), name="turn_speaker_known"),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=0, confidence__lte=1), name="turn_confidence_0_to_1"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.session_id}/{self.position}"

    def __repr__(self) -> str:
        return f"<Turn {self.pk}>"
