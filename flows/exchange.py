"""Citizens as rows of a spreadsheet: every piece of information, and their relatives."""

from __future__ import annotations

from typing import Any, Final

from import_export.fields import Field
from import_export.formats.base_formats import CSV, XLSX
from import_export.resources import ModelResource

from faces.exchange import neutralise
from flows.disclosure import Disclosure
from flows.models import Citizen
from flows.types import RELATIVE_SLOTS, FamilyMember, Slot

FORMATS: Final = (CSV, XLSX)


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
    """One row a citizen, for an export; masked unless `disclosure` says otherwise. What can't be decrypted says so."""

    class Meta:
        model = Citizen
        fields = ("number",)

    def __init__(self, disclosure: Disclosure | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.disclosure = Disclosure(unmasked=False) if disclosure is None else disclosure
        self.fields |= {slot.value: _SlotField(slot) for slot in Slot}
        relatives = [_SlotField(slot, relation) for relation in FamilyMember for slot in RELATIVE_SLOTS]
        self.fields |= {field.column_name: field for field in relatives}

    def export_field(self, field: Field, instance: Citizen, **kwargs: Any) -> str:
        if isinstance(field, _SlotField):
            return neutralise(field.shown(instance, self.disclosure))
        if field.attribute == "number":
            return neutralise(self.disclosure.number(instance.number))
        return str(super().export_field(field, instance, **kwargs))
