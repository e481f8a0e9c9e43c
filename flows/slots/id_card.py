"""ID numbers (GB 11643): length, region, date of birth and check digit; what they tell; how they are said."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from flows.slots.base import CERTAIN, GUESSED, Reading, WrongValue
from flows.slots.numbers import DigitRun, digit_runs, repair_digits
from flows.slots.refusals import asks_back
from flows.slots.regions import region_of
from flows.slots.text import Said
from flows.types import Gender

LENGTH: Final = 18
OLD_LENGTH: Final = 15
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_OLDEST_YEARS = 130
_FOREIGNER = "9"
"""First digit on permanent residence cards of foreigners since 2023; province and country follow instead of a region."""
_MOBILE_LENGTH = 11
_MOST_NOISE = 4
"""Fewer digits than this in a sentence are no attempt at an ID number."""

_MARK = re.compile(
    r"(?:公民)?身份证?(?:的?(?:件|号码?|编号|号数))*|身份号码|居住证号码?|"
    r"(?<![a-z])id(?![a-z])(?: ?card)?(?: ?(?:number|no\.?))?|证件号码?|居留证号?"
)
_NEAR_MARK = re.compile(r"(?:[^\w]|[是为系就呃嗯啊那个我的]|is){0,12}$")
_AROUND = re.compile(r"[a-z](?=[0-9]{6,})")


@dataclass(frozen=True, slots=True)
class IdFacts:
    """What a valid number says of its bearer."""

    birth: date = field(repr=False)
    gender: Gender = field(repr=False)
    native_place: str | None = field(repr=False)
    """None on foreigners' cards."""


def check_digit(body: str) -> str:
    """The 18th character to 17 digits (ISO 7064, MOD 11-2)."""
    return _CHECK_DIGITS[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]


def check_id_card(number: str, *, today: date) -> str:
    """The 18 characters of a number that can exist; an old one of 15 digits is lengthened. Raises WrongValue."""
    number = number.upper()
    if len(number) == OLD_LENGTH and number.isdecimal():
        number = _lengthened(number)
        old = True
    elif len(number) == LENGTH:
        old = False
    else:
        raise WrongValue(_length_problem(number))
    if not (number[:17].isdecimal() and number.isascii() and (number[17].isdecimal() or number[17] == "X")):
        raise WrongValue("身份证号只有最后一位可以是字母X，其他都是数字")
    birth = _birth(number)
    if birth is None or birth > today or today.year - birth.year > _OLDEST_YEARS:
        raise WrongValue("身份证号中间的出生日期不对，请您再核对一下")
    if not _region_is_known(number, birth):
        raise WrongValue("身份证号开头的地区码不对，请您再核对一下")
    if not old and check_digit(number[:17]) != number[17]:
        raise WrongValue("身份证号的校验码对不上，可能有一位说错了，请您再核对一下")
    return number


def _lengthened(number: str) -> str:
    body = f"{number[:6]}19{number[6:]}"
    return body + check_digit(body)


def _length_problem(number: str) -> str:
    if len(number) == _MOBILE_LENGTH and number.startswith("1"):
        return "身份证号应该是18位，您说的是11位，好像是手机号"
    return f"身份证号应该是18位，您说的是{len(number)}位"


def _birth(number: str) -> date | None:
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def _region_is_known(number: str, birth: date) -> bool:
    if number[0] == _FOREIGNER:
        return region_of(number[1:3] + "0100", birth.year) is not None
    return region_of(number[:6], birth.year) is not None


def facts_of(number: str) -> IdFacts:
    """What a number checked by check_id_card() says."""
    birth = _birth(number)
    assert birth is not None
    gender = Gender.MALE if int(number[16]) % 2 else Gender.FEMALE
    region = None if number[0] == _FOREIGNER else region_of(number[:6], birth.year)
    return IdFacts(birth, gender, None if region is None else str(region))


def find_id_card(said: Said, *, today: date) -> Reading | None:
    """A number that is called an ID number, or whose checksum leaves no doubt."""
    runs = digit_runs(said.folded, with_x=True)
    for run in runs:
        valid = _valid(run, today=today)
        if valid is not None and len(run.digits) == LENGTH:
            return Reading(valid, None, CERTAIN, run.start, run.end)
    for run in runs:
        if _is_marked(said.folded, run):
            return _judged(run, run.start, today=today)
    return None


def read_id_card(said: Said, *, today: date) -> Reading | None:
    """The answer to the question for the ID number: the last valid one of several, else what is wrong with the longest."""
    for folded, confidence in ((said.folded, CERTAIN), (repair_digits(said.folded), GUESSED)):
        runs = digit_runs(folded, with_x=True)
        for run in reversed(runs):
            valid = _valid(run, today=today)
            if valid is not None:
                return Reading(valid, None, confidence, run.start, run.end)
    runs = [run for run in digit_runs(said.folded, with_x=True) if any(char.isdecimal() for char in run.digits)]
    longest = max(runs, key=lambda run: len(run.digits), default=None)
    if longest is None or (len(longest.digits) < _MOST_NOISE and asks_back(said.folded)):
        return None
    called = _MARK.search(said.folded, 0, longest.start) is not None
    if len(longest.digits) < _MOST_NOISE and not called and len(said.text) > 2 * _MOST_NOISE:
        return None
    return _judged(longest, longest.start, today=today)


def _is_marked(folded: str, run: DigitRun) -> bool:
    marks = list(_MARK.finditer(folded, 0, run.start))
    return bool(marks) and len(run.digits) > _MOST_NOISE and _NEAR_MARK.fullmatch(folded, marks[-1].end(), run.start) is not None


def _candidates(run: DigitRun) -> list[str]:
    """The whole run, then neighbouring groups that together have the length of an ID number."""
    found = [run.digits]
    for first in range(len(run.groups)):
        joined = ""
        for group in run.groups[first:]:
            joined += group
            if len(joined) in {LENGTH, OLD_LENGTH} and joined != run.digits:
                found.append(joined)
            if len(joined) >= LENGTH:
                break
    return found


def _valid(run: DigitRun, *, today: date) -> str | None:
    for candidate in sorted(_candidates(run), key=len, reverse=True):
        if len(candidate) in {LENGTH, OLD_LENGTH}:
            try:
                return check_id_card(candidate, today=today)
            except WrongValue:
                continue
    return None


def _judged(run: DigitRun, start: int, *, today: date) -> Reading:
    try:
        return Reading(check_id_card(run.digits, today=today), None, CERTAIN, start, run.end)
    except WrongValue as error:
        return Reading(None, error.reason, CERTAIN, start, run.end)
