"""Which question comes next: the necessary information, what the service asks beyond it, its family members. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from flows.dialogue.drafts import Draft, Field
from flows.models import ServiceItem
from flows.types import NECESSARY_SLOTS, RELATIVE_SLOTS, BasicSlot, FamilyMember, Slot


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a service needs to know, in the order in which it is asked."""

    fields: tuple[Field, ...]

    @property
    def relations(self) -> tuple[FamilyMember, ...]:
        """The family members it asks about."""
        return tuple(dict.fromkeys(field.relation for field in self.fields if field.relation is not None))


def plan_of(service: ServiceItem | None) -> Plan:
    """What this service needs; of a service that is gone, the necessary information."""
    return plan_for(service.required_slots, service.family_questions) if service else plan_for((), ())


def plan_for(required: Collection[str], family: Collection[str]) -> Plan:
    """The same from the lists of a service item, whose own order does not count."""
    slots = [*NECESSARY_SLOTS, *(Slot(slot) for slot in BasicSlot.values if slot in required)]
    relatives = [Field(slot, member) for member in FamilyMember if member in family for slot in RELATIVE_SLOTS]
    return Plan((*map(Field, slots), *relatives))


def missing(plan: Plan, draft: Draft) -> list[Field]:
    """What is still to be asked: neither known, nor left open, nor of a relative who does not exist."""
    return [
        field
        for field in plan.fields
        if draft.value_of(field) is None and str(field) not in draft.left and field.relation not in draft.absent
    ]
