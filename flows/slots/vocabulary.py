"""Slots with a fixed set of answers: which of them an utterance mentions, and what it denies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_DENIAL: Final = re.compile(r"(?:不是|并非|又不是|不算|不信|没入过?|不)(?:什么|个|一个|个啥|啥)?$")
_LONGEST_DENIAL = 8


@dataclass(frozen=True, slots=True)
class Mention:
    """A word of the vocabulary in an utterance. `denied`: it was said not to be so."""

    value: str
    start: int
    end: int
    denied: bool


class Vocabulary:
    """Words and the values that they stand for. Of overlapping words the longest counts."""

    def __init__(self, words: Mapping[str, str]) -> None:
        """`words`: folded words (flows.slots.text.fold), each with its value."""
        self._values = dict(words)
        longest_first = sorted(self._values, key=len, reverse=True)
        self._any = re.compile("|".join(_whole_word(word) for word in longest_first))

    def mentions(self, folded: str) -> list[Mention]:
        return [self._mention(folded, match) for match in self._any.finditer(folded)]

    def _mention(self, folded: str, match: re.Match[str]) -> Mention:
        before = folded[max(0, match.start() - _LONGEST_DENIAL) : match.start()]
        return Mention(self._values[match[0]], match.start(), match.end(), _DENIAL.search(before) is not None)

    def value_of(self, word: str) -> str | None:
        """What a whole word stands for."""
        return self._values.get(word)


def _whole_word(word: str) -> str:
    return rf"(?<![a-z]){re.escape(word)}(?![a-z])" if word.isascii() else re.escape(word)


def affirmed(mentions: Iterable[Mention]) -> list[Mention]:
    return [mention for mention in mentions if not mention.denied]
