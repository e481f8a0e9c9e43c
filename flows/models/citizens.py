"""The citizens a hall knows: the necessary (必要信息) and the basic information (基本信息) of the platform protocol."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import IntegrityError, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from faces.models import Person
from flows.types import FamilyMember, Gender
from kiosk.runtime.audit import audit_details
from kiosk.runtime.encryption import BlindIndexField, EncryptedTextField, blind_indexes


class CitizenQuerySet(models.QuerySet["Citizen"]):
    """Citizens, by what is known of them only in encrypted form."""

    def with_id_card(self, number: str) -> Self:
        """The one with this ID number, also while the keys are being changed. An empty number is nobody's."""
        return self.filter(id_card_index__in=blind_indexes(number)) if number else self.none()


class Citizen(models.Model):
    """One citizen. `number` is what the protocol calls user_id; text that nobody gave yet is "", other values are None.

    What identifies, reaches or classifies a person is encrypted at rest; an ID number is found again by its blind index.
    """

    number = models.CharField(_("number"), max_length=64, unique=True)
    person = models.OneToOneField(
        Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="citizen", verbose_name=_("enrolled person")
    )
    name = models.CharField(pgettext_lazy("person", "name"), max_length=64, blank=True, default="", db_index=True)
    gender = models.CharField(_("gender"), max_length=1, choices=Gender.choices, blank=True, default="")
    nationality = models.CharField(_("nationality"), max_length=16, blank=True, default="")
    phone = EncryptedTextField(_("phone"), blank=True, default="")
    id_card = EncryptedTextField(_("ID number"), blank=True, default="")
    id_card_index = BlindIndexField(of="id_card", unique=True)
    """One citizen a number."""
    native_place = models.CharField(_("native place"), max_length=64, blank=True, default="")
    birth = models.DateField(_("date of birth"), null=True, blank=True)
    email = EncryptedTextField(_("e-mail"), blank=True, default="")
    career = models.CharField(_("occupation"), max_length=64, blank=True, default="")
    address = EncryptedTextField(_("home address"), blank=True, default="")
    hukou = EncryptedTextField(_("registered residence"), blank=True, default="")
    political_status = EncryptedTextField(_("political status"), blank=True, default="")
    marital_status = models.BooleanField(_("married"), null=True, blank=True)
    religion = EncryptedTextField(_("religion"), blank=True, default="")
    education = models.CharField(_("education"), max_length=16, blank=True, default="")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = CitizenQuerySet.as_manager()

    class Meta:
        verbose_name = _("citizen")
        verbose_name_plural = _("citizens")
        ordering: ClassVar = ["-pk"]
        permissions: ClassVar = [
            ("view_citizen_personal_data", _("Can see citizens' data unmasked")),
            ("export_citizen", _("Can export citizens")),
            ("import_citizen", _("Can import citizens")),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(number=""), name="citizen_number_not_empty"),
            models.CheckConstraint(condition=Q(gender__in=["", *Gender.values]), name="citizen_gender_known"),
            models.CheckConstraint(
                condition=Q(id_card="", id_card_index__isnull=True) | (~Q(id_card="") & Q(id_card_index__isnull=False)),
                name="citizen_id_card_has_index",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    def __repr__(self) -> str:
        return f"<Citizen {self.pk}>"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises IntegrityError where somebody else has this ID number."""
        fields = kwargs.get("update_fields")
        if fields is None or "id_card" in fields:
            self._refuse_a_number_under_another_key()
            kwargs["update_fields"] = None if fields is None else {*fields, "id_card_index"}
        super().save(*args, **kwargs)

    def _refuse_a_number_under_another_key(self) -> None:
        """The unique index speaks of one key only; while keys are being changed, rows of the others have to be asked."""
        others = blind_indexes(self.id_card)[1:] if self.id_card else []
        if others and Citizen.objects.filter(id_card_index__in=others).exclude(pk=self.pk).exists():
            raise IntegrityError("UNIQUE: citizen.id_card_index, under another key")

    def get_additional_data(self) -> dict[str, str] | None:
        """What the audit log keeps beside the change: the API client or command that made it."""
        return audit_details()


class Relative(models.Model):
    """A family member of a citizen whom a service asked about; a row of its own in the summary's tables."""

    citizen = models.ForeignKey(Citizen, on_delete=models.CASCADE, related_name="relatives", verbose_name=_("citizen"))
    relation = models.CharField(_("relation"), max_length=16, choices=FamilyMember.choices)
    name = models.CharField(pgettext_lazy("person", "name"), max_length=64, blank=True, default="")
    id_card = EncryptedTextField(_("ID number"), blank=True, default="")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("family member")
        verbose_name_plural = _("family members")
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["citizen", "relation"], name="relative_once_a_relation"),
            models.CheckConstraint(condition=Q(relation__in=FamilyMember.values), name="relative_relation_known"),
        ]

    def __str__(self) -> str:
        return f"#{self.citizen_id}/{self.relation}"

    def __repr__(self) -> str:
        return f"<Relative {self.pk}>"

    def get_additional_data(self) -> dict[str, str] | None:
        """What the audit log keeps beside the change: the API client or command that made it."""
        return audit_details()
