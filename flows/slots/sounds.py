"""Words by their sound: a recogniser that hears 本科 may write 本壳, one that hears 未婚 may write 位婚.

A second look, where an answer of few possible ones is expected and none was found as written. pypinyin knows the readings; it is
loaded at the first use (a sixth of a second).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final, Generic, TypeVar

from flows.pinyin import pinyin
from flows.slots.text import HAN

V = TypeVar("V")

_HAN_RUN = re.compile(rf"[{HAN}]+")
_CONFUSED: Final = ((re.compile(r"^([zcs])h"), r"\1"), (re.compile(r"^n"), "l"), (re.compile(r"(?<=[ie])ng$"), "n"))
"""What southern speakers do not tell apart: zh and z, n and l, ing and in."""
_SHORTEST = 2


def syllables(text: str, *, blurred: bool = True) -> tuple[str, ...]:
    """The sounds of Chinese characters, without tones; `blurred`: with what is easily confused made the same."""
    lazy_pinyin = pinyin().lazy_pinyin
    return tuple(_blurred(syllable) if blurred else syllable for syllable in lazy_pinyin(text))


def _blurred(syllable: str) -> str:
    for pattern, same in _CONFUSED:
        syllable = pattern.sub(same, syllable)
    return syllable


class SoundTable(Generic[V]):
    """Words, and the values they stand for, found by their sound."""

    def __init__(self, words: Mapping[str, V], *, blurred: bool = True) -> None:
        """Words of one character, and others than Chinese ones, are left out.

        Of words that sound the same the first counts. See syllables() for `blurred`.
        """
        self._words = {word: value for word, value in words.items() if len(word) >= _SHORTEST and _HAN_RUN.fullmatch(word)}
        self._blurred = blurred

    @cached_property
    def _by_sound(self) -> dict[tuple[str, ...], V]:
        return {syllables(word, blurred=self._blurred): value for word, value in reversed(self._words.items())}

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        return tuple(sorted({len(sound) for sound in self._by_sound}, reverse=True))

    def whole(self, word: str) -> V | None:
        """What a word that sounds like this stands for."""
        return self._by_sound.get(syllables(word, blurred=self._blurred)) if _HAN_RUN.fullmatch(word) else None

    def within(self, folded: str) -> V | None:
        """What the longest word that is heard in an utterance stands for."""
        for run in _HAN_RUN.findall(folded):
            heard = syllables(run, blurred=self._blurred)
            for length in self._lengths:
                for start in range(len(heard) - length + 1):
                    if (value := self._by_sound.get(heard[start : start + length])) is not None:
                        return value
        return None
