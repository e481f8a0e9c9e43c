"""Numbers as they are said: digit by digit (幺三八两个零), with units (二十三), in English, full-width or misheard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_SPOKEN_DIGITS: Final = {
    "0": "0〇零洞",
    "1": "1一壹幺么妖",
    "2": "2二贰两俩",
    "3": "3三叁弎",
    "4": "4四肆",
    "5": "5五伍",
    "6": "6六陆",
    "7": "7七柒拐",
    "8": "8八捌",
    "9": "9九玖勾",
}
DIGITS: Final = {char: digit for digit, chars in _SPOKEN_DIGITS.items() for char in chars}
DIGIT: Final = "".join(DIGITS)
"""For the inside of a character class."""
_ENGLISH: Final = {"zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5"} | {
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
}

_MISHEARD_DIGITS: Final = {
    "0": "林灵玲另凌铃龄令领",
    "1": "要腰吆夭邀摇依衣医伊亿",
    "2": "尔儿而耳饿",
    "3": "山伞散善",
    "4": "是事似寺思死丝司市",
    "5": "武舞午无吴屋物雾",
    "6": "柳刘流留溜榴",
    "7": "期妻起气器奇齐骑其",
    "8": "巴把爸扒芭",
    "9": "久酒舅就旧救",
}
_HOMOPHONES = {char: digit for digit, chars in _MISHEARD_DIGITS.items() for char in chars}
_HOMOPHONE = "".join(_HOMOPHONES)
_BETWEEN_DIGITS = re.compile(
    rf"(?:(?<=[{DIGIT}][{DIGIT}])|(?<=[{DIGIT}][{DIGIT}] )|(?<=^)|"
    rf"(?<=[是号码：: ，]))[{_HOMOPHONE.replace('是', '')}]+(?= ?[{DIGIT}]{{2}})"
)
_AFTER_DIGITS = re.compile(rf"(?<=[{DIGIT}])[ ，]?[{_HOMOPHONE}]+(?=[ ，。]*$)")
_ALONE_BETWEEN = re.compile(rf"(?<=[{DIGIT}])[{_HOMOPHONE}]{{1,3}}(?=[{DIGIT}])")

_X = r"(?:(?:大写|小写|字母)的?)?(?:x|×|✕|✖|大?叉|[埃艾爱]克[斯思丝]|ex\b|差|插)"
_TIMES = {char: int(digit) for char, digit in DIGITS.items() if digit in "23456789"} | {"仨": 3}
_COUNTED_PLACES = (
    r"(?:最后|[前中后末])(?:面|间)?的?[一二三四五六七八0-9]位(?:数字?|是)*|第[一二三四五六七八九十0-9]+[位个]|"
    r"十[一五八七]位|1[158]位|[一二]遍"
)
_TOKEN = re.compile(
    rf"(?P<skipped>{_COUNTED_PLACES})"
    rf"|(?P<times>[{''.join(_TIMES)}])个(?P<repeated>[{DIGIT}])"
    rf"|(?P<english_times>double|triple)\s+(?P<english_repeated>[0-9]|{'|'.join(_ENGLISH)})\b"
    rf"|\b(?P<english>{'|'.join(_ENGLISH)})\b"
    rf"|(?P<hundreds>一?百(?:[三四五六七八九]十[{DIGIT}]?|零[{DIGIT}]))(?![块元米岁平])"
    rf"|(?P<year>[两二]千(?:零[{DIGIT}]|一?十[{DIGIT}]?)?)年"
    rf"|(?P<digit>(?![么俩])[{DIGIT}]|(?<=[{DIGIT}])[么俩]|(?<![什怎这那多要])[么俩](?=[{DIGIT}]))"
    rf"|(?P<letter>(?<=[0-9ol])[ol]|[ol](?=[0-9]{{2}}))"
    rf"|(?P<x>(?:最后一?[位个]?|末尾|尾数|尾号|末位)?是?(?:一?个)?{_X})"
)
_JOINT = re.compile(
    r"(?:[ \-_.,，、。:：/()~]|呃+|嗯+|啊|那个|然后|接着|接下来|再|加上?|横?杠|短?横线?|"
    rf"空格|逗号|跟着|后头|打头|开头|起头|结尾|收尾|{_COUNTED_PLACES}|(?:最后|[前中后])(?:面|"
    r"间|是)*|"
    r"(?:出生)?(?:生日|日期|年月日?)是?)+"
)
_MOST_JOINTS = 12
"""Longer than any pause inside a number."""


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits said in one go; X may stand among them. `groups` are what pauses and punctuation separate."""

    groups: tuple[str, ...] = field(repr=False)
    start: int
    end: int

    @property
    def digits(self) -> str:
        return "".join(self.groups)


