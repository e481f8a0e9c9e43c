"""Who is enrolled, and by which photos. These rows are the truth; the vector index is a cache of them."""

from __future__ import annotations

import secrets
import string
import uuid
from typing import ClassVar

import numpy as np
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import connection, models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from faces.types import Box, Embedding, Metric
from kiosk.runtime.audit import audit_details

_ENTITY_ALPHABET = string.ascii_lowercase + string.digits
_ENTITY_LENGTH = 8


def new_entity_id() -> str:
    """A fresh entity_id of the Face Handle API: "person_" and eight characters."""
    return "person_" + "".join(secrets.choice(_ENTITY_ALPHABET) for _ in range(_ENTITY_LENGTH))


def photo_path(_sample: FaceSample | None, _filename: str) -> str:
    """Where a photo is kept: under a name that says nothing about the person."""
    name = uuid.uuid4().hex
    return f"faces/{name[:2]}/{name}.jpg"


class UserType(models.TextChoices):
    """The person types of the recognition events."""

    EMPLOYEE = "employee", _("Employee")
    VISITOR = "visitor", _("Visitor")
    BLACKLIST = "blacklist", _("Blacklist")
    STRANGER = "stranger", _("Stranger")
    VIP = "vip", _("VIP")


class ConsentSource(models.TextChoices):
    """How the consent to face recognition was given, or on what other ground the face is kept."""

    KIOSK = "kiosk", _("Given at the kiosk")
    STAFF = "staff", _("Given in writing to staff")
    GUARDIAN = "guardian", _("Given by a guardian")
    CLIENT = "client", _("Obtained by the connected system")
    IMPORT = "import", _("Obtained before the import")
    LEGAL = "legal", _("Required by law, no consent needed")


class Person(models.Model):
    """An enrolled identity. `number` is what the protocols call number and user_id."""

    entity_id = models.CharField(
        _("entity id"),
        max_length=15,
        unique=True,
        default=new_entity_id,
        editable=False,
        validators=[RegexValidator(r"^person_[a-z0-9]{8}$")],
    )
    number = models.CharField(_("number"), max_length=64, unique=True)
    name = models.CharField(pgettext_lazy("person", "name"), max_length=64, db_index=True)
    user_type = models.CharField(_("type"), max_length=16, choices=UserType.choices, default=UserType.VISITOR, db_index=True)
    consented_at = models.DateTimeField(_("consent given at"), null=True, blank=True)
    consent_source = models.CharField(_("consent"), max_length=16, choices=ConsentSource.choices, blank=True, default="")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("persons")
        ordering: ClassVar = ["pk"]
        permissions: ClassVar = [
            ("view_personal_data", _("Can see names and numbers unmasked")),
            ("identify_person", _("Can find out who is on a photo")),
            ("export_person", _("Can export persons")),
            ("import_person", _("Can import persons")),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(number=""), name="person_number_not_empty"),
            models.CheckConstraint(condition=~Q(name=""), name="person_name_not_empty"),
            models.CheckConstraint(condition=Q(user_type__in=UserType.values), name="person_user_type_known"),
            models.CheckConstraint(
                condition=Q(consented_at__isnull=True, consent_source="")
                | Q(consented_at__isnull=False, consent_source__in=ConsentSource.values),
                name="person_consent_has_time_and_source",
            ),
        ]

    def __str__(self) -> str:
        return self.entity_id

    def __repr__(self) -> str:
        return f"<Person {self.entity_id}>"

    @property
    def has_consent(self) -> bool:
        return self.consented_at is not None

    def get_additional_data(self) -> dict[str, str] | None:
        """What the audit log keeps beside the change: the API client or command that made it."""
        return audit_details()


