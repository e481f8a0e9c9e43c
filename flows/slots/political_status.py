"""The political status (GB/T 4762), as people and the protocol call it: 群众, 党员, 团员, 民盟盟员."""

from __future__ import annotations

import re
from typing import Final

from flows.slots.base import CERTAIN, GUESSED, LIKELY, Reading, text_of
from flows.slots.refusals import asks_back, says_nothing
from flows.slots.sounds import SoundTable
from flows.slots.text import Said
from flows.slots.vocabulary import Vocabulary
from flows.slots.words import values_by_word

MASSES: Final = "群众"
_WORDS: Final = values_by_word("political_status")
VOCABULARY = Vocabulary(_WORDS)
SOUNDS = SoundTable(
    {
        word: _WORDS[word]
        for word in (
            "党员",
            "预备党员",
            "团员",
            "共青团员",
            "群众",
            "共产党员",
            "无党派",
            "老百姓",
            "民盟",
            "民革",
            "民建",
            "民进",
            "九三学社",
            "农工党",
            "致公党",
            "台盟",
        )
    }
)
_NO_PARTY = re.compile(r"(?:没|无|不|未|别)[^，。]{0,6}?(?:入|加入|参加|任何|党派|组织)")
_NAMES: Final = (
    "中共党员|共产党员|中共预备党员|预备党员|共青团员|民革党员|民盟盟员|民建会员|民进会员|农工党党员|致公党党员|"
    "九三学社社员|台盟盟员|无党派人士|党员|团员|群众|普通群众"
)
_MARKED = re.compile(
    rf"(?:政治面貌|面貌)[是为：: ]*(?P<named>{_NAMES})|(?:^|[，。；、 ])(?:我|本人|俺|咱)?(?:就|也|目前|"
    rf"现在)?(?:是)?(?:一?[个名])?老?(?P<alone>{_NAMES})(?=$|[，。；、 啊呀吧呢嘛])"
)
_OUTSIDE: Final = (
    (re.compile(r"民主党派|民主党|参政党"), "请说具体是哪个民主党派，比如民盟、九三学社"),
    (
        re.compile(r"积极分子|发展对象|申请人|递交了?申请|入党申请|申请入党|(?:想|准备|打算|争取|要求)入党"),
        "还没有入党的，请说是团员还是群众",
    ),
    (re.compile(r"共和党|国民党|工党|保守党|自民党|[\w]{1,4}党"), "请在党员、预备党员、团员、民主党派和群众里选一个"),
)
_APPLYING = re.compile(r"(?:想|准备|打算|争取|要求|申请|正在|写)+[写了过交]*入党(?:申请书?)?|入党(?:申请书?|积极分子)")
_LEAGUE_PAST = re.compile(r"退[了过]?[团党]|(?:以前|过去|曾经|原来)是[团党]员")


def check_political_status(text: str) -> str:
    """中共党员 as 党员. Raises WrongValue."""
    return text_of(read_political_status(Said(text)), "政治面貌请说党员、团员、民主党派或者群众")


def find_political_status(said: Said) -> Reading | None:
    """A political status that is called so or is a whole clause."""
    match = _MARKED.search(said.folded)
    if match is None:
        return None
    word = "named" if match["named"] else "alone"
    return Reading(_WORDS[match[word]], None, CERTAIN, match.start(word), match.end(word))


def read_political_status(said: Said) -> Reading | None:
    """The answer to the question for the political status. None at all is 群众."""
    folded = said.compact
    mentions = VOCABULARY.mentions(_APPLYING.sub("，", folded))
    affirmed = [mention.value for mention in mentions if not mention.denied]
    for pattern, problem in _OUTSIDE[:2]:
        if pattern.search(folded) and not set(affirmed) - {"党员", MASSES}:
            return Reading(None, problem, LIKELY)
    if _LEAGUE_PAST.search(folded) and not set(affirmed) - {MASSES, "团员", "党员"}:
        return Reading(MASSES, None, LIKELY)
    if stated := [value for value in affirmed if value != MASSES]:
        return Reading(stated[-1], None, LIKELY)
    if affirmed or mentions or says_nothing(said) or _NO_PARTY.search(folded):
        return Reading(MASSES, None, LIKELY)
    if asks_back(folded):
        return None
    if (heard := SOUNDS.within(folded)) is not None:
        return Reading(heard, None, GUESSED)
    for pattern, problem in _OUTSIDE:
        if pattern.search(folded):
            return Reading(None, problem, LIKELY)
    return Reading(None, ("政治面貌请说党员、团员、民主党派或者群众"), LIKELY) if len(folded) <= 4 and folded.isalpha() else None  # noqa: PLR2004
