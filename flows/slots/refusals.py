"""Answers that give nothing: the citizen does not know, won't say, has none, or asks back."""

from __future__ import annotations

import re
from typing import Final

from flows.slots.text import Said
from flows.types import Slot

_UNKNOWN: Final = (
    r"(?<![听看])不(?:太|大|是很|怎么)?(?:知道|清楚|晓得|记得|懂|确定|了解|会(?:用|弄|说|搞|整|上网|操作)|好说)|不造|不知(?=$|[，。])|"
    r"用不(?:来|了|惯|着)|母鸡|弗晓得|勿晓得|晓不得|"
    r"(?:记|想|搞|弄|说|背|找|查|报|念|写|拿)不(?:得|住|清|起|出?来|上|到|太清|准|明白|下来)(?:楚|了|来|太清)?|忘(?:记|"
    r"掉|球|求|光|干净|差不多)?了|忘(?:得一干二净)|不记得|没记住|没印象|别问|不要问|少问|don'?t know|no idea"
)
_UNWILLING: Final = (
    r"不(?:太|大)?(?:想|愿意?|方便|便|肯|能|打算|乐意|必|需要)(?:再)?(?:说|讲|谈|聊|告诉|透露|回答|留|填|提供|给|公开|"
    r"写|了|$)|不(?:太|大)?方便|不说(?:了|吧|啊|行吗|可以吗)*$|(?:就|先|都)?不(?:留|填|写|给|报|讲|提供)(?:了|啦|吧|哈|哦)*$|"
    r"不(?:想)?(?:留|填|给|提供)(?:邮箱|电话|手机|号码|地址|名字)|不告诉|保密|隐私|跳过|略过|下一[个题项]|先空着|空着|不填|先不(?:说|填|管|写)|先?放一放|无可奉告|不能(?:随便|乱)|不可以(?:随便|给)|难说|说不好|说不准|拒绝|"
    r"换一?个(?:问题|吧)|算了|pass|skip|next|"
    r"没必要(?:说|填)|无需|不用(?:填|说|问|管|写)(?!.*用)|(?:以后|回头|下次|改天|晚点|等会儿?|等下|待会儿?)(?:再(?:说|填|讲|补|弄)|带来?|拿来)"
)
_NONE: Final = (
    r"(?:我|暂时|目前|现在|这个|还|也|确实|都|真的|就)*(?:没有?得?|没有?了|没得|没油|没友|莫得|莫有|冇|无|木有|么得|没的|没带|未有|none|"
    r"没留)(?:的|了|呢|啊|哦)?"
)
_LACKS: Final = (
    r"(?:没|无|木有|没有|没得|莫得|冇|没带|没办|没开通|没申请|从来没有|不需要|用不着|用不上|不用|没装|没留|没弄|没搞|没注册|没整|没开|没租|没找|没买|不(?:会|"
    r"怎么)?(?:用|使))(?:过|有|得|任何|固定的?|什么|自己的?|这个|那个|带|用|电子|到)*"
)
_NOUNS: Final = {
    Slot.NAME: "名字|大名|姓名",
    Slot.PHONE: "手机|电话|号码|座机|那个|那玩意|联系方式",
    Slot.ID_CARD: "身份证件?|证件?|号码?|户口",
    Slot.EMAIL: "邮箱|邮件|e-?mail|qq|电脑|手机|那个|这个|那玩意|上网|网",
    Slot.ADDRESS: "固定住所|住所|住处|地址|住址|住的地方|地方住|家|房子",
    Slot.HUKOU: "户口|户籍",
    Slot.NATIVE_PLACE: "籍贯|老家",
}
_ABSENT: Final = {
    slot: re.compile(
        rf"{_LACKS}(?:{nouns})|哪(?:里|儿|个)?(?:有|来|会)(?:的|用|弄)?(?:{nouns})|(?:{nouns})(?:号码?)?(?:我|也|都|还|暂时|目前)*(?:没有?|无|没得|没带|没办)(?:了|的|"
        rf"呢|过)*$"
    ) for slot, nouns in _NOUNS.items()
} | {
    Slot.HUKOU: re.compile(
        rf"{_LACKS}(?:户口|户籍)|黑户|户口没有|没上户|户口(?:也|都|还)*没(?:有)?(?:上|落|办|入)|"
        r"没(?:有)?(?:落户|入户|上户)"
    )
}  # fmt: skip
_OPENED: Final = frozenset({Slot.PHONE, Slot.EMAIL, Slot.ID_CARD})
_NEVER_OPENED = re.compile(r"(?:^|[，。 ]|的)(?:我|还|都|从来|也)*(?:没有?|没得)(?:注册|申请|开通|用|弄|办|搞|整)(?:过|的|呢)?$")
_OTHER_CHANNELS = re.compile(r"只(?:有|用|会用?)(?:微信|手机|电话|短信)")
_HOMELESS = re.compile(r"没有?个?固定的?(?:地方|住|窝)|居无定所|四海为家|流浪|没有?家|不上网")
_DECLINES = re.compile(rf"{_UNKNOWN}|{_UNWILLING}")
_NOTHING = re.compile(rf"(?:{_NONE})+")
_LEFT_OVER = re.compile(r"(?:我|俺|咱|本人)(?:就|也)?(?:是|叫|在|住)?")
"""Of 没有，我是党员 when the party member was taken out."""
_PASS = re.compile(r"(?:过|下一个|pass)+")
_QUESTION: Final = re.compile(
    r"什么|啥|为何|为什么|怎么|咋|哪|谁|吗[？?，。 ]*$|[？?]$|是不是要|可不可以|能不能|要不要|有没有必要|多少|"
    r"几号|如何|([算行好对])不\1|干嘛|干吗|干什么|点解|边个|(?:填|写|按|要|报|说).{0,8}还是|能不|必须(?:要)?(?:填|说|写)"
)
_NOT_ASKING = re.compile(r"(?:什么|乜)(?:都|也)|(?:啥|啥子|哪|谁|怎么)(?:都|也)|没(?:有)?什么|没啥|不是什么|不怎么|不算什么")
_REPEAT: Final = re.compile(
    r"听不(?:清|见|懂)|没听(?:清|见|懂|到|明白)|再(?:说|讲)(?:一遍|一次|一下)|重复|^(?:你好|您好|喂|在吗|hello|hi|"
    r"好的?|行|可以|知道了|谢谢|ok|okay|没问题|"
    r"是的?|对的?|嗯+|不是|不对|等等|等一下|稍等|快点|随便|都行|无所谓|都可以)$"
)
_REQUEST = re.compile(
    r"(?:我|俺|咱|(?<!后)来|想|要)(?:们)?(?:想|要|来|得|准备|打算|需要)*(?:要|想|来)?(?:办理?|补办|申请|查询?|查一下|问|"
    r"咨询|打听|换|领取?|交|迁|改|注销|打印|预约|取|挂失)"
    r"|丢了|过期|到期|补办|投诉"
)


