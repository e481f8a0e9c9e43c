"""Married or not. Whoever is divorced or widowed is not; whoever married again is."""

from __future__ import annotations

import re
from typing import Final

from flows.slots.base import CERTAIN, GUESSED, LIKELY, Reading, WrongValue
from flows.slots.refusals import asks_back
from flows.slots.sounds import SoundTable
from flows.slots.text import Said

_SPOUSE: Final = "老公|老婆|爱人|丈夫|妻子|媳妇儿?|太太|配偶|老伴儿?|先生|对象|男人|屋里头?|孩子他[爸妈]|另一半|那口子"
_NOT: Final = (
    r"(?:没有?|还没有?|未|么得|木有|没得|从来没|从没|不曾|不想|没打算|还不|还未|不)(?:有|得|打算|想|能|准备|要|曾|来得及|机会)*"
)
_WED: Final = r"(?:结(?:过|成)?婚?|领(?:过|到)?证?|娶(?:过|到)?|嫁(?:过|出去)?人?|成家|登记|办(?:婚礼|酒|喜事))"
_PARTNER: Final = rf"(?:找|处|谈|讨|娶|嫁)?(?:个|到|过)?(?:对象|恋爱|[男女]?朋友|婆娘|伴|家室|{_SPOUSE})"
_YEARS: Final = r"[\d一二两三四五六七八九十几多好百]+年"
_SOON: Final = (
    r"(?:还没|准备|打算|快要?|马上|即将|下个?月|明年|年底|下周|计划|正要|要|将)(?:去|就|要|办|才|再)*(?:结婚|领证|办酒)"
)
_DIED: Final = (
    rf"(?:我家?的?)?(?:{_SPOUSE})(?:他|她|去年|前年|今年|早就|早|都|已经|也|前几年|几年前|因病|生病|刚|{_YEARS}前?)*"
    r"(?:走|过世|去世|不在|没了|死|病故|离世|过|亡故|牺牲)(?:了|得早)?"
)
_SINGLE: Final = "|".join((
    rf"{_NOT}(?:{_WED}(?:{_SPOUSE}|婆娘)?|{_PARTNER})",
    _SOON,
    _DIED,
    "未婚|单身|单着|光棍|母胎solo|剩[男女]|一个人(?:过|生活|住)?|一人吃饱",
    "[刚早]?离(?=$|[，。])|离[婚异了过]|办离婚|婚姻?(?:已)?解除|前[夫妻]|丧偶|丧[夫妻]|守寡|寡居|寡妇|鳏夫|鳏居",
    "订婚|定婚|有个?(?:对象|男朋友|女朋友|男友|女友)|处对象|谈?着?恋爱|谈朋友|谈着|同居",
    "(?<![a-z])(?:single|divorced|widow(?:ed|er)?|unmarried|not married|weihun|danshen|lihun|liyi)(?![a-z])",
))  # fmt: skip
"""The events that leave one unmarried; of two that begin together the longer counts, see _last_event()."""
_MARRIED: Final = "|".join((
    rf"[已己]婚|[二再复三]婚|头婚|初婚|新婚|结[了过啦咗]?婚?(?:了|过|的|啦|(?:都|有|快|好)*{_YEARS})|结咗婚|[刚才早已]经?就?结",
    rf"(?:[刚才早已]经?|前年|去年|今年|早就|昨天|上个?月|年初|{_YEARS})[就才刚前]*(?:领|扯|结|嫁|娶|成家)[的了过]?[证婚]?",
    "领[了过完]?证[了啦]?|扯[了过]?证|登记了|成了?家|嫁(?:了|过|人|给)+",
    rf"(?:娶|讨)[了过]?(?:{_SPOUSE}|婆娘|亲)?[了啦]?",
    f"(?:[有跟和我]个?)?(?:{_SPOUSE.replace('先生|对象|男人|', '')}|婆娘)|(?:有|我)(?:个)?(?:先生|男人)",
    "有(?:家室|家庭|家口|夫之妇|妇之夫)|夫妻|两口子|没有?离|未离|还没离|分居|孩子都",
    "(?:不是|不再是|已经不是|早不是)(?:单身|未婚|光棍)狗?|不(?:单身|是一个人)",
    "(?<![a-z])(?:married|remarried|yihun)(?![a-z])",
))  # fmt: skip
_EVENT = re.compile(f"{_SINGLE}|{_MARRIED}")
_SINGLE_EVENT = re.compile(_SINGLE)
_MARRIED_EVENT = re.compile(_MARRIED)
_CEREMONY = re.compile(r"(?:办理?|登记|预约|申请|问|咨询)(?:个|一下)?(?:结婚|离婚|复婚)|(?:结婚|离婚)(?:登记|证|手续|预约|协议)")
SOUNDS = SoundTable(
    {
        "已婚": True,
        "结婚了": True,
        "再婚": True,
        "二婚": True,
        "未婚": False,
        "没结婚": False,
        "单身": False,
        "离异": False,
        "离婚": False,
        "丧偶": False,
        "离婚了": False,
    }
)
_YES = re.compile(r"(?:是|是的|是啊|对|对的|对啊|有|有的|嗯|yes|yeah|yep|没错|结|当然|当然了|肯定的?|必须的|true|正确|系)+")
_NO = re.compile(
    r"(?:不是|不|没|没有|还没有?|没有呢|否|无|no|nope|没呢|尚未|未|木有|没得|么得|false|还早|不曾|从来没有|从没|"
    r"没有的|没的|还没有呢|不，没结)+"
)
_STATES: Final = (
    "已婚|未婚|离异|单身|丧偶|再婚|结婚了|结了婚|结过婚|已经结婚了?|没结婚|没有结婚|"
    "还没结婚|未结婚|离婚了|离了婚|已离婚|离婚|离了|已经离婚了?|二婚|还没有结婚|刚结婚|没成家|成家了"
)
_MARKED = re.compile(
    rf"婚姻(?:状[况态]|情况)?[是为：: ]*(?P<named>{_STATES})|(?:^|[，。；、 ])(?:我|本人|俺|咱)?(?:目前|现在|也|都|"
    rf"是|刚|已经|的|就)*(?P<alone>{_STATES})(?=$|[，。；、 啊呀吧呢嘛])"
)


