"""How characters sound, as coarsely as a speech recogniser or a southern speaker tells sounds apart."""

from __future__ import annotations

import re
from functools import cache

from flows.pinyin import pinyin

_MERGED_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"))
_MERGED_FINALS = (("ing", "in"), ("eng", "en"))
_LATIN_SYLLABLE = re.compile(r"[bpmfdtnlgkhjqxzcsryw]?h?[aeiouv]{1,3}(?:ng?|r)?")
_SHORTEST_SPELLING = 4
"""Letters of the shortest Latin word that is tried as pinyin."""


def coarse(syllable: str) -> str:
    """A toneless syllable without the differences that are often not heard: zh and z, n and l, ing and in."""
    for initial, merged in _MERGED_INITIALS:
        if syllable.startswith(initial) and len(syllable) > len(initial):
            syllable = merged + syllable[len(initial) :]
            break
    for final, merged in _MERGED_FINALS:
        if syllable.endswith(final):
            return syllable[: -len(final)] + merged
    return syllable


@cache
def sound(character: str) -> str:
    """The coarse syllable of a Chinese character, in its most frequent reading; any other character is its own sound."""
    syllables = pinyin().lazy_pinyin(character, style=pinyin().Style.NORMAL, errors="ignore")
    return coarse(syllables[0]) if syllables else character


def initials(word: str) -> str:
    """The first letters of a Chinese word's syllables, e.g. sfz; empty where another character is in it."""
    letters = pinyin().lazy_pinyin(word, style=pinyin().Style.FIRST_LETTER, errors="ignore")
    return "".join(letters) if len(letters) == len(word) else ""


def spelled(word: str) -> tuple[str, ...]:
    """The coarse syllables of a Latin word that is pinyin, e.g. shenfenzheng; empty where it is none."""
    if len(word) < _SHORTEST_SPELLING:
        return ()
    syllables = _known_syllables()
    ways: list[tuple[str, ...] | None] = [(), *([None] * len(word))]
    for end in range(1, len(word) + 1):
        starts = range(max(0, end - 6), end)
        found = [(*way, word[start:end]) for start in starts if (way := ways[start]) is not None and word[start:end] in syllables]
        ways[end] = min(found, key=len, default=None)
    return tuple(coarse(syllable) for syllable in ways[-1] or ())


@cache
def _known_syllables() -> frozenset[str]:
    """Every toneless syllable of a common character."""
    common = "".join(map(chr, range(0x4E00, 0x9FA6)))
    return frozenset(
        syllable
        for syllable in pinyin().lazy_pinyin(common, style=pinyin().Style.NORMAL, errors="ignore")
        if syllable.isascii() and len(syllable) > 1
    )
