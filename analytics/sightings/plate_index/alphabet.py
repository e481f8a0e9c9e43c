"""A plate's key as 16 bytes, of which each says a character in seven bits, so that eight characters are compared as one number.

The upper five bits are a character's group: twins like 0, O, D and Q share one. A byte of zero is no character. Characters beyond
those of mainland plates share what codes are left: two plates may look the same here that are not, never the other way round.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.plates.confusions import FOLD
from analytics.plates.templates import ALPHABET, PROVINCES
from analytics.plates.types import UNREAD

Words = npt.NDArray[np.uint64]

LENGTH: Final = 16
"""Characters of the longest key."""
GROUP_MASK: Final = 0x7C
_VARIANTS: Final = 4
_CODES: Final = 128


def encode(keys: Iterable[str]) -> Words:
    """(n, 2): the first and the second eight characters of each key, the first character in the lowest byte."""
    table = _table()
    packed = b"".join(key[:LENGTH].translate(table).encode("latin-1").ljust(LENGTH, b"\0") for key in keys)
    return np.frombuffer(packed, "<u8").reshape(-1, 2)


def decode(words: Words) -> list[str]:
    """The keys of (n, 2) words; a character that shares its code with others is UNREAD."""
    texts = _texts()
    packed = np.ascontiguousarray(words, "<u8").tobytes()
    return [
        packed[start : start + LENGTH].rstrip(b"\0").decode("latin-1").translate(texts) for start in range(0, len(packed), LENGTH)
    ]


def code(character: str) -> int:
    """1 to 127."""
    return ord(_table()[ord(character)])


class _Table(dict[int, str]):
    """For str.translate: characters without a code of their own share those that are left."""

    def __init__(self, known: dict[int, str], spare: Sequence[str]) -> None:
        super().__init__(known)
        self._spare = spare

    def __missing__(self, character: int) -> str:
        return self._spare[character % len(self._spare)]


@cache
def _table() -> _Table:
    alphanumerics = string.digits + string.ascii_uppercase
    codes: dict[str, int] = {}
    groups: dict[str, list[str]] = {}
    for character in alphanumerics:
        groups.setdefault(character.translate(FOLD), []).append(character)
    for number, members in enumerate(groups.values(), start=1):
        for variant, character in enumerate(members):
            codes[character] = number * _VARIANTS + variant
    # A province never stands where a digit does: that they share a group loses nothing.
    free = [number for number in range(1, _CODES) if number not in codes.values()]
    mainland = [*sorted(PROVINCES), *"港澳使领警学挂临试超应急民航军空海北沈兰济南广成字电"]
    others = [character for character in dict.fromkeys([*mainland, *sorted(ALPHABET)]) if character not in codes]
    codes |= dict(zip(others, free[:-_VARIANTS], strict=False))
    return _Table({ord(character): chr(number) for character, number in codes.items()}, [chr(n) for n in free[-_VARIANTS:]])


@cache
def _texts() -> dict[int, str]:
    texts = {ord(number): chr(character) for character, number in _table().items()}
    return {number: texts.get(number, UNREAD) for number in range(1, _CODES)}
