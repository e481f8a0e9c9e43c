"""What citizens come for: the items of the service catalogue."""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Q
from django.db.models.sql.compiler import SQLCompiler
from django.utils.translation import gettext_lazy as _

from flows.types import BasicSlot, FamilyMember, Origin
from flows.validators import ChoiceListValidator, LineListValidator
from kiosk.runtime.audit import audit_details


class ReadableJSONEncoder(DjangoJSONEncoder):
    r"""Writes Chinese as it is, not as \uXXXX, so that SQLite can search the stored text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False})


class IsJsonArray(models.Func):
    """True where a JSON column holds an array; validators are not run by update() or bulk_create(), this is."""

    function = "JSON_TYPE"
    template = "%(function)s(%(expressions)s) = 'array'"
    output_field = models.BooleanField()

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="jsonb_typeof", **context)


class ServiceItemQuerySet(models.QuerySet["ServiceItem"]):
    """Service items, by what they are to the hall."""

    def enabled(self) -> Self:
        """Those the hall offers."""
        return self.filter(enabled=True)

    def of_origin(self, origin: Origin) -> Self:
        """Those whose words are of this origin. Reads every row: whether one was edited is not a column."""
        return self.filter(pk__in=[item.pk for item in self if item.origin is origin])


class ServiceItem(models.Model):
    """A service (事项) of the hall: how citizens call it, what they are told, what they are asked."""

    CONTENT_FIELDS: ClassVar = (
        "name",
        "aliases",
        "examples",
        "guidance",
        "materials",
        "required_slots",
        "family_questions",
        "department",
        "fee",
        "time_limit",
        "legal_basis",
    )
    """The words of an item: what the shipped catalogue gives and staff may edit.

    A migration that adds a field here has to compute `shipped_hash` anew for the items that were untouched before it.
    """

    code = models.SlugField(
        _("service code"),
        max_length=64,
        unique=True,
        help_text=_("Short, stable, in Latin letters; other systems know the item by it."),
    )
    name = models.CharField(
        _("service name"), max_length=64, unique=True, help_text=_("What the protocols call classify, e.g. 身份证.")
    )
    aliases = models.JSONField(
        _("aliases"),
        default=list,
        blank=True,
        encoder=ReadableJSONEncoder,
        validators=[LineListValidator(max_lines=100, max_length=64)],
        help_text=_("Other names, colloquial ones, frequent misspellings; one per line."),
    )
    examples = models.JSONField(
        _("example phrases"),
        default=list,
        blank=True,
        encoder=ReadableJSONEncoder,
        validators=[LineListValidator(max_lines=200, max_length=128)],
        help_text=_("What citizens say when they want this; one per line."),
    )
    guidance = models.TextField(
        _("guidance"), max_length=2000, help_text=_("What to do, in spoken Chinese: it is read aloud to the citizen.")
    )
    materials = models.JSONField(
        _("materials"),
        default=list,
        blank=True,
        encoder=ReadableJSONEncoder,
        validators=[LineListValidator(max_lines=50, max_length=256)],
        help_text=_("What to bring; one per line."),
    )
    required_slots = models.JSONField(
        _("required information"),
        default=list,
        blank=True,
        encoder=ReadableJSONEncoder,
        validators=[ChoiceListValidator(choices=tuple(BasicSlot.values))],
        help_text=_("Asked beyond name, gender, nationality, phone and ID number; choose only what the service really needs."),
    )
    family_questions = models.JSONField(
        _("family members asked about"),
        default=list,
        blank=True,
        encoder=ReadableJSONEncoder,
        validators=[ChoiceListValidator(choices=tuple(FamilyMember.values))],
    )
    department = models.CharField(_("department"), max_length=64)
    fee = models.CharField(_("fee"), max_length=256)
    time_limit = models.CharField(_("time limit"), max_length=256)
    legal_basis = models.CharField(_("legal basis"), max_length=512, blank=True, default="")
    enabled = models.BooleanField(_("enabled"), default=True, help_text=_("The hall offers it; untick instead of deleting."))
    order = models.PositiveIntegerField(_("display order"), default=0, db_index=True)
    shipped_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    """The content_hash() of the shipped words that were written here last; empty where staff wrote the item."""
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = ServiceItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("service item")
        verbose_name_plural = _("service items")
        ordering: ClassVar = ["order", "code"]
        permissions: ClassVar = [
            ("export_serviceitem", _("Can export service items")),
            ("import_serviceitem", _("Can import service items")),
        ]
        constraints: ClassVar = [
            *(
                models.CheckConstraint(condition=~Q(**{field: ""}), name=f"service_item_{field}_not_empty")
                for field in ("code", "name", "guidance", "department", "fee", "time_limit")
            ),
            *(
                models.CheckConstraint(condition=IsJsonArray(F(field)), name=f"service_item_{field}_is_list")
                for field in ("aliases", "examples", "materials", "required_slots", "family_questions")
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<ServiceItem {self.code}>"

    def content(self) -> dict[str, Any]:
        """The item's words, in one form only: choices in their declared order, line breaks as LF."""
        words = {field: getattr(self, field) for field in self.CONTENT_FIELDS}
        words["required_slots"] = [slot for slot in BasicSlot.values if slot in self.required_slots]
        words["family_questions"] = [member for member in FamilyMember.values if member in self.family_questions]
        words["guidance"] = self.guidance.replace("\r\n", "\n")
        return words

    def content_hash(self) -> str:
        """SHA-256 of content(), in hexadecimal."""
        text = json.dumps(self.content(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def origin(self) -> Origin:
        if not self.shipped_hash:
            return Origin.OWN
        return Origin.SHIPPED if self.content_hash() == self.shipped_hash else Origin.EDITED

    def get_additional_data(self) -> dict[str, str] | None:
        """What the audit log keeps beside the change: the API client or command that made it."""
        return audit_details()
