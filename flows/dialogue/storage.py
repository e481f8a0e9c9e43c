"""Storage (platform protocol, 录入): what a visit found out becomes the citizen's record. Idempotent, all or nothing."""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from faces.models import Person
from flows.dialogue.drafts import Draft, Values
from flows.dialogue.errors import FlowError, FlowErrorCode
from flows.dialogue.information import as_protocol, values_of
from flows.dialogue.questions import plan_of
from flows.dialogue.states import Step
from flows.dialogue.visits import Visit, find_visit
from flows.models import Citizen, Relative
from flows.types import FamilyMember, ReviewState, SessionState, Slot

RELATIVES: Final = "relatives"
"""The key of the output beyond the protocol's: one object for each family member the service asked about."""
_STORED: Final = frozenset({SessionState.STORED, SessionState.SUMMARISED})
_ATTEMPTS: Final = 3


def store(user_id: str, token: str) -> dict[str, Any]:
    """The output: every slot and the age by the protocol's keys, null where nothing is known.

    Called again it answers the same and changes nothing, also when two calls come at once. Raises FlowError: TAKEN where somebody
    else is stored with the same ID number; the visit then stays as it was, to be corrected.
    """
    for _attempt in range(_ATTEMPTS):
        visit = find_visit(user_id, token, Step.STORAGE, related=["service"])
        if visit.state in _STORED:
            return _stored_output(visit)
        try:
            return _store(visit)
        except FlowError as error:
            if error.code is not FlowErrorCode.CONCURRENT:
                raise
        except IntegrityError:
            # Another visit of this citizen, or somebody with this ID number, was stored since this one looked.
            continue
    raise FlowError(FlowErrorCode.CONCURRENT, "信息正在录入，请稍后再试")


def _stored_output(visit: Visit) -> dict[str, Any]:
    output: dict[str, Any] = visit.session.summary
    return output


def _store(visit: Visit) -> dict[str, Any]:
    draft, session = visit.draft, visit.session
    now, today = timezone.now(), timezone.localdate()
    with transaction.atomic():
        citizen = Citizen.objects.select_for_update().filter(number=session.user_id).first() or Citizen(number=session.user_id)
        _refuse_taken_number(citizen, draft.given)
        _write_citizen(citizen, draft.given)
        _write_relatives(citizen, draft)
        output = as_protocol(values_of(citizen), today=today)
        asked_about = plan_of(session.service).relations
        if asked_about:
            output[RELATIVES] = _relatives(citizen, asked_about)
        # The draft stays: whoever reviews the visit compares what was said with what stands in the record.
        visit.save(SessionState.STORED, citizen=citizen, summary=output, stored_at=now, review_state=ReviewState.PENDING)
    return output


def _refuse_taken_number(citizen: Citizen, given: Values) -> None:
    number = given.get(Slot.ID_CARD)
    if isinstance(number, str) and Citizen.objects.with_id_card(number).exclude(number=citizen.number).exists():
        raise FlowError(FlowErrorCode.TAKEN, "身份证号与已有的登记冲突，请核对身份证号，或到人工窗口办理")


def _write_citizen(citizen: Citizen, given: Values) -> None:
    for slot, value in given.items():
        setattr(citizen, slot.value, value)
    if citizen.person_id is None:
        citizen.person = Person.objects.filter(number=citizen.number, citizen__isnull=True).first()
    citizen.save()


def _write_relatives(citizen: Citizen, draft: Draft) -> None:
    if not draft.relatives:
        return
    known = {relative.relation: relative for relative in citizen.relatives.all()}
    for relation, values in draft.relatives.items():
        relative = known.get(relation.value) or Relative(citizen=citizen, relation=relation)
        for slot, value in values.items():
            setattr(relative, slot.value, value)
        relative.save()


def _relatives(citizen: Citizen, relations: tuple[FamilyMember, ...]) -> list[dict[str, Any]]:
    rows = citizen.relatives.filter(relation__in=relations)
    return [{"relation": row.relation, "name": row.name or None, "id_card": row.id_card or None} for row in rows]
