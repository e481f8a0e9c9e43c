"""The 56 nationalities (GB/T 3304), written without 族 as the protocol does: 汉, 维吾尔."""

from __future__ import annotations

import re
from typing import Final

from flows.slots.base import CERTAIN, GUESSED, LIKELY, Reading, text_of
from flows.slots.refusals import asks_back
from flows.slots.sounds import SoundTable
from flows.slots.text import Said
from flows.slots.vocabulary import Vocabulary, affirmed
from flows.slots.words import listed, values_by_word

NATIONALITIES: Final = listed("nationalities")
_PEOPLE: Final = values_by_word("nationality")
"""回民, 维族, hanzu."""
_GROUPS = ("族", "簇", "zu", "组", "祖", "足")
_IS_ALSO_SOMETHING_ELSE: Final = frozenset({"高山", "东乡", "保安", "俄罗斯", "朝鲜", "布朗", "蒙古", "独龙", "景颇"})
"""Without 族 these are places, countries or callings first: only a whole answer counts."""

_WITH_GROUP = {name + group: name for name in NATIONALITIES for group in _GROUPS}
_BARE = {name: name for name in NATIONALITIES if len(name) > 1 and name not in _IS_ALSO_SOMETHING_ELSE}
_ANSWERS = Vocabulary(_BARE | _PEOPLE | _WITH_GROUP)
_NAMES = Vocabulary({name + "族": name for name in NATIONALITIES} | {"维族": "维吾尔", "蒙族": "蒙古"})
_ONE_WORD = {name: name for name in NATIONALITIES} | {
    "汗": "汉",
    "会": "回",
    "状": "壮",
    "装": "壮",
    "瞄": "苗",
    "喵": "苗",
    "慢": "满",
}
SOUNDS = SoundTable({name + "族": name for name in NATIONALITIES} | {name: name for name in NATIONALITIES if len(name) > 1})
_ADMINISTRATIVE = re.compile(
    rf"(?:(?:{'|'.join(sorted(NATIONALITIES, key=len, reverse=True))})族)+(?:自治|乡|镇|村|路|街|大道|饭店|中学|"
    rf"小学|医院|学院|区)"
)
_WRAPPING = re.compile(r"(?:我|本人|俺|咱|就|应该|是|民族|为|：|:|属于|个|那个|[ ，。])+|(?:的|人|滴|家|啊|吧)+$")
_FRONT = re.compile(r"^(?:我|本人|俺|咱|就|应该|是|民族|为|：|:|属于|个|那个|[ ，。])+")
_MARKED_BEFORE = re.compile(
    r"(?:民族[是为：: ]*|(?:^|[，。；、 男女]|[男女][的性生士])(?:(?:我|俺|咱|本人)们?)?(?:都|就)?(?:是)?)$"
)
_MARKED_AFTER = re.compile(
    r"(?:的|人|滴|姑娘|小伙|同胞|女|男|$|[，。；、 啊呀吧呢嘛]|今年|电话|手机|身份证|住|已婚|未婚|党员|群众)"
)
_EXPLAINS = re.compile(r"的[㐀-鿿]字?(?:$|[，。；、 ])")
"""汉族的汉: how a name is written."""
_OUTSIDE: Final = (
    (re.compile(r"少数民族"), "请说具体是哪个民族，比如回族、壮族"),
    (re.compile(r"中华民族|中国(?:人|国籍|$)|华人|华夏|炎黄"), "请说身份证上的民族，比如汉族、回族"),
    (
        re.compile(r"(?:美|英|法|德|日本|韩|泰|越南|外|俄|加拿大|澳大利亚|新加坡|马来西亚|缅甸|印度)国?(?:国籍|人)|外籍|华侨"),
        "这里要的是民族，不是国籍，请说五十六个民族中的哪一个",
    ),
    (re.compile(r"[\w·]{1,6}(?:族|人)(?:的|$|[，。])"), "这不在五十六个民族里，请按身份证上写的民族说"),
    (re.compile(r"混血|一半一半"), "请说身份证上写的民族"),
)
_NOT_A_PEOPLE = re.compile(r"(?<!日)(?:打工|别|本|男|女|老|工|农|病|好|个|家|爱|有|没)人|(?:上班|月光|追星|打工|啃老)族|人家")


def _named(folded: str, said: Said) -> str | None:
    for whole in (_FRONT.sub("", folded), _WRAPPING.sub("", folded)):
        if whole in _ONE_WORD:
            return _ONE_WORD[whole]
    if found := affirmed(_ANSWERS.mentions(folded)) or affirmed(_ANSWERS.mentions(folded.replace(" ", ""))):
        return found[-1].value
    words = (_WRAPPING.sub("", clause.folded) for clause in said.clauses)
    return next((_ONE_WORD[word] for word in words if word in _ONE_WORD), None)


def _misheard(folded: str) -> str | None:
    """达翰尔族, 拉库族: the only name that differs in one character."""
    called = re.search(r"([㐀-鿿]{2,5})族$", _WRAPPING.sub("", folded))
    if called is None:
        return None
    near = [
        name
        for name in NATIONALITIES
        if len(name) == len(called[1]) and sum(a != b for a, b in zip(name, called[1], strict=True)) == 1
    ]
    alike = [name for name in near if name[0] == called[1][0]] or near
    return alike[0] if len(alike) == 1 else None


def check_nationality(text: str) -> str:
    """汉族, 汉 or 维吾尔族 as 汉, 汉, 维吾尔. Raises WrongValue."""
    return text_of(read_nationality(Said(text)), "这不在五十六个民族里，请按身份证上写的民族说")


def find_nationality(said: Said) -> Reading | None:
    """A nationality with its 族 that is said of the speaker or stands alone."""
    for mention in _NAMES.mentions(_ADMINISTRATIVE.sub(lambda match: "，" * len(match[0]), said.folded)):
        marked = _MARKED_BEFORE.search(said.folded, 0, mention.start) and _MARKED_AFTER.match(said.folded, mention.end)
        if marked and not mention.denied and not _EXPLAINS.match(said.folded, mention.end):
            return Reading(mention.value, None, CERTAIN, mention.start, mention.end)
    if named := re.search(
        rf"民族[是为：: ]*({'|'.join(sorted(NATIONALITIES, key=len, reverse=True))})(?![^\W的，])", said.folded
    ):
        return Reading(named[1], None, CERTAIN, named.start(), named.end())
    return None


def read_nationality(said: Said) -> Reading | None:
    """The answer to the question for the nationality."""
    folded = _ADMINISTRATIVE.sub("，", said.folded)
    if (named := _named(folded, said)) is not None:
        return Reading(named, None, LIKELY)
    if (nearest := _misheard(folded)) is not None:
        return Reading(nearest, None, GUESSED)
    if asks_back(folded) or _NOT_A_PEOPLE.search(folded):
        return None
    if (heard := SOUNDS.within(folded)) is not None:
        return Reading(heard, None, GUESSED)
    for pattern, problem in _OUTSIDE:
        if pattern.search(folded):
            return Reading(None, problem, LIKELY)
    return None
