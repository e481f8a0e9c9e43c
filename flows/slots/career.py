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
BLURRED_SOUNDS = SoundTable({word: word for word in OCCUPATIONS if len(word) == 2 and word != NONE})  # noqa: PLR2004
"""农名 for 农民: a second look, at what southern speakers do not tell apart."""
_STUDYING = re.compile(
    r"^(?:还|正|现在|目前|仍)*(?:在)?(?:上学|读书|念书|求学|(?:上|读|念)(?:大学|大专|中专|高中|初中|技校|职高|研|博|博士|硕士|本科|小学|[大高初研][一二三四]))(?:呢|的|中|当中)?$"
)
_RETIRED = re.compile(
    r"^(?:我)?(?:退|离)休(?:之|以)?前|^(?:已经|都|早就?|我)*(?:退休|离休|退(?=了))(?:了|在家|好|快|有|[\d一二三四五六七八九十几两多])"
)

_NOBODY = re.compile(
    r"(?:没有?|无|没得|没的|木有)(?:什么|啥|啥子|个|固定|正式|稳定|正经)*(?:找到|找着|去找|找)?(?:工作|职业|班上|上班|事做|事干|活干|单位|就业|"
    r"做工)|没(?:有)?(?:在|找到|找着)?(?:上班|工作|就业)|待业|失业|无业|下岗(?!再就业)|"
    r"(?:在家)?(?:闲着|待着|呆着|耍|玩着?$|躺平|啃老|吃闲饭|家里蹲)|不(?:上班|工作)|没做(?:什么|事|嘢)|啥(?:也|都)(?:没|"
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
_BACK = re.compile(r"(?:(?<!摩)的(?:工作|行业|职业)?|(?<!滴)滴|来的|了|(?<=.{2})一[个名枚])$")
_FORMER = re.compile(r"以前|之前|原来|原先|年轻(?:的)?时|曾经|过去|早先|早些年")
_CURRENT = re.compile(r"现在|目前|如今|后来|已经|这会儿")
_AT = re.compile(
    rf"^在(?P<where>[{HAN}A-Za-z0-9]{{1,20}}?)(?:里|上|里面)?(?:当|做|任|"
    rf"担任)(?:一?[名个])?(?P<what>[{HAN}A-Za-z]{{2,12}})$"
)
_ENGLISH = re.compile(r"(?:i ?am|i'?m|my job is|work as|as)\s+(?:an?\s+)?", re.IGNORECASE)
_NOT_IT = re.compile(r"^(?:不是|原来是|以前是)")
_OTHER_SLOT = re.compile(r"^[男女汉]?(?:男|女|汉族|已婚|未婚|党员|群众|团员)[的性]?$|^\w{1,4}族$")
_DOER = re.compile(rf"(?:给人|帮人)?[种养开卖教打做修搞跑看唱画写拉送][{HAN}A-Za-z]{{1,3}}的(?P<what>[{HAN}]{{2,6}})")
_DOING = re.compile(r"(?:给|帮|替)?(?:人家|别人|人|老板|公司|单位)?(?:做|干|当|搞|是)(?:个|一[个名])?")
_KIND = re.compile(rf"(?!.*[的不没了吗呢他她你家找问和跟给帮办想要去来查申领补在外有会能都是人])[{HAN}]{{3,8}}")
_PUPILS: Final = frozenset({"学生", "还是学生", "是学生", "我是学生", "还在上学", "在上学", "还在读书"})
_LEFT_WORK: Final = frozenset({"退休", "离休"})
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


def _is_kind_of_occupation(folded: str) -> bool:
    """小学老师, 大货车司机: a known one with what it is done with or where."""
    return any(folded.endswith(word) for word in OCCUPATIONS if len(word) > 1) and _KIND.fullmatch(folded) is not None


def _is_surely(career: str, clause: str) -> bool:
    """我是护士, 退休了"""
    if career in _LEFT_WORK:
        return clause in _LEFT_WORK or _RETIRED.match(re.sub(rf"^{_SPEAKER}", "", clause)) is not None
    said_of_speaker = re.match(rf"{_SPEAKER}|(?:是)", clause) is not None
    return said_of_speaker and (is_occupation(career) or _is_kind_of_occupation(career))


def find_career(said: Said) -> Reading | None:
    """An occupation that is called so, or a known one that the speaker is."""
    for clause in said.clauses:
        named = _NAMED.match(clause.folded)
        career = _core(clause.text[named.end() :] if named else clause.text, repaired=named is not None)
        if (named and career and not asks_back(clause.folded)) or _is_surely(career, clause.folded):
            return Reading(career[:MAX_CHARACTERS], None, CERTAIN, clause.start, clause.end)
    return None


def read_career(said: Said) -> Reading | None:
    """The answer to the question for the occupation: its first clause, as it was said."""
    if any(_RETIRED.match(re.sub(rf"^{_SPEAKER}", "", clause.folded)) for clause in said.clauses) or said.folded.endswith(
        ("退休", "退休了")
    ):
        return Reading("离休" if "离休" in said.folded else "退休", None, LIKELY)
    if _NOBODY.search(said.folded) and any(clause.folded in _PUPILS for clause in said.clauses):
        return Reading("学生", None, LIKELY)
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
            if _CURRENT.search(clause.folded) and _FORMER.search(said.folded, 0, clause.start):
                careers = careers[-1:]
    if not careers:
        return None
    known, named_so, career = next((found for found in careers if found[0]), careers[0])
    try:
        return Reading(check_career(career), None, LIKELY if known or named_so else GUESSED)
    except WrongValue as error:
        return Reading(None, error.reason, LIKELY)


def _heard(core: str) -> str | None:
    """教室 as 教师, and 农名 as 农民; 种菜 is not 总裁, though it sounds alike."""
    if exact := SOUNDS.whole(core):
        return exact
    alike = BLURRED_SOUNDS.whole(core)
    return alike if alike and alike[0] == core[0] else None


def _core(text: str, *, repaired: bool = True) -> str:
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
    if (at := _AT.match(core)) and at["where"] != "家":
        core = at["where"] + at["what"]
    core = core.strip(" ：:，。的")
    if (doer := _DOER.fullmatch(core)) and is_occupation(doer["what"]):
        core = doer["what"]
    if (doing := _DOING.match(core)) and is_occupation(core[doing.end() :]) and not is_occupation(core):
        core = core[doing.end() :]
    if _is_kind_of_occupation(core):
        return core
    return core if not repaired or is_occupation(core) else _heard(core) or core
