"""The shapes that licence plates have, after GA 36-2018 and its forerunners (mainland), NY 345.1 (tractors) and the usage abroad.

A shape is a row of slots; a slot says which characters may stand there. A pattern is written with one sign for each slot:

    p  a province          c  the letter of the issuing authority     s  serial: a digit, or a letter without I and O
    n  a digit             l  a letter without I and O                e  the letter that says a vehicle is new energy
    a  any letter          h  a Hangul syllable                       j  a character of a Japanese office        k  a kana
    x  X or S, rescue      m  the first letter of a military plate    o  the first character of an old military plate
    C  a letter of a Spanish serial: no vowel, no Ñ, no Q

Anything else stands for itself; Latin letters that stand for themselves are written in square brackets: "[WJ]pnnnns".
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Final

from analytics.plates.types import PlateKind

CITY_LETTERS: Final = {
    "京": "ABCDEFGHJKLMNPQRY", "津": "ABCDEFGHJKLMNPQR", "沪": "ABCDEFGHJKLMNPQR", "渝": "ABCDFGHN", "冀": "ABCDEFGHJRSTX",
    "豫": "ABCDEFGHJKLMNPQRSUV", "云": "ACDEFGHJKLMNPQRSV", "辽": "ABCDEFGHJKLMNPV", "黑": "ABCDEFGHJKLMNPR",
    "湘": "ABCDEFGHJKLMNSU", "皖": "ABCDEFGHJKLMNPQRS", "鲁": "ABCDEFGHJKLMNPQRSUVWY", "新": "ABCDEFGHJKLMNPQRS",
    "苏": "ABCDEFGHJKLMNU", "浙": "ABCDEFGHJKL", "赣": "ABCDEFGHJKLMS", "鄂": "ABCDEFGHJKLMNPQRSW",
    "桂": "ABCDEFGHJKLMNPR", "甘": "ABCDEFGHJKLMNP", "晋": "ABCDEFHJKLM", "蒙": "ABCDEFGHJKLM", "陕": "ABCDEFGHJKUV",
    "吉": "ABCDEFGHJK", "闽": "ABCDEFGHJK", "贵": "ABCDEFGHJ", "粤": "ABCDEFGHJKLMNPQRSTUVWXYZ", "青": "ABCDEFGH",
    "藏": "ABCDEFGHJ", "川": "ABCDEFGHJKLMQRSTUVWXYZ", "宁": "ABCDE", "琼": "ABCDEF",
}  # fmt: skip
"""The letters each province has given out. Letters are added now and then: one that is not here is unlikely, not impossible."""

PROVINCES: Final = frozenset(CITY_LETTERS)

_DIGITS: Final = frozenset(string.digits)
_ANY_LETTER: Final = frozenset(string.ascii_uppercase)
_LETTERS: Final = _ANY_LETTER - {"I", "O"}
NEW_ENERGY_LETTERS: Final = frozenset("ABCDEFGHJK")
"""D, A, B, C, E: electric alone; F, G, H, J, K: not alone."""

_CLASSES: Final = {
    "p": PROVINCES,
    # O was given to the authorities' own vehicles until 2018.
    "c": _ANY_LETTER - {"I"},
    "s": _DIGITS | _LETTERS,
    "n": _DIGITS,
    "l": _LETTERS,
    "e": NEW_ENERGY_LETTERS,
    "a": _ANY_LETTER,
    "x": frozenset("XS"),
    "m": frozenset("BCGHJKLNSVZ"),
    "o": frozenset("军空海北沈兰济南广成"),
    "h": frozenset("가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주하허호바사아자배"),
    "j": frozenset("東京品川足立練馬横浜大阪名古屋神戸福岡札幌仙台広島千葉埼大宮"),
    "k": frozenset("あいうえかきくけこさすせそたちつてとなにぬねのはひふほまみむめもやゆよらりるれろわを"),
    "C": frozenset("BCDFGHJKLMNPRSTVWXYZ"),
}


@dataclass(frozen=True, slots=True)
class Template:
    """One shape of plate."""

    kind: PlateKind
    slots: tuple[frozenset[str], ...]
    classes: str
    """One sign for each slot, "=" for a character that stands for itself."""
    gaps: frozenset[int]
    """Before which slots a separator (dot, hyphen, space, new line) is usual."""
    needs_gaps: bool = False
    """Whether the shape is too common without its separators to be told from other text."""
    implied: str = ""
    """What stands before the first slot and follows from the rest: a reader often loses the character at a plate's edge."""

    def __len__(self) -> int:
        return len(self.slots)

    @property
    def has_province(self) -> bool:
        return "p" in self.classes


