"""Religions, by the names of the protocol's example: 佛教, 伊斯兰教, 无."""

from __future__ import annotations

import re
from typing import Final

from flows.slots.base import CERTAIN, GUESSED, LIKELY, Reading, text_of
from flows.slots.refusals import asks_back, says_nothing
from flows.slots.sounds import SoundTable
from flows.slots.text import Said
from flows.slots.vocabulary import Vocabulary, affirmed
from flows.slots.words import values_by_word

NONE: Final = "无"
_WORDS: Final = values_by_word("religion")
VOCABULARY = Vocabulary(_WORDS)
SOUNDS = SoundTable(
    {
        word: _WORDS[word]
        for word in (
            "佛教",
            "道教",
            "伊斯兰教",
            "天主教",
            "基督教",
            "东正教",
            "基督徒",
            "穆斯林",
            "没有宗教信仰",
            "无宗教信仰",
            "不信教",
            "没有信仰",
            "没信仰",
            "信佛",
            "信主",
        )
    }
)
_NAMES: Final = "佛教|道教|伊斯兰教|天主教|基督教|东正教"
_SPEAKER = r"(?:^|[，。；、 ])(?:我|本人|俺|咱)?(?:们)?(?:是|都|就|平时|一直)*"
_MARKED = re.compile(
    rf"(?:宗教(?:信仰)?|信仰)[是为：: ]*(?P<named>{_NAMES}|无)|{_SPEAKER}信仰?(?:的是)?(?P<believed>{_NAMES}|佛)|"
    rf"{_SPEAKER}(?P<alone>{_NAMES})徒?(?=$|[，。；、 啊呀吧呢嘛])"
    r"|(?P<none>(?:没有?|无)(?:任何|什么)?宗教(?:信仰)?|(?:^|[，。；、 ]|我)不信(?:宗)?教|无神论)"
)
_NO_FAITH = re.compile(r"(?:没有?|无|不)(?:任何|什么|啥|特别的?|啥子)*(?:宗教|信仰|信)")
_NO_LONGER = re.compile(r"(?:现在|如今|后来|早就?|已经)(?:都|也|就|已经)*(?:不信|不拜|不念|退出)")
_CLAIMS_A_FAITH = re.compile(r"信|教|拜|崇拜|faith|believe")


def check_religion(text: str) -> str:
    """信佛 as 佛教. Raises WrongValue."""
    return text_of(read_religion(Said(text)), "宗教信仰请说佛教、道教、伊斯兰教、天主教、基督教或者无")


def find_religion(said: Said) -> Reading | None:
    """A religion that is called so, or is believed in, or that there is none."""
    match = _MARKED.search(said.folded)
    if match is None:
        return None
    word = match.lastgroup or "none"
    value = NONE if word == "none" else _WORDS[match[word]]
    return Reading(value, None, CERTAIN, match.start(word), match.end(word))


def read_religion(said: Said) -> Reading | None:
    """The answer to the question for the religion. Of what is denied and what is affirmed the latter counts."""
    folded = said.compact
    mentions = VOCABULARY.mentions(folded)
    if "算不算" in folded or "算吗" in folded:
        return None
    if _NO_LONGER.search(folded):
        return Reading(NONE, None, LIKELY)
    named = [
        mention for mention in affirmed(mentions) if mention.value != NONE and folded.startswith(mention.value, mention.start)
    ]
    if named:
        return Reading(named[-1].value, None, LIKELY)
    if faiths := [mention for mention in affirmed(mentions) if mention.value != NONE]:
        return Reading(faiths[-1].value, None, LIKELY)
    if mentions or says_nothing(said) or _NO_FAITH.search(folded):
        return Reading(NONE, None, LIKELY)
    if not asks_back(folded) and (heard := SOUNDS.within(folded)) is not None:
        return Reading(heard, None, GUESSED)
    if asks_back(folded) or not _CLAIMS_A_FAITH.search(folded):
        return None
    return Reading(None, "宗教信仰请说佛教、道教、伊斯兰教、天主教、基督教或者无", LIKELY)
