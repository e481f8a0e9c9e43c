"""Occupations: free text, kept as it was said, without 我是 and 做…的."""

from __future__ import annotations

import re
from typing import Final

from flows.slots.base import CERTAIN, GUESSED, LIKELY, Reading, WrongValue
from flows.slots.refusals import asks_back, says_nothing
from flows.slots.sounds import SoundTable
from flows.slots.text import HAN, Said, fold, without_particles
from flows.slots.words import listed

MAX_CHARACTERS: Final = 64
NONE: Final = "无业"

OCCUPATIONS: Final = listed("occupations")
"""Callings that are sure to be one wherever they stand; of those that sound the same the likelier first."""
_OCCUPATIONS: Final = frozenset(OCCUPATIONS)

SOUNDS = SoundTable({word: word for word in OCCUPATIONS if word != NONE}, blurred=False)
_STUDYING = re.compile(r"^(?:还|正|现在|目前|仍)*(?:在)?(?:上学|读书|念书|上大学|读大学|上高中|上初中)(?:呢|的|中)?$")
_RETIRED = re.compile(r"^(?:已经|都|早就?|我)*(?:退休|离休|退(?=了))(?:了|在家|好|快|有|[\d一二三四五六七八九十几两多])")

_NOBODY = re.compile(
    r"(?:没有?|无|没得|没的|木有)(?:什么|固定|正式|稳定|正经)?(?:找到|找着)?(?:工作|职业|班上|上班|事做|事干|活干|单位|就业|"
    r"做工)|没(?:有)?(?:在|找到|找着)?(?:上班|工作|就业)|待业|失业|无业|下岗(?!再就业)|"
    r"(?:在家)?(?:闲着|待着|呆着|躺平|啃老|吃闲饭|家里蹲)|不(?:上班|工作)|没做(?:什么|事|嘢)|啥(?:也|都)(?:没|"
    r"不)(?:干|做)|什么(?:也|都)(?:没|不)(?:干|做)|辞职了|裸辞"
)
_SPEAKER = r"(?:我|本人|俺|咱|额|偶)(?:们)?(?:的|家)?"
_NAMED = re.compile(
    rf"(?:{_SPEAKER})?(?:现在|目前)?(?:的)?(?:职业|职务|岗位|工作|身份)(?:一?直)?(?:就|现在|目前)?(?:是|为|：|:|"
    rf"叫)+(?:一[名个位]|个(?!体))?"
)
_FRONT = re.compile(
    rf"^(?:(?:{_SPEAKER})|(?:就|也)?(?:是)(?:在)?(?:一[名个位]|个(?!体)|名)?(?:做|干)?(?:的)?(?=.)|现在|目前|之前|"
    rf"以前|主要|平时|应该|算|就(?=是)|(?:做|干)(?=[^点些小生嘢饭活事].*[的滴]$|[A-Za-z])|已经|都|(?:改行|转行|"
    rf"转业|转岗)(?:去|后|到)?(?:做|当|干)?|从事(?:的是)?|担任|(?:一[名个位])|当(?=[^兵])|职业|工作|岗位)+"
)
_BACK = re.compile(r"(?:的(?:工作|行业|职业)?|滴|来的|了)$")
_AT = re.compile(
    rf"^在(?P<where>[{HAN}A-Za-z0-9]{{1,20}}?)(?:里|上|里面)?(?:当|做|任|"
    rf"担任)(?:一?[名个])?(?P<what>[{HAN}A-Za-z]{{2,12}})$"
)
_ENGLISH = re.compile(r"(?:i ?am|i'?m|my job is|work as|as)\s+(?:an?\s+)?", re.IGNORECASE)
_NOT_IT = re.compile(r"^(?:不是|原来是|以前是)")
_OTHER_SLOT = re.compile(r"^[男女汉]?(?:男|女|汉族|已婚|未婚|党员|群众|团员)[的性]?$|^\w{1,4}族$")
_LETTER = re.compile(rf"[A-Za-z{HAN}]")


def check_career(text: str) -> str:
    """An occupation of at most MAX_CHARACTERS. Raises WrongValue."""
    career = re.sub(r"\s+", " ", text).strip()
    if not _LETTER.search(career) or not career.isprintable():
        raise WrongValue("请用几个字说您的职业，比如教师、司机、退休")
    if len(career) > MAX_CHARACTERS:
        raise WrongValue("职业说得太长了，请用几个字说")
    return career


def is_occupation(folded: str) -> bool:
    return folded in _OCCUPATIONS


def find_career(said: Said) -> Reading | None:
    """An occupation that is called so, or a known one that the speaker is."""
    for clause in said.clauses:
        named = _NAMED.match(clause.folded)
        career = _core(clause.text[named.end() :] if named else clause.text)
        known = is_occupation(career) and re.match(rf"{_SPEAKER}|(?:是)", clause.folded)
        if (named and career and not asks_back(clause.folded)) or known:
            return Reading(career[:MAX_CHARACTERS], None, CERTAIN, clause.start, clause.end)
    return None


def read_career(said: Said) -> Reading | None:
    """The answer to the question for the occupation: its first clause, as it was said."""
    if _NOBODY.search(said.folded) or says_nothing(said):
        return Reading(NONE, None, LIKELY)
    text = said.text if re.search(r"[A-Za-z] [A-Za-z]", said.text) else said.text.replace(" ", "")
    careers = []
    for clause in Said(text).clauses:
        if asks_back(clause.folded) or _NOT_IT.match(clause.folded) or _OTHER_SLOT.match(clause.folded):
            continue
        named = _NAMED.search(clause.folded)
        career = _core(clause.text[named.end() :] if named else clause.text)
        if len(career) > 1 or (named and career):
            careers.append((is_occupation(career), named is not None, career))
    if not careers:
        return None
    known, named_so, career = next((found for found in careers if found[0]), careers[0])
    try:
        return Reading(check_career(career), None, LIKELY if known or named_so else GUESSED)
    except WrongValue as error:
        return Reading(None, error.reason, LIKELY)


def _core(text: str) -> str:
    """我是做会计的 as 会计, 在银行当柜员 as 银行柜员."""
    bare = _ENGLISH.sub("", without_particles(text))
    front = _FRONT.match(fold(bare))
    core = bare[front.end() :] if front else bare
    core = _BACK.sub("", without_particles(core)) if len(core) > 2 else core  # noqa: PLR2004
    if _RETIRED.match(core):
        core = "离休" if "离休" in core else "退休"
    if _STUDYING.search(core):
        return "学生"
    if is_occupation(f"做{core}") and f"做{core}" in bare:
        return f"做{core}"
    if at := _AT.match(core):
        core = at["where"] + at["what"]
    core = core.strip(" ：:，。的")
    return core if is_occupation(core) else SOUNDS.whole(core) or core
