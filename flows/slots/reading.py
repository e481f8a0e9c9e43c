"""One utterance read: the asked slot, and whatever else is clearly said in passing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from flows.slots.base import LIKELY, Answer, Reading
from flows.slots.birth import find_birth, read_birth
from flows.slots.career import find_career, read_career
from flows.slots.education import find_education, read_education
from flows.slots.email import find_email, read_email
from flows.slots.gender import find_gender, read_gender
from flows.slots.id_card import find_id_card, read_id_card
from flows.slots.marital_status import find_marital_status, read_marital_status
from flows.slots.names import find_name, read_name
from flows.slots.nationality import find_nationality, read_nationality
from flows.slots.numbers import DIGIT, digit_runs
from flows.slots.phone import find_phone, read_phone
from flows.slots.places import find_place, is_house_number, read_place, revised_address
from flows.slots.political_status import find_political_status, read_political_status
from flows.slots.records import bare_fields
from flows.slots.refusals import declines, has_none
from flows.slots.relatives import is_not_there, others_blanked, spoken_by_relative
from flows.slots.religion import find_religion, read_religion
from flows.slots.text import Said, tidy
from flows.types import RELATIVE_SLOTS, Slot

_DECLINED_CONFIDENCE: Final = 0.9
_DECLINED_FIRST: Final = frozenset({Slot.NAME, Slot.CAREER})
"""Slots whose bare answers may be anything: 不知道 is looked for first."""
_NONE_IS_A_VALUE: Final = frozenset({Slot.CAREER, Slot.POLITICAL_STATUS, Slot.MARITAL_STATUS, Slot.RELIGION})
_THROUGH_OTHERS: Final = frozenset({Slot.PHONE, Slot.EMAIL, Slot.MARITAL_STATUS, Slot.ADDRESS, Slot.HUKOU})
"""Asked for, these may come through others: 留我儿子的电话, 我老公在外地, 住我妈家."""

_REVISION = re.compile(
    r"[，。、 ]*(?:(?:啊|哦|呃|额|哎呀?|噢|不|等等|等一下)[，。 ]*)?"
    r"(?:不对(?!劲|吗|外|号)|不是不是|(?:我|刚才?|前面)*(?:说|讲|搞|弄|打|输|写|记|念|报)错了?|错了|口误|"
    r"更正(?:一下)?|重新(?:说|来)(?:一遍|一次)?|"
    r"(?<=[哦啊呃噢])不是(?!的)|(?<=[，0-9〇零一二三四五六七八九])不是(?=[，。])|(?<=，)不(?=[，。])|不不+|准确(?:地|的)?说)"
    r"[，。、： ]*(?:应该|其实)?(?:是|写成)?"
)
_STUDYING = re.compile(r"在读|读|[上念]|生$")
_NUMBERS: Final = frozenset({Slot.PHONE, Slot.ID_CARD})
_FEW_DIGITS = re.compile(rf"(?:后面|尾号|最后)?(?:应该)?是?(?P<digits>[{DIGIT}]{{1,6}})(?:结尾|收尾)?")
_TAKES_AFTER = re.compile(r"我(?:是|就)?[随跟](?:着)?(?:她|他|我?[妈爸爹娘]|母|父)")
_LONG_RUN = re.compile(rf"[{DIGIT}]{{6}}")
_TAIL = re.compile(
    rf"(?:最后|末尾|尾号|后面|末)(?:[一二两三四五六1-6几]?[位个]数?字?)?(?:应该)?(?:是|为)(?P<digits>[{DIGIT}x叉 ]{{1,8}})$"
)
_NOT_BUT = re.compile(
    r"(?:^|(?<=[，。；、 我]))(?:不是|并不是|并非)(?P<denied>[^，。；、]{1,40}?)[，。；、 ]*(?:我?(?:而|应该|"
    r"其实)?(?<!不)是)(?P<meant>.+)$"
)

_Find = Callable[[Said, date], Reading | None]
_Read = Callable[[Said, date], Reading | None]

_FINDERS: Final[dict[Slot, _Find]] = {
    Slot.EMAIL: lambda said, _: find_email(said),
    Slot.ID_CARD: lambda said, today: find_id_card(said, today=today),
    Slot.PHONE: lambda said, _: find_phone(said),
    Slot.BIRTH: lambda said, today: find_birth(said, today=today),
    Slot.ADDRESS: lambda said, _: find_place(said, Slot.ADDRESS),
    Slot.HUKOU: lambda said, _: find_place(said, Slot.HUKOU),
    Slot.NATIVE_PLACE: lambda said, _: find_place(said, Slot.NATIVE_PLACE),
    Slot.NAME: lambda said, _: find_name(said),
    Slot.NATIONALITY: lambda said, _: find_nationality(said),
    Slot.GENDER: lambda said, _: find_gender(said),
    Slot.POLITICAL_STATUS: lambda said, _: find_political_status(said),
    Slot.MARITAL_STATUS: lambda said, _: find_marital_status(said),
    Slot.RELIGION: lambda said, _: find_religion(said),
    Slot.EDUCATION: lambda said, _: find_education(said),
    Slot.CAREER: lambda said, _: find_career(said),
}
"""In the order in which they take their part of the utterance, the surest forms first."""

_READERS: Final[dict[Slot, _Read]] = {
    Slot.NAME: lambda said, _: read_name(said),
    Slot.GENDER: lambda said, _: read_gender(said),
    Slot.NATIONALITY: lambda said, _: read_nationality(said),
    Slot.PHONE: lambda said, _: read_phone(said),
    Slot.ID_CARD: lambda said, today: read_id_card(said, today=today),
    Slot.NATIVE_PLACE: lambda said, _: read_place(said, Slot.NATIVE_PLACE),
    Slot.EMAIL: lambda said, _: read_email(said),
    Slot.CAREER: lambda said, _: read_career(said),
    Slot.ADDRESS: lambda said, _: read_place(said, Slot.ADDRESS),
    Slot.HUKOU: lambda said, _: read_place(said, Slot.HUKOU),
    Slot.POLITICAL_STATUS: lambda said, _: read_political_status(said),
    Slot.MARITAL_STATUS: lambda said, _: read_marital_status(said),
    Slot.RELIGION: lambda said, _: read_religion(said),
    Slot.EDUCATION: lambda said, _: read_education(said),
}


def read_answer(text: str, *, asked: Slot | None, today: date) -> Answer:
    """What an utterance says. Never raises; reads no more than text.MAX_CHARACTERS.

    Without `asked` only what is clearly called by its name counts. With it, a bare answer counts for that slot, and others
    are taken too where they are clearly said. What is said of other people (我老婆叫李四) is nobody's.
    """
    said = Said(tidy(text))
    if not said.text:
        return Answer()
    readings, rest = _find_others(others_blanked(said, free=asked is None), asked, today)
    if asked is None:
        return _answer(readings, declined=not readings and declines(said))
    if asked in _THROUGH_OTHERS:
        rest = _blanked(said, readings.values())
    reading = _read_asked(rest, asked, today)
    if reading is None and not declines(rest):
        reading = _second_look(said, asked, readings, today)
    if reading is not None and (reading.value is not None or (asked in _NUMBERS and _LONG_RUN.search(rest.folded))):
        return _answer({asked: reading, **readings}, declined=False)
    if declines(rest) or (asked not in _NONE_IS_A_VALUE and has_none(said, asked)):
        return _answer(readings, declined=True)
    return _answer(readings if reading is None else {asked: reading, **readings}, declined=False)


def _second_look(said: Said, asked: Slot, readings: Mapping[Slot, Reading], today: date) -> Reading | None:
    """What is said in a word that was taken for another slot, or through somebody else."""
    if asked is Slot.CAREER and Slot.EDUCATION in readings and _STUDYING.search(said.folded):
        return Reading("学生", None, LIKELY)
    if asked is Slot.NATIONALITY and _TAKES_AFTER.search(said.folded):
        return _read_asked(said, asked, today)
    if asked is Slot.GENDER and readings:
        return _read_asked(others_blanked(said, free=False), asked, today)
    return None


def _answer(readings: Mapping[Slot, Reading], *, declined: bool) -> Answer:
    values = {slot: reading.value for slot, reading in readings.items() if reading.value is not None}
    problems = {slot: reading.problem for slot, reading in readings.items() if reading.problem is not None}
    sure = min((reading.confidence for reading in readings.values()), default=0.0)
    return Answer(values, problems, declined, max(sure, _DECLINED_CONFIDENCE) if declined else sure)


def _find_others(said: Said, asked: Slot | None, today: date) -> tuple[dict[Slot, Reading], Said]:
    """What is called by its name, and the utterance without it. A later revision overrides."""
    readings = {slot: reading for slot, reading in bare_fields(said, asked, today=today).items() if slot is not asked}
    said = _blanked(said, readings.values())
    last: Slot | None = None
    for part in _revisions(said):
        rest = part
        if last is not None and (corrected := _corrected(part, last, today)):
            readings[last] = corrected
            rest = rest.without(*corrected.span)
        for slot, find in _FINDERS.items():
            reading = find(rest, today)
            if reading is None:
                continue
            rest = rest.without(*reading.span)
            if slot is not asked and (reading.value is not None or slot not in readings):
                readings[slot] = reading
        last = max(readings, key=lambda slot: readings[slot].end, default=None)
    return readings, _blanked(said, readings.values())


def _corrected(part: Said, slot: Slot, today: date) -> Reading | None:
    """电话13800138000，不对，是13900139000: the value after the correction, which is not called by its name again."""
    if slot not in _READERS or not part.clauses or _FINDERS[slot](part, today) is not None:
        return None
    first = part.clauses[0]
    reading = _READERS[slot](Said(first.text), today)
    return None if reading is None or reading.value is None else replace(reading, start=first.start, end=first.end)


def _blanked(said: Said, readings: Iterable[Reading]) -> Said:
    for reading in readings:
        said = said.without(*reading.span)
    return said


def _revisions(said: Said) -> list[Said]:
    """The parts between corrections (…，不对，…), each with gaps where the others stand, so that positions stay."""
    cuts = [0, *(edge for match in _REVISION.finditer(said.folded) for edge in match.span()), len(said.text)]
    spans = [(start, end) for start, end in zip(cuts[::2], cuts[1::2], strict=True) if said.text[start:end].strip("，。、 ")]
    return [Said("，" * start + said.text[start:end] + "，" * (len(said.text) - end)) for start, end in spans]


def _read_asked(said: Said, asked: Slot, today: date) -> Reading | None:
    """The answer to the question: the last revision that holds one; else the last that tries."""
    if asked in _DECLINED_FIRST and declines(said):
        return _FINDERS[asked](said, today)
    parts = [Said(part.text.strip("，。、； ")) for part in _revisions(said)]
    if asked is Slot.BIRTH:
        return read_birth([piece for part in parts for piece in _denied_and_meant(part)], today=today)
    if asked in _NUMBERS and len(parts) > 1 and (mended := _with_new_tail(parts)) is not None:
        parts.append(mended)
    if asked is Slot.ADDRESS and len(parts) > 1:
        return _revised_address(parts, today)
    tried: Reading | None = None
    for part in reversed(parts):
        for piece in (*_denied_and_meant(part)[1:], part):
            reading = _READERS[asked](piece, today)
            if reading is not None and reading.value is not None:
                return reading
            tried = tried or reading
    return tried


def _with_new_tail(parts: list[Said]) -> Said | None:
    """…679，说错了，最后是8: the number with other last digits."""
    tail = _TAIL.search(parts[-1].folded) or _FEW_DIGITS.fullmatch(parts[-1].folded)
    runs = [run for part in parts[:-1] for run in digit_runs(part.folded, with_x=True)]
    if tail is None or not runs:
        return None
    number = max(runs, key=lambda run: len(run.digits)).digits
    end = "".join(run.digits for run in digit_runs(tail["digits"], with_x=True))
    return Said(number[: -len(end)] + end) if 0 < len(end) < len(number) else None


def _revised_address(parts: list[Said], today: date) -> Reading | None:
    """Of …人民路3号，不对，5号 the whole address."""
    whole: Reading | None = None
    for part in parts:
        reading = _READERS[Slot.ADDRESS](part, today)
        if whole is not None and isinstance(whole.value, str):
            said_anew = reading.value if reading is not None else None
            if said_anew is None and is_house_number(part.text):
                said_anew = part.text
            if isinstance(said_anew, str):
                whole = replace(whole, value=revised_address(whole.value, said_anew))
        elif reading is not None:
            whole = reading
    return whole


def _denied_and_meant(said: Said) -> list[Said]:
    """不是张三，是章三 as 张三 and 章三; anything else as it is."""
    match = _NOT_BUT.search(said.folded)
    if match is None:
        return [said]
    return [Said(said.text[: match.end("denied")]), Said(said.text[match.start("meant") :])]


def relative_answer(text: str, *, asked: Slot, today: date) -> Answer:
    """The same for the name or the ID number of a family member: 我老婆叫李四; 还没上户口 declines."""
    said = spoken_by_relative(Said(tidy(text)))
    answer = read_answer(said.text, asked=asked, today=today)
    values = {slot: value for slot, value in answer.values.items() if slot in RELATIVE_SLOTS}
    problems = {slot: problem for slot, problem in answer.problems.items() if slot in RELATIVE_SLOTS}
    declined = asked not in values and (answer.declined or is_not_there(Said(tidy(text))))
    if declined:
        problems.pop(asked, None)
    return Answer(values, problems, declined, answer.confidence if values or not declined else _DECLINED_CONFIDENCE)