class FaceSample(models.Model):
    """One enrolled photo with the embedding that one engine made of it."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="samples", verbose_name=_("person"))
    photo = models.ImageField(_("photo"), upload_to=photo_path, max_length=128)
    photo_sha256 = models.CharField(max_length=64, editable=False, db_index=True)
    embedding = models.BinaryField(editable=False)
    dimension = models.PositiveSmallIntegerField(_("dimension"), editable=False)
    metric = models.CharField(max_length=16, choices=[(m.value, m.value) for m in Metric], editable=False)
    engine = models.CharField(_("engine"), max_length=64, editable=False)
    quality = models.FloatField(_("quality"), editable=False, validators=[MinValueValidator(0), MaxValueValidator(1)])
    bbox_x = models.PositiveIntegerField(editable=False)
    bbox_y = models.PositiveIntegerField(editable=False)
    bbox_w = models.PositiveIntegerField(editable=False)
    bbox_h = models.PositiveIntegerField(editable=False)
    version = models.BigIntegerField(editable=False)
    """The gallery version that brought this embedding; see GalleryState."""
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("face sample")
        verbose_name_plural = _("face samples")
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "photo_sha256"], name="sample_photo_once_a_person"),
            models.UniqueConstraint(fields=["photo"], name="sample_photo_file_once"),
            models.CheckConstraint(condition=Q(dimension__gt=0), name="sample_dimension_positive"),
            models.CheckConstraint(condition=Q(metric__in=[m.value for m in Metric]), name="sample_metric_known"),
            models.CheckConstraint(condition=~Q(engine=""), name="sample_engine_not_empty"),
            models.CheckConstraint(condition=Q(quality__gte=0, quality__lte=1), name="sample_quality_0_to_1"),
            models.CheckConstraint(condition=Q(bbox_w__gt=0, bbox_h__gt=0), name="sample_bbox_not_empty"),
        ]
        indexes: ClassVar = [models.Index(fields=["engine", "version"], name="sample_engine_version")]

    def __str__(self) -> str:
        return f"{self.person_id}/{self.pk}"

    def __repr__(self) -> str:
        return f"<FaceSample {self.pk}>"

    def get_additional_data(self) -> dict[str, str] | None:
        """What the audit log keeps beside the change: the API client or command that made it."""
        return audit_details()

    @property
    def bbox(self) -> Box:
        return Box(self.bbox_x, self.bbox_y, self.bbox_w, self.bbox_h)

    @property
    def vector(self) -> Embedding:
        """The embedding as an array; raises ValueError where the row is damaged."""
        vector = np.frombuffer(self.embedding, dtype="<f4")
        if vector.shape != (self.dimension,):
            raise ValueError(f"sample {self.pk}: {vector.size} numbers where {self.dimension} belong")
        return vector


class GalleryState(models.Model):
    """The one row whose number grows with every change of the gallery.

    Whoever changes samples updates it first, in the same transaction: its row lock makes versions appear in the order in
    which they are committed, so that a reader who has seen version n has missed nothing below n.
    """

    version = models.BigIntegerField(default=0)
    forgotten = models.BigIntegerField(default=0)
    """Removals up to this version are not noted any more."""
    identity = models.UUIDField(default=uuid.uuid4, editable=False)
    """Of this database, so that an index made from another one is never taken for its own."""

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(pk=1), name="gallery_state_is_one_row")]

    def __str__(self) -> str:
        return f"version {self.version}"

    @classmethod
    def lock(cls) -> None:
        """Keeps other writers of the gallery out until this transaction ends."""
        cls.objects.select_for_update().get(pk=1)

    @classmethod
    def advance(cls) -> int:
        """The next version, to be written with the rows of this transaction."""
        cls.objects.filter(pk=1).update(version=F("version") + 1)
        return cls.current()

    @classmethod
    def current(cls) -> int:
        # Asked at every search: the ORM spends longer writing this than the database answering.
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT version FROM {cls._meta.db_table} WHERE id = 1")  # noqa: S608 - our own table
            version: int = cursor.fetchone()[0]
        return version


class RemovedSample(models.Model):
    """Notes that a sample left the gallery, or the engine it was made by, so that every index drops it."""

    sample_id = models.BigIntegerField()
    version = models.BigIntegerField(db_index=True)
    removed_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.sample_id} at {self.version}"
