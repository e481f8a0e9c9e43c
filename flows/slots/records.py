"""Values that stand alone beside each other, without their names: 张伟 男 汉 440103199003072817 13800138000."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from flows.slots.base import LIKELY, Reading, WrongValue
from flows.slots.birth import check_birth
from flows.slots.gender import find_gender
from flows.slots.id_card import LENGTH, check_id_card
from flows.slots.names import read_name
from flows.slots.nationality import NATIONALITIES
from flows.slots.numbers import DIGIT, digit_runs
from flows.slots.phone import check_phone
from flows.slots.text import Said
from flows.types import Slot, SlotValue

_TOKEN = re.compile(r"[^ ，。、；;,!！/|]+")
_NUMBER = re.compile(rf"[{DIGIT}x\\-]{{11,20}}")
_LONGEST_NAME = 4
_SURE: Final = 2
"""So many values of known forms make a record, in which a name may stand without 我叫."""
_MOBILE = re.compile(r"1[3-9]\d{9}")
_CALLED_A_NUMBER = re.compile(r"电话|手机|号码|不对|错了")
_DATE = re.compile(r"((?:19|20)\d{2})[\-./年](\d{1,2})[\-./月](\d{1,2})日?")
_ASKED_FOR_NUMBERS: Final = frozenset({Slot.PHONE, Slot.ID_CARD, Slot.EMAIL})


def bare_fields(said: Said, asked: Slot | None, *, today: date) -> dict[Slot, Reading]:
    """The values of a record; of anything else only a mobile number that is a clause of its own."""
    tokens = [(match[0], match.start()) for match in _TOKEN.finditer(said.folded)]
    found: dict[Slot, Reading] = {}
    others = []
    for word, start in tokens:
        named = _field(word, today=today)
        if named is None:
            others.append((word, start))
        elif named[0] not in found:
            found[named[0]] = Reading(named[1], None, LIKELY, start, start + len(word))
    beside_name = len(found) == len(tokens) - 1 and others[:1] == tokens[:1] and not _ASKED_FOR_NUMBERS & {asked}
    if len(found) < _SURE and not (found and beside_name and _may_stand_alone(said, others[0])):
        alone = len(tokens) > 1 and asked not in _ASKED_FOR_NUMBERS and _CALLED_A_NUMBER.search(said.folded) is None
        return {slot: found[slot] for slot in found if slot is Slot.PHONE} if alone else {}
    if others and others[0] == tokens[0]:
        word, start = others[0]
        name = read_name(Said(said.text[start : start + len(word)]))
        if name is not None and name.value is not None and name.value == said.text[start : start + len(word)]:
            found[Slot.NAME] = Reading(name.value, None, LIKELY, start, start + len(word))
    return found


def _may_stand_alone(said: Said, token: tuple[str, int]) -> bool:
    """毛晓彤 of 毛晓彤，13098765432."""
    word, start = token
    name = read_name(Said(said.text[start : start + len(word)]))
    return len(word) <= _LONGEST_NAME and name is not None and name.value == said.text[start : start + len(word)]


def _field(word: str, *, today: date) -> tuple[Slot, SlotValue] | None:
    if word in {"男", "女", "男的", "女的", "男性", "女性"}:
        gender = find_gender(Said(word))
        return None if gender is None or gender.value is None else (Slot.GENDER, str(gender.value))
    if word in NATIONALITIES or (word.endswith("族") and word[:-1] in NATIONALITIES):
        return Slot.NATIONALITY, word.removesuffix("族")
    if written := _DATE.fullmatch(word):
        try:
            return Slot.BIRTH, check_birth(date(*map(int, written.groups())), today=today)
        except ValueError:
            return None
    return _number(word, today=today) if _NUMBER.fullmatch(word) else None


def _number(word: str, *, today: date) -> tuple[Slot, str] | None:
    digits = "".join(run.digits for run in digit_runs(word, with_x=True))
    try:
        if len(digits) == LENGTH:
            return Slot.ID_CARD, check_id_card(digits, today=today)
        return (Slot.PHONE, check_phone(digits)) if _MOBILE.fullmatch(digits) else None
    except WrongValue:
        return None
