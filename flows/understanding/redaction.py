"""What of an utterance may leave the installation: words that the hall itself uses, and nothing else.

Names, numbers and addresses can't be listed, but the words of requests can: they stand in the catalogue and in the lexicon. A
character is kept where it is part of such a word; everything else becomes MASK. What was said about oneself is left out before,
and a text in which the slot parsers still find something is not sent at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from flows.slots import read_answer
from flows.types import Slot
from flows.understanding.lexicon import lexicon
from flows.understanding.retrieval import ServiceWords
from flows.understanding.text import normalise

MASK = "□"

_PERSONAL = frozenset({Slot.NAME, Slot.PHONE, Slot.ID_CARD, Slot.EMAIL, Slot.ADDRESS, Slot.HUKOU, Slot.NATIVE_PLACE, Slot.BIRTH})
_NAMED = re.compile(
    r"(?:我[叫姓]|[叫姓]做?|名字|本人|署名)(?!什么|不|我)[^,]{1,6}|.(?:先生|女士|小姐|同志|师傅|老师|老板|总|医生|主任|经理|阿姨|叔叔)"
)
_ABOUT_ONESELF = re.compile(
    r"电话|手机号|微信|qq|身份证号|号码|邮箱|住址|地址是|家住|住在|住的|我住|户口在|籍贯|老家在|出生于|年\S{0,3}月\S{0,3}[日号]?生"
)
_NUMERALS = re.compile(r"[〇零一二三四五六七八九十百千万幺两廿点]{3,}|\d+")
_LONGEST_WORD = 4
_LEAST_KEPT = 0.5
"""Share of the characters that have to be left for the rest to be worth asking about."""


class Redactor:
    """For one catalogue; immutable."""

    def __init__(self, services: Sequence[ServiceWords]) -> None:
        texts = [text for service in services for text in (service.name, *service.aliases, *service.examples)]
        texts += [*lexicon().small_talk, *lexicon().elsewhere]
        self._pairs = frozenset(pair for text in texts for pair in _pairs(normalise(text)))
        words = [*lexicon().function_words, *(word for words in lexicon().concepts.values() for word in words)]
        self._words = frozenset(words)

    def redact(self, text: str, *, today: date) -> str | None:
        """The text without anything that may be personal, in plain Mandarin; None where too little is left, or in doubt."""
        normal = normalise(text)
        clauses = [clause for clause in normal.split(",") if clause and not _ABOUT_ONESELF.search(clause)]
        kept = ",".join(self._masked(_NUMERALS.sub(MASK, _NAMED.sub(MASK, clause))) for clause in clauses)
        said, left = sum(map(len, clauses)), sum(character not in {",", MASK} for character in kept)
        if left < _LEAST_KEPT * said or left < 2:  # noqa: PLR2004 - a single character asks for nothing
            return None
        if any(slot in _PERSONAL for asked in (None, Slot.NAME) for slot in read_answer(kept, asked=asked, today=today).values):
            return None
        return kept

    def _masked(self, clause: str) -> str:
        kept = [False] * len(clause)
        for size in range(1, _LONGEST_WORD + 1):
            for start in range(len(clause) - size + 1):
                word = clause[start : start + size]
                if word in self._words or word in self._pairs:
                    kept[start : start + size] = [True] * size
        characters = (character if keep else MASK for character, keep in zip(clause, kept, strict=True))
        return re.sub(f"{MASK}+", MASK, "".join(characters))


def _pairs(text: str) -> Iterator[str]:
    return (text[start : start + 2] for start in range(len(text) - 1) if "," not in text[start : start + 2])
