"""Written Chinese to what a voice should read: numbers, dates, times and digits as words. Pure functions.

A phone number, an ID number or a room is read digit by digit, with 幺 for 1 as is usual aloud; a fee or a term as a number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_HALF_WIDTH = {
    ord(wide): ord(wide) - 0xFEE0 for wide in "０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ％．：－／"
}
_SYMBOLS = {
    "℃": "摄氏度",
    "㎡": "平方米",
    "m²": "平方米",
    "㎏": "公斤",
    "№": "第",
    "&": "和",
    "×": "乘",
    "≥": "不少于",
    "≤": "不超过",
}
_CURRENCY = re.compile(r"[¥￥]\s*([0-9][0-9,.]*)")
_SAID_KINDS = frozenset("LNPZ")
_SAID_SYMBOLS = frozenset("+=<>$€£%°")
_KEPT_MARKS = frozenset(("Mn", "Mc"))
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)
_END_OF_SENTENCE = "。！？!?；;：:，,、"

_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_ALOUD = _DIGITS | {"1": "幺", "X": "艾克斯", "x": "艾克斯"}
_GROUP = 4
_UNGROUPED = 8
_LONGEST_NUMBER = 8
_LONGEST_PLAIN_NUMBER = 4
_EMERGENCY = frozenset(("110", "119", "120", "122"))

_TWO_UNITS = (
    "个|件|份|张|本|页|条|项|次|天|年|周|寸|位|名|户|种|倍|人|元|块|万|千|小时|分钟|秒|公里|千米|米|厘米|平方|公斤|吨|克|岁|层|排"
)
_UNITS = re.compile(rf"\s*(?:{_TWO_UNITS}|亿|百|角|分|日|号|月|级|楼|栋|幢|期|点|度|℃|摄氏度|工作日|[%])")
_TWO = re.compile(rf"\s*(?:{_TWO_UNITS})")
_ROOM = re.compile(r"\s*(?:室|房|路公交|路车)")

_ID_NUMBER = re.compile(r"(?<![0-9A-Za-z])([0-9]{6})([0-9]{8})([0-9]{3}[0-9Xx])(?![0-9A-Za-z])")
_MOBILE = re.compile(r"(?<![0-9])(1[3-9][0-9])[- ]?([0-9]{4})[- ]?([0-9]{4})(?![0-9])")
_LANDLINE = re.compile(r"(?<![0-9])(0[0-9]{2,3})[-－ ]([0-9]{7,8})(?![0-9])")
_DATE = re.compile(
    r"(?<![0-9])([12][0-9]{3})(?:-|/|\.|年)(0?[1-9]|1[0-2])(?:-|/|\.|月)(0?[1-9]|[12][0-9]|3[01])(?:日|号)?(?![0-9])"
)
_YEAR = re.compile(r"(?<![0-9])([12][0-9]{3})(?=年)")
_TIME = re.compile(r"(?<![0-9:])([01]?[0-9]|2[0-4]):([0-5][0-9])(?::[0-5][0-9])?(?![0-9:])")
_THOUSANDS = re.compile(r"(?<![0-9,.])([0-9]{1,3}(?:,[0-9]{3})+)(?![0-9,])")
_PERCENT = re.compile(r"([0-9]{1,8}(?:\.[0-9]{1,8})?)\s*%")
_RANGE = re.compile(
    r"(?<![0-9.-])([0-9]{1,4}(?:\.[0-9]+)?)\s*[-~～–—]\s*([0-9]{1,4}(?:\.[0-9]+)?)(?![0-9.-]|\s*(?:室|号|幢|栋|单元|楼))"
)
_TIME_RANGE = re.compile(r"(?<=[点分])\s*[-~～–—]\s*(?=[零一二三四五六七八九十])")
_DECIMAL = re.compile(r"(?<![0-9.])([0-9]{1,8}\.[0-9]{1,8})(?![0-9.])")
_NUMBER = re.compile(r"[0-9]+")
_CLAUSE = re.compile(rf"[^{_END_OF_SENTENCE}]*[{_END_OF_SENTENCE}]*", re.DOTALL)


def in_parts(text: str, longest: int) -> list[str]:
    """The text cut behind its punctuation into as few parts of at most `longest` characters as go."""
    parts = [""]
    for clause in _CLAUSE.findall(text):
        for start in range(0, len(clause), longest):
            piece = clause[start : start + longest]
            if len(parts[-1]) + len(piece) > longest:
                parts.append("")
            parts[-1] += piece
    return [part for part in parts if is_speakable(part)]


def is_speakable(text: str) -> bool:
    """Whether there is a letter or a digit in it: something that has a sound."""
    return any(unicodedata.category(character)[0] in "LN" for character in text)


def spoken(text: str, *, chinese: bool = True) -> str:
    """The text as it should be read: nothing unpronounceable in it and, for a Chinese voice, no digit."""
    text = "".join(_pronounceable(text.translate(_HALF_WIDTH)))
    if not chinese:
        return text
    text = _CURRENCY.sub(r"\1元", text)
    for symbol, words in _SYMBOLS.items():
        text = text.replace(symbol, words)
    for pattern in (_ID_NUMBER, _MOBILE, _LANDLINE):
        text = pattern.sub(lambda match: "，".join(map(_aloud, match.groups())), text)
    text = _DATE.sub(lambda match: f"{_plain(match[1])}年{_number(match[2])}月{_number(match[3])}日", text)
    text = _YEAR.sub(lambda match: _plain(match[1]), text)
    text = _TIME_RANGE.sub("到", _TIME.sub(_time, text))
    text = _THOUSANDS.sub(lambda match: match[1].replace(",", ""), text)
    text = _RANGE.sub(r"\1到\2", text)
    text = _PERCENT.sub(lambda match: f"百分之{_number(match[1])}", text)
    text = _DECIMAL.sub(lambda match: _number(match[1]), text)
    return _NUMBER.sub(_integer, text)


def _pronounceable(text: str) -> Iterator[str]:
    """Drops control characters, emoji and what can't be seen; a line break is a pause."""
    before = "。"
    for character in text:
        if character in "\n\r":
            if before not in _END_OF_SENTENCE:
                before = "。"
                yield before
            continue
        if not _is_pronounceable(character):
            continue
        if not character.isspace():
            before = character
        yield character if character.isprintable() else " "


