"""Every sentence that the kiosk speaks in the questions: plain spoken Chinese, short, never repeating a citizen's data aloud."""

from __future__ import annotations

from dataclasses import dataclass

from flows.dialogue.drafts import Field
from flows.types import FamilyMember, Slot


@dataclass(frozen=True, slots=True)
class Asking:
    """How one field is asked for."""

    label: str
    """What citizens call it."""
    questions: tuple[str, ...]
    """The first time, the second time, …; the last one from then on."""
    why: str
    meaning: str
    """What is meant, and how to answer."""


_CITIZEN: dict[Slot, Asking] = {
    Slot.NAME: Asking(
        "姓名",
        ("请问您叫什么名字？", "请说一下您身份证上的姓名。", "麻烦再说一遍姓名，比如“我叫张三”。"),
        "办理业务要用您本人的姓名登记。",
        "就是您身份证上写的姓名。",
    ),
    Slot.GENDER: Asking(
        "性别",
        ("请问您的性别是？", "请说一下性别，男还是女。", "请直接说“男”或者“女”。"),
        "登记表上有性别这一项。",
        "请说“男”或者“女”，和身份证上一致。",
    ),
    Slot.NATIONALITY: Asking(
        "民族",
        ("请问您是什么民族？", "请说一下您的民族，比如汉族。", "请说身份证上的民族，比如“汉族”“回族”。"),
        "登记表上有民族这一项。",
        "就是您身份证上写的民族，比如汉族、壮族、回族。",
    ),
    Slot.PHONE: Asking(
        "电话",
        ("请问您的联系电话是多少？", "请说一下您的手机号，一共十一位。", "请慢一点，一位一位地报手机号。"),
        "办好了或者材料有问题，工作人员要打电话通知您。",
        "请说能联系到您的手机号码，也可以是带区号的座机。",
    ),
    Slot.ID_CARD: Asking(
        "身份证号",
        ("请问您的身份证号码是多少？", "请说一下十八位的身份证号码。", "请慢一点，一位一位地报身份证号，最后一位是X就说X。"),
        "要用身份证号核实是您本人办理。",
        "就是身份证上的十八位号码，最后一位可能是字母X。",
    ),
    Slot.NATIVE_PLACE: Asking(
        "籍贯",
        ("请问您的籍贯是哪里？", "请说一下籍贯，到市或者县就行。", "请说籍贯，比如“湖南长沙”。"),
        "登记表上有籍贯这一项。",
        "籍贯一般是祖父或者父亲的老家，说到市或者县就可以。",
    ),
    Slot.BIRTH: Asking(
        "出生日期",
        ("请问您的出生日期是哪一天？", "请说一下出生的年、月、日。", "请说公历的生日，比如“一九九零年三月五号”。"),
        "办理条件和年龄有关，要登记出生日期。",
        "请按身份证说公历的年、月、日。",
    ),
    Slot.EMAIL: Asking(
        "邮箱",
        (
            "请问您的电子邮箱是什么？",
            "请说一下邮箱地址，没有可以说“没有”。",
            "请一个一个字母地报，比如“一二三四五艾特QQ点com”。",
        ),
        "电子的材料和结果会发到邮箱。",
        "就是电子邮箱，比如QQ邮箱；没有就说“没有”。",
    ),
    Slot.CAREER: Asking(
        "职业",
        ("请问您是做什么工作的？", "请说一下您的职业，比如老师、司机、退休。", "请用几个字说职业，没有工作就说“无业”。"),
        "登记表上有职业这一项。",
        "说您现在的工作就行，比如教师、个体户、退休、学生。",
    ),
    Slot.ADDRESS: Asking(
        "住址",
        ("请问您现在住在哪里？", "请说一下住址，从省市说到门牌号。", "请说完整的住址，比如“广东省广州市番禺区某某路八号”。"),
        "通知和证件要寄到您的住址，有的业务也按住址办理。",
        "说您现在实际居住的地址，从省、市、区说到门牌号。",
    ),
    Slot.HUKOU: Asking(
        "户口所在地",
        ("请问您的户口在哪里？", "请说一下户口所在地，说到区或者县。", "请说户口本上的地址，比如“广州市天河区”。"),
        "不少业务要看户口在哪里，决定由哪个窗口办理。",
        "就是户口本首页上的地址，说到区或者县就可以。",
    ),
    Slot.POLITICAL_STATUS: Asking(
        "政治面貌",
        ("请问您的政治面貌是？", "请问您是党员、团员还是群众？", "请说“党员”“团员”或者“群众”。"),
        "登记表上有政治面貌这一项，不想说可以说“跳过”。",
        "就是您是中共党员、共青团员、民主党派还是群众。",
    ),
    Slot.MARITAL_STATUS: Asking(
        "婚姻状况",
        ("请问您结婚了吗？", "请问您现在是已婚还是未婚？", "请说“已婚”或者“未婚”。"),
        "这项业务的条件和婚姻状况有关。",
        "说您现在是已婚还是未婚；离异、丧偶也请直接说。",
    ),
    Slot.RELIGION: Asking(
        "宗教信仰",
        ("请问您有宗教信仰吗？", "请问您信什么宗教，没有就说“没有”。", "请说宗教的名称，或者说“没有”。"),
        "登记表上有这一项，不想说可以说“跳过”。",
        "比如佛教、基督教、伊斯兰教，没有就说“没有”。",
    ),
    Slot.EDUCATION: Asking(
        "学历",
        ("请问您的学历是？", "请说一下最高学历，比如高中、大专、本科。", "请说毕业的最高学历，比如“初中”或者“本科”。"),
        "登记表上有文化程度这一项。",
        "就是已经毕业的最高学历，比如小学、初中、高中、大专、本科。",
    ),
}

