"""Dates of birth: 1990年5月6日, 九零年五月六号, 1990.5.6, 19900506; and why 属马, 九零后 and 腊月初八 are not enough."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from flows.slots.base import CERTAIN, GUESSED, LIKELY, Reading, WrongValue
from flows.slots.numbers import DIGIT, DIGITS, NUMERAL, digit_runs, to_int
from flows.slots.refusals import asks_back
from flows.slots.text import Said

_OLDEST_YEARS = 130
_N = rf"[{NUMERAL}]"
_YEAR = re.compile(rf"(?P<republic>民国)?(?P<year>{_N}{{1,8}}) ?年")
_MONTH = re.compile(rf"(?<![{NUMERAL}])(?P<month>{_N}{{1,3}}) ?月(?!份?出生率)")
_DAY = re.compile(rf"月份?[ ，,、的]{{0,3}}(?P<day>{_N}{{1,3}}) ?(?:日|号|好|耗|浩|豪|天)?(?!{_N}|[年月岁])")
_SEPARATOR = r" ?[.\-/。，,、 ·点年月]{1,2} ?"
_NUMERIC = re.compile(
    rf"(?<!{_N})(?P<year>{_N}{{2,4}}){_SEPARATOR}(?P<month>{_N}{{1,2}}){_SEPARATOR}(?P<day>{_N}{{1,3}})(?!{_N})"
)
_ENGLISH_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ENGLISH_MONTH = re.compile(rf"(?<![a-z])({'|'.join(_ENGLISH_MONTHS)})[a-z]{{0,6}}\.? ?月?")
_ENGLISH_DATE = re.compile(
    rf"(?<![a-z])(?:(?P<month>{'|'.join(_ENGLISH_MONTHS)})[a-z]{{0,6}}\.? *(?P<day>\d{{1,2}})(?:st|nd|rd|th)?|"
    rf"(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? *(?P<month2>{'|'.join(_ENGLISH_MONTHS)})[a-z]{{0,6}}\.?)[, ，]*(?P<year>(?:19|"
    rf"20)\d{{2}})"
)
_FESTIVALS: Final = {
    "元旦": "1月1日",
    "三八妇女节": "3月8日",
    "妇女节": "3月8日",
    "五四青年节": "5月4日",
    "青年节": "5月4日",
    "建党节": "7月1日",
    "教师节": "9月10日",
    "国庆": "10月1日",
    "五一劳动": "5月1日",
    "劳动节": "5月1日",
    "儿童节": "6月1日",
    "建军节": "8月1日",
    "圣诞": "12月25日",
}
_FESTIVAL = re.compile("|".join(_FESTIVALS))

_LUNAR = re.compile(
    r"农历|阴历|旧历|古历|老历|(?:腊|正|冬|寒|闰[一二三四五六七八九十]?)月|月份?初[一二三四五六七八九十]|"
    r"初[一二三四五六七八九十](?!中)|除夕|春节|大年|过年|(?<!今)年三十(?!岁)|"
    r"中秋|端午|元宵|重阳|七夕|小年|中元"
)
_CALLED_LUNAR = re.compile(r"农历|阴历|旧历|古历|老历")
_SOLAR = re.compile(r"(?:公历|阳历|新历|国历|西历|身份证上)[的写是为：:]*")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})[/.\-](\d{1,2})[/.\-]((?:19|20)\d{2})(?!\d)")
_OTHER_CALENDAR = re.compile(r"昭和|大正|平成|令和|光绪|宣统|康德|佛历|回历|藏历|彝历|傣历")
_NO_DATE: Final = (
    (
        re.compile(rf"(?:[0-9]0|[{DIGIT}]零|[{DIGIT}]〇)[后後]|(?:[{DIGIT}]+|[六七八九]十)年代"),
        "九零后这样的说法不够准确，请说出生的年月日",
    ),
    (
        re.compile(
            rf"(?:{_N}+|几)周?岁|(?:今年|快|虚岁|刚满|已经)(?:都|快|有|满|是)?{_N}{{1,3}}(?!年|月|日|号|{_N})|"
            rf"好几(?:十)?了?"
        ),
        "只说年龄不够，请说出生的年月日",
    ),
    (re.compile(r"属[鼠牛虎兔龙蛇马羊猴鸡狗猪]|[鼠牛虎兔龙蛇马羊猴鸡狗猪]年"), "只说属相不够，请说出生的年月日"),
    (
        re.compile(r"(?:白羊|牡羊|金牛|双子|巨蟹|狮子|处女|天秤|天平|天蝎|射手|人马|摩羯|魔羯|水瓶|双鱼)座?"),
        "只说星座不够，请说出生的年月日",
    ),
    (re.compile(r"那[一]?年|那阵|那会儿|那个时候|时候生的"), "请说出生的年月日，比如一九九零年五月六日"),
)
_BEFORE_DATE = re.compile(r"(?:出生(?:日期|年月日?|时间|于|在)?|生日|生于|出生的?日子|born|birthday)[^，。；\d]{0,6}$")
_AFTER_DATE = re.compile(r"^[，, ]?(?:那天|的时候)?(?:出生|生的|生滴|生人|生(?![产意活])|出世|出的生)")
_LONE_DAY = re.compile(rf"(?:是|应该是)?(?P<day>{_N}{{1,3}})[号日]?")
_MONTHS = 12
_SHORT_YEAR, _FULL_YEAR, _THOUSAND = 2, 4, 1000
_REPUBLIC = 1911


@dataclass(frozen=True, slots=True)
class _Parts:
    year: int | None = None
    month: int | None = None
    day: int | None = None
    start: int = 0
    end: int = 0

    @property
    def is_empty(self) -> bool:
        return self.year is None and self.month is None and self.day is None

    @property
    def is_whole(self) -> bool:
        return self.year is not None and self.month is not None and self.day is not None


def check_birth(birth: date, *, today: date) -> date:
    """The date itself. Raises WrongValue where nobody alive can be born then."""
    if birth > today:
        raise WrongValue("出生日期不能晚于今天")
    if today.year - birth.year > _OLDEST_YEARS:
        raise WrongValue("出生年份太早了，请您再核对一下")
    return birth


def parse_birth(text: str, *, today: date) -> date:
    """2025年8月13日, 2025-08-13 or 20250813 as a date. Raises WrongValue."""
    reading = read_birth([Said(text)], today=today)
    if reading is None or not isinstance(reading.value, date):
        raise WrongValue("请说出生的年月日" if reading is None or reading.problem is None else reading.problem)
    return reading.value


def find_birth(said: Said, *, today: date) -> Reading | None:
    """A date that is said to be the one of birth."""
    parts = _parts_of(said.folded, today=today)
    if parts.year is None:
        return None
    before, after = said.folded[: parts.start], said.folded[parts.end :]
    return _judged(parts, CERTAIN, today=today) if _BEFORE_DATE.search(before) or _AFTER_DATE.match(after) else None


def read_birth(revisions: Sequence[Said], *, today: date) -> Reading | None:
    """The answer to the question for the date of birth. A later revision overrides the fields it names: …不对，5月9日."""
    merged, lunar = _Parts(), False
    for folded in _solar_last(revisions):
        parts = _parts_of(folded, today=today)
        if parts.is_empty and merged.is_whole and (day := _LONE_DAY.fullmatch(folded)):
            parts = _Parts(day=to_int(day["day"]))
        lunar = _LUNAR.search(folded) is not None or (lunar and parts.is_empty)
        merged = merged if parts.is_empty else _merge(merged, parts)
    if merged.is_empty and revisions and asks_back(revisions[-1].folded):
        return None
    if revisions and _OTHER_CALENDAR.search(revisions[-1].folded):
        return Reading(None, "请说公历的出生年月日，比如一九九零年五月六日", LIKELY)
    if lunar:
        return Reading(None, "这里要身份证上的公历生日，请说公历的年月日", LIKELY)
    if not merged.is_whole and (problem := _no_date(revisions)):
        return Reading(None, problem, LIKELY)
    if not merged.is_empty:
        return _judged(merged, LIKELY, today=today)
    tried = any(digit_runs(said.folded) for said in revisions[-1:])
    return Reading(None, "请说出生的年月日，比如一九九零年五月六日", GUESSED) if tried else None


def _solar_last(revisions: Iterable[Said]) -> Iterator[str]:
    """九月初九，阳历是11月1日 in two parts, so that the solar date overrides the lunar one."""
    for said in revisions:
        solar = list(_SOLAR.finditer(said.folded))[-1:]
        if not solar:
            yield said.folded
            continue
        start = solar[0].start()
        lunar = _CALLED_LUNAR.search(said.folded, start)
        end = lunar.start() if lunar else len(said.folded)
        yield from (part for part in (said.folded[:start], said.folded[end:], said.folded[start:end]) if part)


def _no_date(revisions: Iterable[Said]) -> str | None:
    """Why an age, a zodiac animal or a decade is not enough."""
    return next((problem for said in revisions for pattern, problem in _NO_DATE if pattern.search(said.folded)), None)


def _merge(earlier: _Parts, later: _Parts) -> _Parts:
    if later.year is not None and later.month is not None and later.day is not None:
        return later
    return replace(
        later,
        year=earlier.year if later.year is None else later.year,
        month=earlier.month if later.month is None else later.month,
        day=earlier.day if later.day is None else later.day,
    )


def _judged(parts: _Parts, confidence: float, *, today: date) -> Reading:
    missing = "、".join(
        word for word, value in (("年份", parts.year), ("月份", parts.month), ("日子", parts.day)) if value is None
    )
    if missing:
        return Reading(None, f"出生日期还缺{missing}，请说完整的年月日", confidence, parts.start, parts.end)
    assert parts.year is not None
    assert parts.month is not None
    assert parts.day is not None
    try:
        birth = check_birth(date(parts.year, parts.month, parts.day), today=today)
    except WrongValue as error:
        return Reading(None, error.reason, confidence, parts.start, parts.end)
    except ValueError:
        return Reading(None, "没有这一天，请您再核对一下出生日期", confidence, parts.start, parts.end)
    return Reading(birth, None, confidence, parts.start, parts.end)


def _parts_of(folded: str, *, today: date) -> _Parts:
    folded = _DAY_FIRST.sub(_day_first, _ENGLISH_DATE.sub(_as_date, folded))
    folded = _ENGLISH_MONTH.sub(_as_month, folded)
    folded = _FESTIVAL.sub(lambda match: _FESTIVALS[match[0]], folded)
    tries = [reader(folded, today) for reader in (_written, _compact, _separated)]
    return next((parts for parts in tries if parts.is_whole), next((parts for parts in tries if not parts.is_empty), _Parts()))


def _as_date(match: re.Match[str]) -> str:
    month = _ENGLISH_MONTHS.index(match["month"] or match["month2"]) + 1
    return f"{match['year']}年{month}月{match['day'] or match['day2']}日"


def _day_first(match: re.Match[str]) -> str:
    """15/9/1976 and 9/15/1976; 3/9/1976 may be either, and stays."""
    first, second = int(match[1]), int(match[2])
    if first <= _MONTHS < second:
        first, second = second, first
    return f"{match[3]}年{second}月{first}日" if second <= _MONTHS < first or first == second else match[0]


def _as_month(match: re.Match[str]) -> str:
    return f"{_ENGLISH_MONTHS.index(match[1]) + 1}月"


def _written(folded: str, today: date) -> _Parts:
    """With 年, 月 or 日, in any order."""
    year, month, day = _YEAR.search(folded), _MONTH.search(folded), None
    if month is not None:
        day = _DAY.match(folded, month.end() - 1)
    elif lone := re.search(rf"(?<!{_N})(?P<day>{_N}{{1,3}}) ?[日号]", folded):
        day = lone if year is not None or _only(folded, lone) else None
    if year is not None and month is None and day is None and (rest := _after_year(folded, year)):
        return replace(rest, year=_year(year["year"], today, republic=bool(year["republic"])))
    matches = [match for match in (year, month, day) if match is not None]
    if not matches:
        return _Parts()
    return _Parts(
        None if year is None else _year(year["year"], today, republic=bool(year["republic"])),
        None if month is None else to_int(month["month"]),
        None if day is None else to_int(day["day"]),
        min(match.start() for match in matches),
        max(match.end() for match in matches),
    )


def _only(folded: str, match: re.Match[str]) -> bool:
    return len(folded) - (match.end() - match.start()) <= 4  # noqa: PLR2004 - 是6号吧


def _after_year(folded: str, year: re.Match[str]) -> _Parts | None:
    """1990年5.6"""
    rest = re.compile(rf" ?({_N}{{1,3}})[.\-/、 ]({_N}{{1,3}})(?!{_N})").match(folded, year.end())
    if rest is None:
        rest = re.compile(r" ?(1[0-2]|[1-9])([0-3][0-9])(?![0-9])").match(folded, year.end())
    return _Parts(None, to_int(rest[1]), to_int(rest[2]), year.start(), rest.end()) if rest else None


def _compact(folded: str, today: date) -> _Parts:
    """19900506, 900506, said digit by digit too."""
    for run in digit_runs(folded):
        digits = run.digits
        if len(run.groups) > 1 and not all(len(group) in {2, 4} for group in run.groups):
            continue
        if len(digits) == 8 or (len(digits) == 6 and len(run.groups) == 1):  # noqa: PLR2004
            year = _year(digits[:-4], today, republic=False)
            parts = _Parts(year, int(digits[-4:-2]), int(digits[-2:]), run.start, run.end)
            if len(digits) == 8 or _is_date(parts):  # noqa: PLR2004
                return parts
    return _Parts()


def _is_date(parts: _Parts) -> bool:
    try:
        date(parts.year or 0, parts.month or 0, parts.day or 0)
    except ValueError:
        return False
    return True


def _separated(folded: str, today: date) -> _Parts:
    """1990.5.6, 一九七八、九、二十三"""
    match = _NUMERIC.search(folded)
    if match is None:
        lone = re.fullmatch(rf"\D*?(?P<year>(?:19|20|一九|二零|二〇)[{DIGIT}]{{2}})\D*", folded)
        return (
            _Parts(_year(lone["year"], today, republic=False), None, None, lone.start("year"), lone.end("year"))
            if lone
            else _Parts()
        )
    return _Parts(
        _year(match["year"], today, republic=False), to_int(match["month"]), to_int(match["day"]), match.start(), match.end()
    )


def _year(numeral: str, today: date, *, republic: bool) -> int | None:
    """Two digits are the last such year that is not in the future: 02 is 2002, 85 is 1985."""
    digits = "".join(DIGITS.get(char, "") for char in numeral)
    number = to_int(numeral)
    if number is None:
        return None
    if republic:
        return _REPUBLIC + number
    if len(digits) == len(numeral) == _SHORT_YEAR:
        return number + (2000 if number <= today.year % 100 else 1900)
    return number if len(digits) == _FULL_YEAR or number >= _THOUSAND else None