def _is_pronounceable(character: str) -> bool:
    category = unicodedata.category(character)
    if category in _KEPT_MARKS:
        return ord(character) not in _VARIATION_SELECTORS
    return category[0] in _SAID_KINDS or character in _SAID_SYMBOLS or character in _SYMBOLS or character in "¥￥~～\t"


def _time(match: re.Match[str]) -> str:
    hour, minute = _number(match[1]), match[2]
    if minute == "00":
        return f"{hour}点"
    return f"{hour}点{'零' if minute[0] == '0' else ''}{_number(minute)}分"


def _integer(match: re.Match[str]) -> str:
    digits, text = match[0], match.string
    following = text[match.end() :]
    after_letter = match.start() > 0 and text[match.start() - 1].isascii() and text[match.start() - 1].isalpha()
    if after_letter or _ROOM.match(following) or (digits[0] == "0" and len(digits) > 1):
        return _aloud(digits)
    if _UNITS.match(following) and len(digits) <= _LONGEST_NUMBER:
        return "两" if digits == "2" and _TWO.match(following) else _number(digits)
    return _number(digits) if len(digits) <= _LONGEST_PLAIN_NUMBER and digits not in _EMERGENCY else _aloud(digits)


def _number(digits: str) -> str:
    from cn2an import an2cn

    return str(an2cn(digits, "low"))


def _plain(digits: str) -> str:
    return "".join(_DIGITS[digit] for digit in digits)


def _aloud(digits: str) -> str:
    """Digit by digit, a long one in groups with a pause between them."""
    said = [_ALOUD[digit] for digit in digits]
    if len(said) <= _UNGROUPED:
        return "".join(said)
    return "，".join("".join(said[start : start + _GROUP]) for start in range(0, len(said), _GROUP))