def check_marital_status(text: str) -> bool:
    """已婚 is True. Raises WrongValue."""
    reading = read_marital_status(Said(text))
    if reading is None or not isinstance(reading.value, bool):
        raise WrongValue("婚姻状况请说已婚或者未婚")
    return reading.value


def find_marital_status(said: Said) -> Reading | None:
    """A marital status that is called so or is a whole clause."""
    match = _MARKED.search(said.folded)
    if match is None:
        return None
    word = "named" if match["named"] else "alone"
    married = _last_event(match[word])
    return None if married is None else Reading(married, None, CERTAIN, match.start(word), match.end(word))


def read_marital_status(said: Said) -> Reading | None:
    """The answer to the question whether the citizen is married: of several events the last."""
    folded = _CEREMONY.sub("，", said.compact)
    married = _last_event(folded)
    if married is not None:
        return Reading(married, None, LIKELY)
    for clause in said.clauses:
        if _YES.fullmatch(clause.folded):
            return Reading(True, None, LIKELY)
        if _NO.fullmatch(clause.folded):
            return Reading(False, None, LIKELY)
    heard = None if asks_back(folded) else SOUNDS.within(folded)
    return None if heard is None else Reading(heard, None, GUESSED)


def _last_event(folded: str) -> bool | None:
    """Whether the last event mentioned leaves one married. Of two that begin together the longer counts: 没离婚, 不是单身."""
    married: bool | None = None
    position = 0
    while first := _EVENT.search(folded, position):
        readings = [
            (pattern.match(folded, first.start()), value) for pattern, value in ((_SINGLE_EVENT, False), (_MARRIED_EVENT, True))
        ]
        end, married = max((match.end(), value) for match, value in readings if match)
        position = max(end, first.start() + 1)
    return married
