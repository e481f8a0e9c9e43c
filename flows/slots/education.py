"""The highest level of education that was attended, finished or not: 念到高二 is 高中, 研究生在读 is 硕士."""

from __future__ import annotations

import re
from typing import Final

from flows.slots.base import CERTAIN, GUESSED, LIKELY, Reading, text_of
from flows.slots.refusals import asks_back
from flows.slots.sounds import SoundTable
from flows.slots.text import Said
from flows.slots.vocabulary import Vocabulary, affirmed
from flows.slots.words import values_by_word

LEVELS: Final = ("文盲", "小学", "初中", "中专", "高中", "大专", "本科", "硕士", "博士")
_WORDS: Final = values_by_word("education")
VOCABULARY = Vocabulary(_WORDS)
SOUNDS = SoundTable(
    {word: _WORDS[word] for word in (*LEVELS, "专科", "研究生", "大学", "职高", "技校", "中学", "没上过学", "没读过书")}
)
_NAMES: Final = "博士研究生|硕士研究生|博士|硕士|研究生|大学本科|本科|大学|大专|专科|高中|中专|职高|技校|初中|小学"
_MARKED = re.compile(
    rf"(?:学历|文化程度|受教育程度|教育程度)[是为：: ]*(?P<named>{_NAMES}|文盲)|(?P<called>{_NAMES})(?:学历|文凭|文化(?:程度)?)"
    rf"|(?:^|[，。；、 ])(?:我|本人|俺|咱)?(?:是|读的?|读到|念到|念的?|"
    rf"上到)*(?P<alone>{_NAMES}|文盲|没读过书|没上过学|不识字|没念过书)(?:(?:已经)?毕业(?:了|"
    r"的)?|没毕业|肄业|在读)?(?=$|[，。；、 啊呀吧呢嘛])"
)
_UNFINISHED_ENTRY = re.compile(
    r"没(?:去|参加|有)?(?:考|上成)上?(?:大学|高中|本科|研究生|研|初中|大专)?|没上(?:过)?(?:大学|高中|本科|大专|中学|初中)|"
    r"没读(?:过)?(?:大学|高中|初中|大专|研)|想考[\w]{1,3}|考不上[\w]{1,3}|不是(?:什么)?大学生?|没念(?:过)?(?:大学|"
    r"高中|初中)"
)
_OUTSIDE = re.compile(
    r"幼儿园|驾校|培训|老年大学|兴趣班|补习|学前班|托儿所|夜校|自学|蓝翔|新东方|社会大学|家里蹲|"
    r"[\d一二三四五六七八九十两]+年|私塾|[识认](?:得|识)?几个字|识字"
)
_PROBLEM: Final = "请说最高学历，比如小学、初中、高中、中专、大专、本科、硕士、博士"


def check_education(text: str) -> str:
    """大学本科 as 本科. Raises WrongValue."""
    return text_of(read_education(Said(text)), _PROBLEM)


def find_education(said: Said) -> Reading | None:
    """A level that is called an education, or is a whole clause."""
    match = _MARKED.search(said.folded)
    if match is None:
        return None
    word = match.lastgroup or "alone"
    return Reading(_WORDS[match[word]], None, CERTAIN, match.start(word), match.end())


def read_education(said: Said) -> Reading | None:
    """The answer to the question for the education: the highest of the levels that are mentioned."""
    folded = said.compact
    if _OUTSIDE.search(folded) and "老年大学" in folded:
        return Reading(None, _PROBLEM, LIKELY)
    mentions = affirmed(VOCABULARY.mentions(_UNFINISHED_ENTRY.sub("，", folded)))
    if mentions:
        if "或者" in folded:
            return Reading(mentions[-1].value, None, GUESSED)
        return Reading(max((mention.value for mention in mentions), key=LEVELS.index), None, LIKELY)
    if not asks_back(folded) and (heard := SOUNDS.within(folded)) is not None:
        return Reading(heard, None, GUESSED)
    if not asks_back(folded) and _OUTSIDE.search(folded):
        return Reading(None, _PROBLEM, LIKELY)
    return None