def _template(kind: PlateKind, pattern: str, *, needs_gaps: bool = False, implied: str = "") -> Template:
    slots: list[frozenset[str]] = []
    classes: list[str] = []
    gaps: set[int] = set()
    literal = False
    for sign in pattern:
        if sign in "[]":
            literal = sign == "["
        elif sign == "·":
            gaps.add(len(slots))
        elif not literal and sign in _CLASSES:
            slots.append(_CLASSES[sign])
            classes.append(sign)
        else:
            slots.append(frozenset(sign))
            classes.append("=")
    return Template(kind, tuple(slots), "".join(classes), frozenset(gaps), needs_gaps, implied)


_MAINLAND: Final = {
    PlateKind.ORDINARY: ["pc·sssss"],
    PlateKind.NEW_ENERGY: ["pc·esnnnn", "pc·nnnnne"],
    PlateKind.POLICE: ["pc·ssss·警"],
    PlateKind.TRAINING: ["pc·ssss·学"],
    PlateKind.TRAILER: ["pc·ssss·挂"],
    PlateKind.HONG_KONG: ["粤[Z]·ssss·港"],
    PlateKind.MACAU: ["粤[Z]·ssss·澳"],
    PlateKind.EMBASSY: ["使·nnn·nnn", "nnn·nnn·使"],
    PlateKind.CONSULATE: ["pc·ssss·领"],
    PlateKind.TEMPORARY: [
        "pc·ssss·临", "pc·sssss·临", "pc·临·ssss", "pc·临·sssss", "p·临c·ssss", "p·临c·sssss", "临·pc·sssss",
        "pc·ssss·试", "pc·ssss·超",
    ],
    PlateKind.TRACTOR: ["p·nn·nnnnn", "p·nn·snnnn"],
    PlateKind.EMERGENCY: ["p·x·ssss·应急"],
    PlateKind.MILITARY: ["ml·nnnnn", "ol·nnnnn"],
    PlateKind.ARMED_POLICE: ["[WJ]·p·nnnns", "[WJ]·nn·nnnns"],
}  # fmt: skip

_FOREIGN: Final = [
    ("aa·nnnn", False),  # Hong Kong, and Macau, whose first letter is M: MA-12-34
    ("aa·nn·nn", False),
    ("aaa·nnnn", False),  # Taiwan since 2014, New York, Texas
    ("nnnn·aa", True),  # Taiwan before
    ("aa·nn·aaa", False),  # United Kingdom
    ("aa·nnn·aa", False),  # France, Italy
    ("nnnn·CCC", False),  # Spain; Mongolia
    ("a·aa·nnnn", True),  # Germany: B AB 1234, M XY 123, HH AB 12
    ("a·aa·nnn", True),
    ("aa·aa·nnn", True),
    ("aa·aa·nnnn", True),
    ("aaa·aa·nnn", True),
    ("aa·nnn·a", True),  # Netherlands
    ("a·nnn·aa", True),  # and Russia, whose letters all look Latin, with the region's number
    ("a·nnn·aa·nn", False),
    ("a·nnn·aa·nnn", False),
    ("nnn·aaa·nn", False),  # Kazakhstan
    ("naaannn", False),  # California
    ("nnaa·nnnn", True),  # India's and other fleets' hyphenated ones
    ("nna·nnnnn", False),  # Vietnam: 29A-123.45
    ("nna·nnn·nn", False),
    ("nna·nnnn", True),
    ("nn·h·nnnn", False),  # Korea
    ("nnn·h·nnnn", False),
    ("jj·nnn·k·nn·nn", False),  # Japan
]

MAINLAND_TEMPLATES: Final = (
    *(_template(kind, pattern) for kind, patterns in _MAINLAND.items() for pattern in patterns),
    _template(PlateKind.HONG_KONG, "[Z]·ssss·港", implied="粤"),
    _template(PlateKind.MACAU, "[Z]·ssss·澳", implied="粤"),
)
FOREIGN_TEMPLATES: Final = tuple(_template(PlateKind.FOREIGN, pattern, needs_gaps=needs) for pattern, needs in _FOREIGN)

ALPHABET: Final = frozenset().union(*(slot for template in MAINLAND_TEMPLATES for slot in template.slots))
"""Every character of a mainland plate."""
