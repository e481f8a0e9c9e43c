"""What staff decide about a visit's stored data: approve it, correct it, or send it back; and opening a decision again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from flows.disclosure import UNMASK
from flows.models import Citizen, DialogueSession, Relative
from flows.slots import WrongValue, check_value, cross_check
from flows.types import RELATIVE_SLOTS, FamilyMember, ReviewState, SessionState, Slot, SlotValue

REVIEW: Final = "flows.review_dialoguesession"
STORED_STATES: Final = (SessionState.STORED, SessionState.SUMMARISED)
NOTE_LENGTH: Final = 500
"""Most characters of a note."""

Correction = SlotValue | None
"""None takes the value out of the record."""


class Refusal(StrEnum):
    """Why a decision is not taken."""

    NOT_STORED = "not_stored"
    REVIEWED = "reviewed"
    """Somebody decided already; the visit has to be opened again first."""
    NOT_REVIEWED = "not_reviewed"
    CHANGED = "changed"
    """The record is not what the reviewer looked at."""
    NO_CITIZEN = "no_citizen"
    NO_REASON = "no_reason"
    NOTE_TOO_LONG = "note_too_long"
    NOTHING_CORRECTED = "nothing_corrected"


class ReviewRefused(Exception):
    """The decision is out of order; nothing was changed."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


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


def may_review(user: User) -> bool:
    """Whether this user takes decisions, for which they have to see the data as it is."""
    return user.is_active and user.has_perms((REVIEW, UNMASK))


def waiting() -> QuerySet[DialogueSession]:
    """Visits that wait for a decision, the longest waiting first."""
    return DialogueSession.objects.filter(review_state=ReviewState.PENDING, state__in=STORED_STATES).order_by("stored_at", "pk")


def is_waiting(visit: DialogueSession) -> bool:
    """Whether this visit waits for a decision."""
    return visit.review_state == ReviewState.PENDING and visit.state in STORED_STATES


def next_waiting(after: DialogueSession | None = None) -> int | None:
    """The number of the visit that waits longest, another one than `after`; None where none waits."""
    visits = waiting() if after is None else waiting().exclude(pk=after.pk)
    return visits.values_list("pk", flat=True).first()


def approve(visit: DialogueSession, user: User, *, seen: datetime | None = None) -> None:
    """The stored data is right as it is. Raises ReviewRefused; PermissionDenied."""
    with _under_review(visit, user, seen) as (locked, _citizen):
        _decide(locked, user, ReviewState.APPROVED, "")


def send_back(visit: DialogueSession, user: User, reason: str, *, seen: datetime | None = None) -> None:
    """The citizen has to come again; the reason says why. The record stays as it is. Raises ReviewRefused; PermissionDenied."""
    with _under_review(visit, user, seen) as (locked, _citizen):
        if not reason.strip():
            raise ReviewRefused(Refusal.NO_REASON)
        _decide(locked, user, ReviewState.RETURNED, reason)


def correct(
    visit: DialogueSession, user: User, corrections: Corrections, note: str = "", *, seen: datetime | None = None
) -> list[str]:
    """Writes corrected values to the citizen's record and returns which changed: "phone", "spouse.name".

    Every value is checked as an answer of the citizen would be, and the record as a whole. A corrected ID number also fills what
    follows from it where the record has nothing. Raises WrongCorrections, ReviewRefused, PermissionDenied.
    """
    with _under_review(visit, user, seen) as (locked, citizen):
        today = timezone.localdate()
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
        if not changed:
            raise ReviewRefused(Refusal.NOTHING_CORRECTED)
        _decide(locked, user, ReviewState.CORRECTED, note)
    return changed


def reopen(visit: DialogueSession, user: User) -> None:
    """Puts a decided visit back among those that wait; its note stays to be read. Raises ReviewRefused; PermissionDenied."""
    if not may_review(user):
        raise PermissionDenied
    with transaction.atomic():
        locked = _locked(visit)
        if locked.review_state in {ReviewState.NONE, ReviewState.PENDING}:
            raise ReviewRefused(Refusal.NOT_REVIEWED)
        locked.review_state = ReviewState.PENDING
        locked.reviewed_by = locked.reviewed_at = None
        locked.save(update_fields=["review_state", "reviewed_by", "reviewed_at"])


@contextmanager
def _under_review(visit: DialogueSession, user: User, seen: datetime | None) -> Iterator[tuple[DialogueSession, Citizen]]:
    """One transaction, in which visit and citizen are locked and may be decided on.

    `seen`: when the record that was shown was saved.
    """
    if not may_review(user):
        raise PermissionDenied
    with transaction.atomic():
        # The citizen before the visit, as storage and erasure do: in another order two of them could wait for each other.
        citizen = Citizen.objects.select_for_update(of=("self",)).filter(sessions=visit).first()
        locked = _locked(visit)
        if locked.state not in STORED_STATES:
            raise ReviewRefused(Refusal.NOT_STORED)
        if locked.review_state != ReviewState.PENDING:
            raise ReviewRefused(Refusal.REVIEWED)
        if citizen is None or citizen.pk != locked.citizen_id:
            raise ReviewRefused(Refusal.NO_CITIZEN)
        if seen is not None and citizen.updated_at != seen:
            raise ReviewRefused(Refusal.CHANGED)
        yield locked, citizen


def _locked(visit: DialogueSession) -> DialogueSession:
    """Without what was said, which a decision does not need; DialogueSession.DoesNotExist where it was deleted meanwhile."""
    return DialogueSession.objects.select_for_update().defer("draft", "summary").get(pk=visit.pk)


def _decide(visit: DialogueSession, user: User, decision: ReviewState, note: str) -> None:
    if len(note.strip()) > NOTE_LENGTH:
        raise ReviewRefused(Refusal.NOTE_TOO_LONG)
    visit.review_state = decision
    visit.reviewed_by = user
    visit.reviewed_at = timezone.now()
    visit.review_note = note.strip()
    # Not updated_at: it says when the citizen was there last.
    visit.save(update_fields=["review_state", "reviewed_by", "reviewed_at", "review_note"])


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
