"""Values from outside a conversation: checked, compared with the ID number, and written as the protocol or a voice says them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final

from flows.slots.base import CrossCheck, WrongValue
from flows.slots.birth import check_birth, parse_birth
from flows.slots.career import check_career
from flows.slots.education import check_education
from flows.slots.email import check_email
from flows.slots.gender import check_gender
from flows.slots.id_card import check_id_card, facts_of
from flows.slots.marital_status import check_marital_status
from flows.slots.names import check_name
from flows.slots.nationality import check_nationality
from flows.slots.phone import check_phone
from flows.slots.places import check_place
from flows.slots.political_status import check_political_status
from flows.slots.religion import check_religion
from flows.slots.text import MAX_CHARACTERS, tidy
from flows.types import Slot, SlotValue
from kiosk.runtime.masking import mask_id_card, mask_phone

_NUMBERS: Final = frozenset({Slot.PHONE, Slot.ID_CARD, Slot.BIRTH})
"""Slots that clients also send as a number, as the protocol's example does: birth 20250721."""
_MOST_DIGITS: Final = 18
_JOINTS: Final = str.maketrans("", "", " -‐—")

_CHECKS: Final[dict[Slot, Callable[[str, date], SlotValue]]] = {
    Slot.NAME: lambda text, _: check_name(text),
    Slot.GENDER: lambda text, _: check_gender(text),
    Slot.NATIONALITY: lambda text, _: check_nationality(text),
    Slot.PHONE: lambda text, _: check_phone(text.translate(_JOINTS)),
    Slot.ID_CARD: lambda text, today: check_id_card(text.translate(_JOINTS), today=today),
    Slot.NATIVE_PLACE: lambda text, _: check_place(Slot.NATIVE_PLACE, text),
    Slot.BIRTH: lambda text, today: parse_birth(text, today=today),
    Slot.EMAIL: lambda text, _: check_email(text),
    Slot.CAREER: lambda text, _: check_career(text),
    Slot.ADDRESS: lambda text, _: check_place(Slot.ADDRESS, text),
    Slot.HUKOU: lambda text, _: check_place(Slot.HUKOU, text),
    Slot.POLITICAL_STATUS: lambda text, _: check_political_status(text),
    Slot.MARITAL_STATUS: lambda text, _: check_marital_status(text),
    Slot.RELIGION: lambda text, _: check_religion(text),
    Slot.EDUCATION: lambda text, _: check_education(text),
}


def check_value(slot: Slot, value: object, *, today: date) -> SlotValue:
    """The value as it is stored, from whatever a client, a language model or staff sent. Raises WrongValue.

    Text everywhere; besides: whole numbers for birth (20250721), phone and id_card; a date for birth; a bool for
    marital_status. Text goes through the same parsers as speech, but must be the value alone.
    """
    if slot is Slot.MARITAL_STATUS and isinstance(value, bool):
        return value
    if slot is Slot.BIRTH and isinstance(value, date):
        return check_birth(value.date() if isinstance(value, datetime) else value, today=today)
    if slot in _NUMBERS and isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**_MOST_DIGITS:
        value = str(value)
    if not isinstance(value, str):
        raise WrongValue("这一项的格式不对")
    if len(value) > MAX_CHARACTERS:
        raise WrongValue("内容太长了")
    text = tidy(value)
    if not text:
        raise WrongValue("内容是空的")
    return _CHECKS[slot](text, today)


def cross_check(values: Mapping[Slot, SlotValue], *, today: date) -> CrossCheck:
    """What the ID number tells of birth, gender and native place. `values` are checked; without an ID number nothing follows.

    A native place of one's own is no conflict: the number tells where it was issued first.
    """
    number = values.get(Slot.ID_CARD)
    if not isinstance(number, str):
        return CrossCheck({}, {})
    try:
        facts = facts_of(check_id_card(number, today=today))
    except WrongValue as error:
        return CrossCheck({}, {Slot.ID_CARD: error.reason})
    told: dict[Slot, SlotValue] = {Slot.BIRTH: facts.birth, Slot.GENDER: facts.gender.value}
    conflicts = {slot: _conflict(slot, value) for slot, value in told.items() if values.get(slot) not in {None, "", value}}
    if facts.native_place is not None:
        told[Slot.NATIVE_PLACE] = facts.native_place
    return CrossCheck({slot: value for slot, value in told.items() if values.get(slot) in {None, ""}}, conflicts)


def _conflict(slot: Slot, told: SlotValue) -> str:
    if slot is Slot.BIRTH:
        return "您说的出生日期和身份证号里的不一样，请您再核对一下"
    return f"身份证号对应的性别是{told}，和您说的不一样，请您再核对一下"


def protocol_value(slot: Slot, value: SlotValue) -> str | bool:
    """As the protocol's database section writes it: birth 2025年8月13日, marital_status true, everything else text."""
    if isinstance(value, date):
        return f"{value.year}年{value.month}月{value.day}日"
    return value if slot is Slot.MARITAL_STATUS else str(value)


def age_on(birth: date, today: date) -> int:
    """Full years. Whoever was born on 29 February has their birthday on 1 March of other years, as the law counts."""
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def spoken(slot: Slot, value: SlotValue) -> str:
    """For reading back in a hall where others listen: of ID and phone numbers only the ends."""
    if slot is Slot.MARITAL_STATUS:
        return "已婚" if value else "未婚"
    if slot is Slot.NATIONALITY:
        return f"{value}族"
    text = str(protocol_value(slot, value))
    if slot is Slot.ID_CARD:
        return mask_id_card(text)
    return mask_phone(text) if slot is Slot.PHONE else text
