"""Married or not. Whoever is divorced or widowed is not; whoever married again is."""

from __future__ import annotations

import re
from typing import Final

from flows.slots.base import CERTAIN, GUESSED, LIKELY, Reading, WrongValue
from flows.slots.refusals import asks_back
from flows.slots.sounds import SoundTable
from flows.slots.text import Said

_SPOUSE: Final = (
    "老公|老婆|爱人|丈夫|妻子|媳妇儿?|太太|配偶|老伴儿?|先生|对象|男人|屋里头?|孩子他[爸妈]|另一半|那口子|"
    "老头子?|老太婆|老汉|屋里人|当家的|孩儿他[爸妈]|娃他?[爸妈]"
)
_NOT: Final = (
    r"(?:没有?|还没有?|未|么得|木有|没得|从来没|从没|不曾|不想|没打算|还不|还未|不)(?:有|"
    r"得|打算|想|能|准备|要|曾|来得及|机会|整着?|找着?|寻着?|遇到|碰到|合适的?)*"
)
_WED: Final = r"(?:结(?:过|成)?婚?|领(?:过|到)?证?|娶(?:过|到|上|得上)?|嫁(?:过|出去)?人?|成家|登记|办(?:婚礼|酒|喜事))"
_PARTNER: Final = rf"(?:耍|找|处|谈|讨|娶|嫁)?(?:个|到|过)?(?:对象|恋爱|[男女]?朋友|婆娘|伴|家室|{_SPOUSE})"
_YEARS: Final = r"[\d一二两三四五六七八九十几多好百]+年"
_SOON: Final = (
    r"(?:还没|准备|打算|快要?|马上|即将|下个?月|明年|年底|下周|计划|正要|要|将)(?:去|就|要|办|才|再)*(?:结婚|领证|办酒)"
)
_DIED: Final = (
    rf"(?:我家?的?)?(?:{_SPOUSE})(?:他|她|去年|前年|今年|早就|早|都|已经|也|前几年|几年前|因病|生病|刚|{_YEARS}前?)*"
    r"(?:走|病逝|逝世|仙逝|去了|过世|去世|不在|没了|死|病故|离世|过|亡故|牺牲)(?:了|得早)?"
)
_SINGLE: Final = "|".join((
    rf"{_NOT}(?:{_WED}(?:{_SPOUSE}|婆娘)?|{_PARTNER})",
    _SOON,
    r"(?:年底|明年|下个?月|下周|过年|春节|国庆|五一|十一|元旦|过几天|过两天)(?:就|才|再|准备|打算)*(?:结|办|领证|摆酒)(?=$|[，。婚])|快了$",
    _DIED,
    "[未末]婚|不婚|没人要|没人嫁|黄花(?:大)?闺女|大姑娘一个|老姑娘|老处女|王老五|孤家寡人|孤身一人|婚配过?没|耍(?:了|着|过)?个?(?:男|女)?朋友|(?:前年|去年|今年|前几年|早几年|刚刚?|早就?|已经?|后来)(?:就|才|刚|又)*离(?:的|了|婚|掉)|单身|单着|光棍|母胎solo|剩[男女]|一个人(?:过|生活|住)?|一人吃饱",
    "[刚早]?离(?=$|[，。])|离[婚异了过]|办离婚|婚姻?(?:已)?解除|前[夫妻]|丧偶|丧[夫妻]|守寡|寡居|寡妇|鳏夫|鳏居",
    "订婚|定婚|有个?(?:对象|男朋友|女朋友|男友|女友)|处对象|谈?着?恋爱|谈朋友|[谈处]着|[谈处]了个|同居",
        rf"{_NOT}(?:再|复|二)(?:婚|娶|嫁|找|结)",
    "有过一?[段次]婚姻|分(?:了|开)(?:手|了)?$|分手|孤寡|(?:对象|[男女]朋友|媳妇儿?|老婆|婆娘|男人)(?:都|也|还|影子|毛)*(?:没有?|没得|木有|冇|莫得|没找|没谈)",
    "(?<![a-z])(?:single|divorced|widow(?:ed|er)?|unmarried|not married|weihun|danshen|lihun|liyi)(?![a-z])",
))  # fmt: skip
"""The events that leave one unmarried; of two that begin together the longer counts, see _last_event()."""
_MARRIED: Final = "|".join((
    rf"[已己]婚|[二再复三]婚|头婚|初婚|新婚|结[了过啦咗]?婚?(?:了|过|的|啦|(?:都|有|快|好)*{_YEARS})|结咗婚|[刚才早已]经?就?结",
    rf"(?:[刚才早已]经?|前年|去年|今年|早就|昨天|上个?月|年初|{_YEARS})[就才刚前]*(?:领|扯|结|嫁|娶|成家)[的了过]?[证婚]?",
    "领[了过完]?证[了啦]?|扯[了过]?证|登记了|成了?家|嫁(?:了|过|人|给)+",
    rf"(?:娶|讨)[了过]?(?:{_SPOUSE}|婆娘|亲)?[了啦]?",
    f"(?:[有跟和我]个?)?(?:{_SPOUSE.replace('先生|对象|男人|', '')}|婆娘)|(?:有|我)(?:个)?(?:先生|男人)",
    "婆家|公公婆婆|公婆|老丈人|丈母娘|岳父|岳母|小舅子|小姨子|大姑子|小姑子|有家有[口室业]|拖家带口|上有老下有小|老婆孩子|又(?:找|娶|嫁|讨)了?|重组家庭|改嫁|再嫁|续弦|二嫁|(?:刚刚?|昨天|前天|已经|去年|今年|上个?月|上周|早就?)+(?:去|就|才|刚)*登记|有(?:家室|家庭|家口|夫之妇|妇之夫|屋头的?人|家的?人)|夫妻|两口子|老两口|没有?离|未离|还没离|分居|孩子都",
    "(?:不是|不再是|已经不是|早不是)(?:单身|未婚|光棍)狗?|不(?:单身|是一个人)",
    "(?<![a-z])(?:married|remarried|yihun)(?![a-z])",
))  # fmt: skip
_EVENT = re.compile(f"{_SINGLE}|{_MARRIED}")
_SINGLE_EVENT = re.compile(_SINGLE)
_MARRIED_EVENT = re.compile(_MARRIED)
_WEDDING_TO_COME = re.compile(
    r"(?<=[证记婚了])[，。、 ]*(?:但|但是|就是|只是)?(?:还|都)?没有?(?:来得及|正式)?(?:办|摆|请)(?:酒席?|婚礼|喜酒|喜事|席)"
)
"""领证了还没办酒: married all the same."""
_DIVORCING = re.compile(r"(?:正在|还在|在)(?:办理?|闹|打|走)(?:着)?离婚|离婚(?:冷静期|官司)|闹离婚")
"""Married until the divorce is through."""
_CERTIFICATE = re.compile(
    r"结婚证(?:都|也|已经|早就?)*(?:有|领了|拿了|办了|扯了|领过)|(?:^|我|都|已经)(?:有|领了|拿了|办了)(?:结婚|红)证?本?"
)
_CHILDREN = re.compile(
    r"当(?:了|上)?(?:爷爷|奶奶|外公|外婆|姥姥|姥爷|爸|妈|爹)|(?:孙子|孙女|外孙|孙儿|娃儿?|孩子|小孩|儿子|女儿|闺女|崽|儿女|伢)(?:们)?(?:都|也|已经|有)?(?:[一二两三四五六七八九十几\d]|上|大|读|成|结|会|满)"
)
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
    if _DIVORCING.search(said.compact):
        return Reading(True, None, LIKELY)
    if _CERTIFICATE.search(said.compact):
        return Reading(True, None, LIKELY)
    folded = _WEDDING_TO_COME.sub("，", _CEREMONY.sub("，", said.compact))
    married = _last_event(folded)
    if married is not None:
        return Reading(married, None, LIKELY)
    for clause in said.clauses:
        if _YES.fullmatch(clause.folded):
            return Reading(True, None, LIKELY)
        if _NO.fullmatch(clause.folded):
            return Reading(False, None, LIKELY)
    if _CHILDREN.search(folded) and not asks_back(folded):
        return Reading(True, None, GUESSED)
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