def digit_runs(folded: str, *, with_x: bool = False) -> list[DigitRun]:
    """Everything that is said digit by digit, in order. `with_x` also takes the X (叉, 埃克斯) of an ID number."""
    runs: list[DigitRun] = []
    groups: list[str] = []
    start = end = 0
    for match, digits in _digit_tokens(folded, with_x=with_x):
        gap = folded[end : match.start()]
        if groups and not gap:
            groups[-1] += digits
        elif groups and len(gap) <= _MOST_JOINTS and _JOINT.fullmatch(gap):
            groups.append(digits)
        else:
            if groups:
                runs.append(DigitRun(tuple(groups), start, end))
            groups, start = [digits], match.start()
        end = match.end()
    if groups:
        runs.append(DigitRun(tuple(groups), start, end))
    return runs


def _digit_tokens(folded: str, *, with_x: bool) -> Iterator[tuple[re.Match[str], str]]:
    for match in _TOKEN.finditer(folded):
        if match["skipped"]:
            continue
        if match["digit"]:
            yield match, DIGITS[match["digit"]]
        elif counted := match["year"] or match["hundreds"]:
            yield match, str(to_int(counted))
        elif match["times"]:
            yield match, DIGITS[match["repeated"]] * _TIMES[match["times"]]
        elif match["english"]:
            yield match, _ENGLISH[match["english"]]
        elif match["english_times"]:
            said = match["english_repeated"]
            yield match, _ENGLISH.get(said, said) * (2 if match["english_times"] == "double" else 3)
        elif match["letter"]:
            yield match, "0" if match["letter"] == "o" else "1"
        elif with_x:
            yield match, "X"


def repair_digits(folded: str) -> str:
    """Homophones among digits (要, 巴, 林) as digits. For a second try, where a number is expected and the first failed."""

    def meant(match: re.Match[str]) -> str:
        return "".join(_HOMOPHONES.get(char, char) for char in match[0])

    for pattern in (_BETWEEN_DIGITS, _ALONE_BETWEEN, _AFTER_DIGITS, _BETWEEN_DIGITS):
        folded = pattern.sub(meant, folded)
    return folded


_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
NUMERAL: Final = DIGIT + "".join(_UNITS) + "廿卅"
"""For the inside of a character class: digits and units."""
_MOST_NUMERAL = 12


def to_int(numeral: str) -> int | None:
    """一九九零 is 1990, 二十三 is 23, 两千零八 is 2008, 廿八 is 28; None where it is no number."""
    numeral = numeral.replace("廿", "二十").replace("卅", "三十")
    if not numeral or len(numeral) > _MOST_NUMERAL:
        return None
    if all(char in DIGITS for char in numeral):
        return int("".join(DIGITS[char] for char in numeral))
    return _with_units(numeral)


def _with_units(numeral: str) -> int | None:
    total = 0
    digit: int | None = None
    for char in numeral:
        if char in DIGITS:
            if digit:
                return None
            digit = int(DIGITS[char])
        elif char in _UNITS:
            total += (1 if digit is None else digit) * _UNITS[char]
            digit = None
        else:
            return None
    return total + (digit or 0)