def declines(said: Said) -> bool:
    """不知道, 不想说, 跳过: whatever was asked."""
    return _DECLINES.search(said.folded) is not None or (
        bool(said.clauses) and all(_PASS.fullmatch(clause.folded) for clause in said.clauses)
    )


def gives_nothing(folded: str) -> bool:
    """不知道, 记不得了, of a clause."""
    return _DECLINES.search(folded) is not None


def has_none(said: Said, asked: Slot) -> bool:
    """没有, 没有手机: there is none of what was asked for."""
    pattern = _ABSENT.get(asked)
    nouns = _NOUNS.get(asked)
    if nouns is not None and any(re.fullmatch(rf"(?:{nouns})", clause.folded) for clause in said.clauses[:-1]):
        said = said.without(0, said.clauses[-1].start)
    if asked in _OPENED and _NEVER_OPENED.search(said.folded):
        return True
    spoken = "，".join(clause.folded for clause in said.clauses)
    if says_nothing(said) or (pattern is not None and pattern.search(spoken)):
        return True
    if asked is Slot.EMAIL and _OTHER_CHANNELS.search(said.folded):
        return True
    return asked in {Slot.ADDRESS, Slot.EMAIL} and _HOMELESS.search(said.folded) is not None


def says_nothing(said: Said) -> bool:
    """没有, 无, and nothing more."""
    clauses = [clause for clause in said.clauses if not _LEFT_OVER.fullmatch(clause.folded)]
    return bool(clauses) and all(_NOTHING.fullmatch(clause.folded.replace(" ", "")) for clause in clauses)


def asks_back(folded: str) -> bool:
    """A question, a request to repeat, a greeting, or mere consent: no answer to an open question."""
    return (
        _QUESTION.search(_NOT_ASKING.sub("", folded)) is not None
        or _REPEAT.search(folded) is not None
        or _REQUEST.search(folded) is not None
    )


def is_question(folded: str) -> bool:
    return _QUESTION.search(_NOT_ASKING.sub("", folded)) is not None
