"""A citizen's record corrected by staff: every value checked as an answer of the citizen would be, and the record as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from flows.models import Citizen, Relative
from flows.slots import WrongValue, check_value, cross_check
from flows.types import RELATIVE_SLOTS, FamilyMember, Slot, SlotValue

Correction = SlotValue | None
"""None takes the value out of the record."""


class WrongCorrections(Exception):
    """Corrections that can't be right; nothing was changed. `problems`: "phone" or "spouse.id_card" to the reason, for staff."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(", ".join(sorted(problems)))
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True)
class Corrections:
    """New values, checked by `correct`: text, dates, bool, or None to take a value out. What is not named stays."""

    citizen: Mapping[Slot, Any] = field(default_factory=dict, repr=False)
    relatives: Mapping[FamilyMember, Mapping[Slot, Any]] = field(default_factory=dict, repr=False)


def correct_record(citizen: Citizen, corrections: Corrections, today: date) -> list[str]:
    """Writes what is different and returns which values changed: "phone", "spouse.name".

    The citizen's row is locked by the caller. A corrected ID number also fills what follows from it where the record has
    nothing. Raises WrongCorrections; the caller's transaction is to be rolled back then.
    """
    values, problems = _checked(corrections.citizen, "", today)
    relatives: dict[FamilyMember, dict[Slot, Correction]] = {}
    for relation, given in corrections.relatives.items():
        relatives[relation], wrong = _checked(given, f"{relation.value}.", today)
        problems |= wrong
    if problems:
        raise WrongCorrections(problems)
    changed = _correct_citizen(citizen, values, today)
    for relation, checked in relatives.items():
        changed += _correct_relative(citizen, relation, checked)
    return changed


def enter_record(number: str, corrections: Corrections, today: date) -> tuple[Citizen, list[str]]:
    """correct_record() of the citizen with this number, who is made where there is none; the citizen, and what changed.

    All or nothing. Raises WrongCorrections.
    """
    with transaction.atomic():
        citizen = Citizen.objects.select_for_update(of=("self",)).filter(number=number).first()
        if citizen is None:
            citizen = Citizen.objects.create(number=number)
        return citizen, correct_record(citizen, corrections, today)


def _checked(given: Mapping[Slot, Any], prefix: str, today: date) -> tuple[dict[Slot, Correction], dict[str, str]]:
    """The values that are right, and what is wrong with the others."""
    values: dict[Slot, Correction] = {}
    problems: dict[str, str] = {}
    for slot, value in given.items():
        if value is None or value == "":
            values[slot] = None
            continue
        try:
            values[slot] = check_value(slot, value, today=today)
        except WrongValue as error:
            problems[prefix + slot.value] = error.reason
    return values, problems


def _correct_citizen(citizen: Citizen, values: dict[Slot, Correction], today: date) -> list[str]:
    changes = {slot: value for slot, value in values.items() if _read(citizen, slot) != value}
    if not changes:
        return []
    changes |= _following(citizen, changes, today)
    for slot, value in changes.items():
        _write(citizen, slot, value)
    try:
        with transaction.atomic():
            citizen.save(update_fields=[*(slot.value for slot in changes), "updated_at"])
    except IntegrityError:
        raise WrongCorrections({Slot.ID_CARD.value: _("Another citizen has this ID number.")}) from None
    return [slot.value for slot in changes]


def _following(citizen: Citizen, changes: dict[Slot, Correction], today: date) -> dict[Slot, Correction]:
    """What follows from the changed record for slots that are empty and not corrected themselves. Raises WrongCorrections."""
    before = {slot: _read(citizen, slot) for slot in Slot}
    record = before | changes
    checked = cross_check(_given(record), today=today)
    # What contradicted the number before, the citizen has confirmed: it stays as long as nobody touches either.
    settled = {} if Slot.ID_CARD in changes else cross_check(_given(before), today=today).conflicts
    problems = {slot.value: reason for slot, reason in checked.conflicts.items() if slot in changes or slot not in settled}
    if problems:
        raise WrongCorrections(problems)
    return {slot: value for slot, value in checked.derived.items() if record[slot] is None and slot not in changes}


def _given(record: Mapping[Slot, Correction]) -> dict[Slot, SlotValue]:
    return {slot: value for slot, value in record.items() if value is not None}


def _correct_relative(citizen: Citizen, relation: FamilyMember, values: Mapping[Slot, Correction]) -> list[str]:
    """A relative of whom nothing is left is taken out of the record."""
    relative = citizen.relatives.filter(relation=relation).first() or Relative(citizen=citizen, relation=relation)
    changes = {slot: value for slot, value in values.items() if slot in RELATIVE_SLOTS and _read(relative, slot) != value}
    if not changes:
        return []
    for slot, value in changes.items():
        _write(relative, slot, value)
    if all(_read(relative, slot) is None for slot in RELATIVE_SLOTS):
        relative.delete()
    else:
        relative.save()
    # Whoever looks at the record now sees another one.
    citizen.save(update_fields=["updated_at"])
    return [f"{relation.value}.{slot.value}" for slot in changes]


def _read(row: Citizen | Relative, slot: Slot) -> Correction:
    value: SlotValue | None = getattr(row, slot.value)
    return None if value == "" else value


def _write(row: Citizen | Relative, slot: Slot, value: Correction) -> None:
    empty = None if slot in {Slot.BIRTH, Slot.MARITAL_STATUS} else ""
    setattr(row, slot.value, empty if value is None else value)