RELATION_NAMES = {FamilyMember.SPOUSE: "配偶", FamilyMember.CHILD: "孩子", FamilyMember.PARENT: "父亲或母亲"}


def _of_relative(relation: str) -> dict[Slot, Asking]:
    return {
        Slot.NAME: Asking(
            f"{relation}的姓名",
            (
                f"请问您{relation}叫什么名字？没有就说“没有”。",
                f"请说一下您{relation}身份证上的姓名。",
                f"请直接说您{relation}的姓名，没有就说“没有”。",
            ),
            "这项业务要登记家庭成员。",
            f"请说您{relation}身份证或者户口本上的姓名；没有就说“没有”。",
        ),
        Slot.ID_CARD: Asking(
            f"{relation}的身份证号",
            (
                f"请问您{relation}的身份证号码是多少？",
                f"请说一下您{relation}十八位的身份证号码。",
                "请慢一点，一位一位地报，不知道可以说“不知道”。",
            ),
            "要用身份证号核对家庭成员。",
            f"就是您{relation}的十八位身份证号码，户口本上也有；还没有就说“没有”。",
        ),
    }


_RELATIVES = {relation: _of_relative(name) for relation, name in RELATION_NAMES.items()}

_THANKS = ("好的。", "记下了。", "好，知道了。")
CORRECTED = "好的，已经改过来了。"
SKIPPED = "好的，这一项先不填。"
LEFT_OPEN = "没关系，这一项先空着，以后可以到窗口补。"
ABSENT = "好的。"
NOT_UNDERSTOOD = "不好意思，没有听明白。"
NOT_HEARD = "不好意思，没有听清。"
WHAT_TO_CORRECT = "好的，请直接说正确的内容，比如“电话是……”。"
REALLY_LEAVE = "您确定不办了吗？要结束请说“确定”，接着办请说“继续”。"
GOING_ON = "好的，我们继续。"


def asking(about: Field) -> Asking:
    """How a field is asked for."""
    return _CITIZEN[about.slot] if about.relation is None else _RELATIVES[about.relation][about.slot]


def question(about: Field, tries: int) -> str:
    """The question for a field that was asked for in vain so often."""
    wordings = asking(about).questions
    return wordings[min(tries, len(wordings) - 1)]


def thanks(turn: int) -> str:
    """A short word that something was taken down, not always the same."""
    return _THANKS[turn // 2 % len(_THANKS)]


def because(reason: str) -> str:
    """Why an answer was not taken, as a sentence."""
    return reason if reason.endswith(("。", "？", "！")) else f"{reason}。"


def dispute(slot: Slot, *, first_time: bool) -> str:
    """Asks which of two values that contradict each other is right; neither is spoken aloud."""
    label = _CITIZEN[slot].label
    if first_time:
        return f"身份证号上的{label}和您说的不一样，请问以哪个为准？请说“以身份证为准”，或者“以我说的为准”。"
    return f"{label}请问以哪个为准？请说“身份证”或者“我说的”，也可以重新报一遍身份证号。"


DISPUTE_WHY = "身份证号里含有出生日期和性别，两边要对得上才能办理。"


def label(slot: Slot) -> str:
    """What citizens call a slot of theirs."""
    return _CITIZEN[slot].label
