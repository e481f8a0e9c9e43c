"""Citizens as rows of a spreadsheet, out and in: every piece of information, and their relatives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from import_export.fields import Field
from import_export.resources import ModelResource

from faces.exchange import PlainText, neutralise, raise_all
from flows.corrections import Corrections, WrongCorrections, enter_record
from flows.disclosure import Disclosure
from flows.models import Citizen
from flows.types import RELATIVE_SLOTS, FamilyMember, Slot


class _SlotField(Field):  # type: ignore[misc]
    """One slot of a citizen, or of the relative of one relation, as the resource's disclosure shows it."""

    def __init__(self, slot: Slot, relation: FamilyMember | None = None) -> None:
        name = slot.value if relation is None else f"{relation.value}_{slot.value}"
        super().__init__(column_name=name, readonly=True)
        self.slot, self.relation = slot, relation

    def shown(self, citizen: Citizen, disclosure: Disclosure) -> str:
        if self.relation is None:
            return disclosure.of(citizen, self.slot)
        for relative in citizen.relatives.all():
            if relative.relation == self.relation:
                return disclosure.of(relative, self.slot)
        return ""


class CitizenResource(ModelResource):  # type: ignore[misc]
    """One row a citizen. An export is masked unless `disclosure` says otherwise; what can't be decrypted says so.

    In an import a known number changes that citizen, an unknown one adds one, and an empty cell changes nothing. Every value is
    checked as a correction by staff is (flows.corrections).
    """

    number = Field(attribute="number", column_name="number", widget=PlainText())

    class Meta:
        model = Citizen
        fields = ("number",)
        import_id_fields = ("number",)
        use_transactions = True
        skip_diff = True

    def __init__(self, disclosure: Disclosure | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.disclosure = Disclosure(unmasked=False) if disclosure is None else disclosure
        self._brought = Corrections()
        """Of the row that is being read."""
        self.fields |= {slot.value: _SlotField(slot) for slot in Slot}
        relatives = [_SlotField(slot, relation) for relation in FamilyMember for slot in RELATIVE_SLOTS]
        self.fields |= {field.column_name: field for field in relatives}

    def export_field(self, field: Field, instance: Citizen, **kwargs: Any) -> str:
        if isinstance(field, _SlotField):
            return neutralise(field.shown(instance, self.disclosure))
        if field.attribute == "number":
            return neutralise(self.disclosure.number(instance.number))
        return str(super().export_field(field, instance, **kwargs))

    def import_instance(self, instance: Citizen, row: Mapping[str, Any], **kwargs: Any) -> None:
        """Raises ValidationError for a value that can't be read; what makes sense is checked when it is saved."""
        super().import_instance(instance, row, **kwargs)
        slots = (field for field in self.fields.values() if isinstance(field, _SlotField))
        given: dict[Slot, Any] = {}
        relatives: dict[FamilyMember, dict[Slot, Any]] = {}
        problems: dict[str, list[str]] = {}
        for field in slots:
            try:
                value = _cell(row.get(field.column_name))
            except ValueError as error:
                problems[field.column_name] = [str(error)]
                continue
            if value is not None:
                (given if field.relation is None else relatives.setdefault(field.relation, {}))[field.slot] = value
        if problems:
            raise ValidationError(problems)
        self._brought = Corrections(given, relatives)

    def validate_instance(
        self,
        instance: Citizen,
        import_validation_errors: dict[str, list[ValidationError]] | None = None,
        validate_unique: bool = True,  # noqa: ARG002 - a row whose number is known is that citizen
    ) -> None:
        """The number by the model's own rules."""
        raise_all(
            import_validation_errors,
            lambda unread: instance.clean_fields(exclude={*Slot.values, "person", "id_card_index", *unread}),
        )

    def save_instance(self, instance: Citizen, is_create: bool, row: Any, **kwargs: Any) -> None:  # noqa: ARG002 - its signature
        """Raises ValidationError, by column, for values that can't be right."""
        try:
            saved, _changed = enter_record(instance.number, self._brought, timezone.localdate())
        except WrongCorrections as error:
            raise ValidationError({name.replace(".", "_"): [reason] for name, reason in error.problems.items()}) from None
        instance.pk = saved.pk


def _cell(value: Any) -> Any:
    """A cell as corrections take it; None where it is empty. Raises ValueError for what was masked."""
    return value if isinstance(value, bool | date) else PlainText().clean(value)
