"""Summary (platform protocol, 总结呈现): the stored record as tables, with whatever staff have corrected since."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django.utils import timezone

from flows.dialogue import wording
from flows.dialogue.drafts import Values
from flows.dialogue.errors import FlowError, FlowErrorCode
from flows.dialogue.information import AGE, as_protocol, values_of
from flows.dialogue.questions import plan_of
from flows.dialogue.states import Step
from flows.dialogue.visits import find_visit
from flows.models import Citizen
from flows.selectors import note_citizen_opened
from flows.slots import cross_check
from flows.types import FamilyMember, SessionState, Slot

RELATION: Final = "relation"
_SELF: Final = "本人"


def summarise(user_id: str, token: str) -> dict[str, Any]:
    """The output: tables and their header, classify and flow as the handshake told them. Raises FlowError.

    `tables` has a row for the citizen and for each family member the service asks about; `header` lists the columns in order
    with their Chinese labels.
    """
    visit = find_visit(user_id, token, Step.SUMMARY, related=["service", "citizen"])
    session, today = visit.session, timezone.localdate()
    if session.citizen is None:
        raise FlowError(FlowErrorCode.WRONG_ORDER, "本次办理的信息已被删除，请重新握手")
    asked_about = [relation for relation in plan_of(session.service).relations if relation not in visit.draft.absent]
    output = {
        "header": header(),
        "tables": [_row(_SELF, values_of(session.citizen), today), *_relatives(session.citizen, asked_about, today)],
        "classify": session.classify,
        "flow": session.flow,
    }
    note_citizen_opened(session.citizen)
    if visit.state is SessionState.STORED:
        visit.save(SessionState.SUMMARISED, summarised_at=timezone.now())
    return output


def header() -> list[dict[str, str]]:
    """The columns of every row, in order."""
    labels = {RELATION: "关系"}
    for slot in Slot:
        labels[slot.value] = wording.label(slot)
        if slot is Slot.NAME:
            labels[AGE] = "年龄"
    return [{"key": key, "label": label} for key, label in labels.items()]


def _relatives(citizen: Citizen, relations: list[FamilyMember], today: date) -> list[dict[str, Any]]:
    if not relations:
        return []
    known = {relative.relation: values_of(relative) for relative in citizen.relatives.all()}
    rows = []
    for relation in relations:
        values = known.get(relation.value, {})
        # Date of birth, gender and native place follow from the ID number.
        rows.append(_row(wording.RELATION_NAMES[relation], cross_check(values, today=today).derived | values, today))
    return rows


def _row(relation: str, values: Values, today: date) -> dict[str, Any]:
    return {RELATION: relation, **as_protocol(values, today=today)}
