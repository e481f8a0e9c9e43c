"""Phone numbers: mobile numbers of the mainland, and fixed lines with their area code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from flows.slots.base import CERTAIN, GUESSED, LIKELY, Reading, WrongValue
from flows.slots.numbers import DigitRun, digit_runs, repair_digits
from flows.slots.text import Said

LENGTH: Final = 11
_MOBILE = re.compile(r"1[3-9]\d{9}")
_COUNTRY = re.compile(r"(?:00)?86(?=1\d{10}$)")
_FIXED = re.compile(r"(010|02\d)([2-8]\d{7})|(0[3-9]\d{2})([2-8]\d{6,7})")
_LOCAL_LENGTHS = (7, 8)
_SERVICE = re.compile(r"(?:400|800)\d{7}|[19]\d{2,4}")

_MARK = re.compile(
    r"(?:电话|手机|座机|联系方式|联系电话|固话)(?:的?号码?|号)?|手机号码?|(?<![a-z])(?:phone|tel|mobile|"
    r"cell)(?: ?number)?|打我"
)
_NEAR_MARK = re.compile(r"(?:[^\w]|[是为系就留我的呃嗯啊那个]|is){0,12}$")
_IN_ADDRESS = re.compile(r" ?(?:@|艾特|爱特|at)")
"""Digits before it are the front of an e-mail address."""
_PART_ONLY = re.compile(r"尾号|后四位|前三位|最后四位")
_OTHER_FIRST = re.compile(r"停机|作废|丢了|不是|不对|最后|改|换|应该")
_MOST_NOISE = 3
"""Fewer digits than this in a sentence are no attempt at a phone number."""


def check_phone(number: str) -> str:
    """13800138000, or 020-87654321 for a fixed line. Raises WrongValue."""
    digits = _COUNTRY.sub("", number.lstrip("+"))
    if _MOBILE.fullmatch(digits):
        return digits
    if fixed := _FIXED.fullmatch(digits):
        return f"{fixed[1] or fixed[3]}-{fixed[2] or fixed[4]}"
    raise WrongValue(_problem(digits))


def _problem(digits: str) -> str:
    if len(digits) in _LOCAL_LENGTHS and digits[:1] in set("2345678"):
        return "座机号码请带上区号，或者请您说11位的手机号"
    if _SERVICE.fullmatch(digits):
        return "这是服务号码，请您说自己的手机号，一共11位"
    if len(digits) != LENGTH:
        return f"手机号应该是11位，您说的是{len(digits)}位"
    return "手机号不对，应该是1开头、第二位是3到9的11位数字"


def find_phone(said: Said) -> Reading | None:
    """A number that is called a phone number."""
    for run in digit_runs(said.folded):
        if _IN_ADDRESS.match(said.folded, run.end):
            continue
        marks = list(_MARK.finditer(said.folded, 0, run.start))
        if marks and _NEAR_MARK.fullmatch(said.folded, marks[-1].end(), run.start) and len(run.digits) > _MOST_NOISE:
            valid = _valid(run)
            return Reading(valid, None, CERTAIN, run.start, run.end) if valid else _judged(run)
    return None


def read_phone(said: Said) -> Reading | None:
    """The answer to the question for the phone number."""
    for folded, confidence in ((said.folded, CERTAIN), (repair_digits(said.folded), GUESSED)):
        valid = [(number, run) for run in digit_runs(folded) if (number := _valid(run))]
        if valid:
            number, run = valid[-1] if _OTHER_FIRST.search(said.folded) else valid[0]
            return Reading(number, None, confidence, run.start, run.end)
    runs = digit_runs(said.folded)
    longest = max(runs, key=lambda run: len(run.digits), default=None)
    if longest is None or (len(longest.digits) < _MOST_NOISE and len(said.text) > len(longest.digits) + 1):
        return None
    if _PART_ONLY.search(said.folded) and len(longest.digits) <= max(_LOCAL_LENGTHS):
        return Reading(None, "请您把手机号从头说完整，一共11位", LIKELY, longest.start, longest.end)
    return _judged(longest)


def _valid(run: DigitRun) -> str | None:
    """The number in a run: the whole of it, else the first neighbouring groups that make one."""
    for digits in (run.digits, *_joined_groups(run.groups)):
        if LENGTH - 1 <= len(digits) <= LENGTH + 4:
            try:
                return check_phone(digits)
            except WrongValue:
                continue
    return None


def _joined_groups(groups: tuple[str, ...]) -> Iterator[str]:
    for first in range(len(groups)):
        joined = ""
        for group in groups[first:]:
            joined += group
            if len(joined) > LENGTH + 4:
                break
            yield joined


def _judged(run: DigitRun) -> Reading:
    try:
        return Reading(check_phone(run.digits), None, CERTAIN, run.start, run.end)
    except WrongValue as error:
        return Reading(None, error.reason, LIKELY, run.start, run.end)
