"""The information of the protocol (必要信息 and 基本信息) between the database, the client and the conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from flows.dialogue.drafts import Draft, Values
from flows.models import Citizen, Relative
from flows.slots import WrongValue, age_on, check_value, protocol_value
from flows.types import Slot, SlotValue
from kiosk.runtime.masking import mask_address, mask_all, mask_email, mask_id_card, mask_phone

AGE: Final = "age"
"""The protocol's key beside the slots: computed, never stored."""

_MASKS: Final[dict[Slot, Callable[[str], str]]] = {
    Slot.PHONE: mask_phone,
    Slot.ID_CARD: mask_id_card,
    Slot.EMAIL: mask_email,
    Slot.ADDRESS: mask_address,
    Slot.HUKOU: mask_address,
    Slot.POLITICAL_STATUS: mask_all,
    Slot.RELIGION: mask_all,
}
"""What a handshake does not tell whoever knows a user_id: all that is encrypted at rest."""

_MASKED = "*"


@dataclass(frozen=True, slots=True)
class SentInformation:
    """What a client's `info` held."""

    values: Values = field(default_factory=dict, repr=False)
    """Checked. What the database knows otherwise is not in it."""
    warnings: tuple[dict[str, str], ...] = ()
    """{"field", "reason"} of values that were left out."""


def values_of(row: Citizen | Relative) -> Values:
    """What a row knows, by slots."""
    found: dict[Slot, SlotValue | None] = {slot: getattr(row, slot.value, None) for slot in Slot}
    return {slot: value for slot, value in found.items() if value is not None and value != ""}


def read_information(info: Mapping[str, Any], known: Values, *, today: date) -> SentInformation:
    """Reads a client's `info` beside what the database knows, which wins.

    Keys that are no slot are ignored, age among them; so is null, and a masked value that a client sends back. A wrong value is
    left out, with a warning that never repeats it.
    """
    values: Values = {}
    warnings: list[dict[str, str]] = []
    for slot in Slot:
        sent = info.get(slot.value)
        if sent is None or sent == "" or (isinstance(sent, str) and _MASKED in sent):
            continue
        try:
            value = check_value(slot, sent, today=today)
        except WrongValue as error:
            warnings.append({"field": slot.value, "reason": str(error)})
            continue
        if known.get(slot, value) != value:
            warnings.append({"field": slot.value, "reason": "与已登记的信息不一致，以登记的为准"})
        else:
            values[slot] = value
    return SentInformation(values, tuple(warnings))


def as_protocol(values: Values, *, today: date) -> dict[str, Any]:
    """Every slot and the age by the protocol's keys, null where nothing is known."""
    whole: dict[str, Any] = {}
    for slot in Slot:
        value = values.get(slot)
        whole[slot.value] = None if value is None else protocol_value(slot, value)
        if slot is Slot.NAME:
            whole[AGE] = None
    birth = values.get(Slot.BIRTH)
    if isinstance(birth, date):
        whole[AGE] = age_on(birth, today)
    return whole


def for_client(draft: Draft, *, today: date) -> tuple[dict[str, Any], list[str]]:
    """`info` of a handshake's answer and the keys that are masked in it.

    Masked is what the database knew and this visit has not heard: who knows a user_id need not be told where somebody lives.
    """
    info = as_protocol(draft.values, today=today)
    hidden = [slot for slot in _MASKS if slot in draft.known and slot not in draft.given]
    for slot in hidden:
        info[slot.value] = _MASKS[slot](str(draft.known[slot]))
    return info, [slot.value for slot in hidden]
