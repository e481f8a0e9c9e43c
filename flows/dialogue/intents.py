"""What citizens say about the conversation itself instead of answering: 再说一遍, 为什么要问这个, 我说错了, 不办了. Pure."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum

from flows.types import Slot


class Intent(Enum):
    """What is meant."""

    REPEAT = "repeat"
    WHY = "why"
    MEANING = "meaning"
    CORRECTION = "correction"
    """Something said before was wrong; what is right may follow in the same words."""
    SKIP_ALL = "skip all"
    LEAVE = "leave"


_FILLERS = re.compile(r"(?:那个|这个嘛|嗯+|呃+|额+|唉+|哎呀?|喂|不好意思|麻烦(?:你|您)?|请(?:你|您)?(?=再|说|重)|同志|师傅)")
_TAIL = re.compile(r"(?:[啊呀呢吧啦哦噢哈了]|(?<!干)嘛)+$")
_HUMMED_YES = re.compile(r"嗯+")
_LONGEST = 24
"""Characters: whoever says more is telling something."""

_WHOLE: dict[Intent, re.Pattern[str]] = {
    intent: re.compile("|".join(wordings))
    for intent, wordings in {
        Intent.REPEAT: (
            r"(?:你|您|我)?(?:刚才|刚刚)?(?:说|问)?的?是?(?:啥|什么)(?:来着)?",
            r"(?:能不能|可不可以|能|可以)?(?:你|您)?(?:再|重新?)(?:说|讲|问|念|来|重复)[一1]?(?:遍|次|下)?(?:行吗|可以吗|好吗|吗)?",
            r"我?没有?太?听得?(?:清楚|清|见|到)(?:再说一?遍)?",
            r"听不太?(?:清楚|清|见)",
            r"重复一?(?:遍|下)?",
        ),
        Intent.WHY: (
            r"(?:你们?|您)?(?:为什么|为啥|干嘛|干吗|凭什么|怎么还要)(?:还?要)?(?:问|知道|填|说|登记|提供|用|我|你)?.{0,10}",
            r"(?:问|要).{0,6}(?:干嘛|干吗|干什么|干啥|做什么|有什么用|有啥用)",
            r"这?个?有?(?:什么|啥)用",
        ),
        Intent.MEANING: (
            r"(?:这|这个|你这|您这|那)?是?(?:什么|啥)(?:意思|叫.{0,6})",
            r"[^能]{1,6}(?:是|指)(?:什么|啥)(?:意思|东西)?",
            r"我?(?:听|看)?(?:没有?|不)太?(?:听|看)?(?:懂|明白|理解)(?:什么意思)?",
            r"(?:这个?)?(?:要|该|应该)?(?:怎么|咋|如何)(?:说|填|回答|答|讲)",
            r"能?(?:解释|说明)一?下?吗?",
        ),
        Intent.SKIP_ALL: (
            r"(?:全部|全都|都|(?:后面|剩下|其他)的?都?)(?:跳过|不填|不说)",
            r"(?:你|您)?(?:别|不要|不用)再?问我?",
            r"我?(?:不想|不愿意)(?:再(?:回答|说|答)(?:问题)?|(?:回答|答)问题)",
            r"后面的?都?不想再?(?:填|说|答)",
        ),
        Intent.LEAVE: (
            r"(?:算了?)?我?(?:不想|不)再?办理?(?:这个|业务)?",
            r"(?:我要|我想)?(?:取消|退出|放弃|结束|停止)(?:办理|业务|对话)?",
            r"我?先?(?:走|不弄|不搞)",
            r"(?:下次|改天)再?(?:来|办)",
            r"再见|拜拜",
        ),
    }.items()
}

_CORRECTION = re.compile(r"[说讲报填记弄搞写]错|错了|不对|改一下|改成|更正|纠正|口误")
_BEGINS_WITH_CORRECTION = re.compile(
    r"(?:等一?下|等等)?我?(?:刚才|刚刚|之前|上面|前面)?(?:那个)?(?:[说讲报填记弄搞写]?错|不对|不是|改一下|更正|纠正|口误)"
)

_YES = re.compile(r"(?:是|是的|对|对的|确定|确认|好|好的|不办|真的)(?:不办|结束|退出|确定|是的|的)*")
_RIGHT = r"(?:为准|是?对的?|来|准|没错)?"
_TRUST_CARD = re.compile(
    rf"(?:以|按照?|听|信|照)?着?(?:身份证|证件?|号码)(?:号码?)?上?的?(?:写的)?{_RIGHT}|(?:是我|我)?(?:刚才|之前)?[说讲记]?错"
)
_TRUST_WORDS = re.compile(
    rf"(?:以|按照?|听|信|照)?着?我(?:自己)?(?:刚才|刚刚|之前)?[说讲报填]?的?{_RIGHT}|身份证(?:号码?)?上?的?是?(?:写错|登记错|错|不对|不准)的?"
)

_LABELS: dict[Slot, tuple[str, ...]] = {
    Slot.NAME: ("姓名", "名字"),
    Slot.GENDER: ("性别",),
    Slot.NATIONALITY: ("民族",),
    Slot.PHONE: ("电话", "手机", "号码"),
    Slot.ID_CARD: ("身份证", "证号"),
    Slot.NATIVE_PLACE: ("籍贯", "老家"),
    Slot.BIRTH: ("出生", "生日"),
    Slot.EMAIL: ("邮箱", "邮件"),
    Slot.CAREER: ("职业", "工作"),
    Slot.ADDRESS: ("住址", "地址", "住的地方"),
    Slot.HUKOU: ("户口", "户籍"),
    Slot.POLITICAL_STATUS: ("政治面貌", "面貌"),
    Slot.MARITAL_STATUS: ("婚姻", "婚否"),
    Slot.RELIGION: ("宗教", "信仰"),
    Slot.EDUCATION: ("学历", "文化程度"),
}


def intent_of(text: str) -> Intent | None:
    """What the words are about, where they are about the conversation; a CORRECTION may hold an answer as well."""
    core = core_of(text)
    if len(core) <= _LONGEST:
        for intent, pattern in _WHOLE.items():
            if pattern.fullmatch(core):
                return intent
    return Intent.CORRECTION if _CORRECTION.search(core) else None


def takes_back(text: str) -> bool:
    """Whether the words begin by taking back what was said just before."""
    return _BEGINS_WITH_CORRECTION.match(core_of(text)) is not None


def core_of(text: str) -> str:
    """The words without punctuation, blanks, and what people say while they think."""
    return _TAIL.sub("", _FILLERS.sub("", _bare(text)))


def _bare(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char)[0] not in "PZSC")


def is_yes(text: str) -> bool:
    """Whether the words confirm, and do nothing else."""
    return _YES.fullmatch(core_of(text)) is not None or _HUMMED_YES.fullmatch(_bare(text)) is not None


def trusts_card(text: str) -> bool | None:
    """Which side of a dispute is right: True the ID card's, False what the citizen said, None where the words don't tell."""
    core = core_of(text)
    card, words = _TRUST_CARD.fullmatch(core) is not None, _TRUST_WORDS.fullmatch(core) is not None
    return None if card == words else card


def mentioned(text: str) -> set[Slot]:
    """The slots that the words call by name."""
    return {slot for slot, labels in _LABELS.items() if any(label in text for label in labels)}
