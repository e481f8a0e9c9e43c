"""What staff decide about a visit's stored data: approve it, correct it, or send it back; and opening a decision again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case, Q, QuerySet, Value, When
from django.utils import timezone

from flows.corrections import Corrections, correct_record
from flows.disclosure import UNMASK
from flows.models import Citizen, DialogueSession
from flows.types import ReviewState, SessionState

REVIEW: Final = "flows.review_dialoguesession"
ASSIGN: Final = "flows.assign_dialoguesession"
STORED_STATES: Final = (SessionState.STORED, SessionState.SUMMARISED)
NOTE_LENGTH: Final = 500
"""Most characters of a note."""


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


def may_review(user: User) -> bool:
    """Whether this user takes decisions, for which they have to see the data as it is."""
    return user.is_active and user.has_perms((REVIEW, UNMASK))


def waiting() -> QuerySet[DialogueSession]:
    """Visits that wait for a decision, the longest waiting first."""
    return DialogueSession.objects.filter(review_state=ReviewState.PENDING, state__in=STORED_STATES).order_by("stored_at", "pk")


def is_waiting(visit: DialogueSession) -> bool:
    """Whether this visit waits for a decision."""
    return visit.review_state == ReviewState.PENDING and visit.state in STORED_STATES


def next_waiting(user: User, after: DialogueSession | None = None) -> int | None:
    """The number of the visit that `user` is to review next, another one than `after`; None where none waits.

    Those assigned to them come first, then those assigned to nobody, then those of others; of each, the longest waiting first.
    """
    visits = waiting() if after is None else waiting().exclude(pk=after.pk)
    whose = Case(When(assigned_to=user, then=Value(0)), When(assigned_to=None, then=Value(1)), default=Value(2))
    return visits.order_by(whose, "stored_at", "pk").values_list("pk", flat=True).first()


def reviewers() -> QuerySet[User]:
    """Staff who may review, by name: those to whom visits may be assigned. One query."""
    needed = (REVIEW, UNMASK)
    users = User.objects.filter(is_active=True, is_staff=True)
    for name in needed:
        app_label, _dot, codename = name.partition(".")
        permission = Permission.objects.filter(content_type__app_label=app_label, codename=codename)
        own = Q(user_permissions__in=permission) | Q(groups__permissions__in=permission) | Q(is_superuser=True)
        users = users.filter(pk__in=User.objects.filter(own).values("pk"))
    return users.order_by("username")


def may_assign(user: User) -> bool:
    """Whether this user may give visits to any reviewer."""
    return user.is_active and user.has_perm(ASSIGN)


def assign(visits: Iterable[DialogueSession], by: User, to: User | None) -> int:
    """Gives the visits that wait to a reviewer, or takes them from whoever had them; returns how many changed hands.

    Reviewers may take visits themselves. Raises PermissionDenied: `by` may not, or `to` may not review.
    """
    taking = to == by and may_review(by)
    if not (taking or may_assign(by)) or (to is not None and not may_review(to)):
        raise PermissionDenied
    changed = 0
    with transaction.atomic():
        ids = [visit.pk for visit in visits]
        for locked in waiting().select_for_update().defer("draft", "summary").filter(pk__in=ids).exclude(assigned_to=to):
            locked.assigned_to = to
            locked.save(update_fields=["assigned_to"])
            changed += 1
    return changed


def approve_all(visits: Iterable[DialogueSession], user: User) -> tuple[int, int]:
    """Approves each visit that can be; returns how many were, and how many could not be. Raises PermissionDenied."""
    approved = refused = 0
    for visit in visits:
        try:
            approve(visit, user)
        except (ReviewRefused, DialogueSession.DoesNotExist):
            refused += 1
        else:
            approved += 1
    return approved, refused


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
        changed = correct_record(citizen, corrections, timezone.localdate())
        if not changed:
            raise ReviewRefused(Refusal.NOTHING_CORRECTED)
        if "name" in changed and citizen.person is not None:
            # Who is greeted by it at the next visit has the same name as in the record.
            citizen.person.name = citizen.name
            citizen.person.save(update_fields=["name", "updated_at"])
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
