"""What the page knows of the questions before they come: which field a text asks for, and the answers that are buttons.

The sockets carry sentences (platform protocol, 对话). The page finds its field in a sentence by the wordings, which it is sent,
so that it can offer buttons, hide numbers, and say the same in English. A sentence that it does not know is asked all the same.
"""

from __future__ import annotations

from typing import Any, Final

from flows.dialogue import wording
from flows.dialogue.drafts import Field
from flows.models import ServiceItem
from flows.types import RELATIVE_SLOTS, FamilyMember, Slot

CHOICES: Final[dict[Slot, tuple[str, ...]]] = {
    Slot.GENDER: ("男", "女"),
    Slot.NATIONALITY: (
        *("汉", "壮", "回", "满", "维吾尔", "苗", "彝", "土家", "藏", "蒙古", "侗", "布依", "瑶", "白", "朝鲜", "哈尼", "黎"),
        *(
            "哈萨克",
            "傣",
            "畲",
            "傈僳",
            "东乡",
            "仡佬",
            "拉祜",
            "佤",
            "水",
            "纳西",
            "羌",
            "土",
            "仫佬",
            "锡伯",
            "柯尔克孜",
            "景颇",
        ),
        *("达斡尔", "撒拉", "布朗", "毛南", "塔吉克", "普米", "阿昌", "怒", "鄂温克", "京", "基诺", "德昂", "保安", "俄罗斯"),
        *("裕固", "乌孜别克", "门巴", "鄂伦春", "独龙", "赫哲", "高山", "珞巴", "塔塔尔"),
    ),
    Slot.MARITAL_STATUS: ("未婚", "已婚", "离异", "丧偶"),
    Slot.POLITICAL_STATUS: (
        *("群众", "党员", "预备党员", "团员", "民革党员", "民盟盟员", "民建会员", "民进会员", "农工党党员", "致公党党员"),
        *("九三学社社员", "台盟盟员", "无党派人士"),
    ),
    Slot.EDUCATION: ("小学", "初中", "高中", "中专", "大专", "本科", "硕士", "博士"),
    Slot.RELIGION: ("无", "佛教", "道教", "伊斯兰教", "天主教", "基督教"),
}
"""By how many people give them, nationalities by the seventh census; what is said when the button is pressed."""

COMMON_SERVICES: Final = (
    *("id-card", "hukou-booklet", "residence-permit", "social-security-card", "medical-insurance-enrolment"),
    *("provident-fund-withdrawal", "passport", "marriage-registration", "driver-license-renewal", "individual-business"),
)
"""Codes of the services that come first as buttons, as far as this hall offers them."""

DISPUTE_ANSWERS: Final = ("以身份证为准", "以我说的为准")
LEAVING_ANSWERS: Final = ("继续", "确定")


def question_book() -> list[dict[str, Any]]:
    """Every field: its key ("phone", "spouse.name"), slot, relation, and the sentences that ask for it."""
    fields = [Field(slot) for slot in Slot] + [Field(slot, member) for member in FamilyMember for slot in RELATIVE_SLOTS]
    return [
        {
            "key": str(field),
            "slot": field.slot.value,
            "relation": field.relation.value if field.relation is not None else "",
            "label": wording.asking(field).label,
            "texts": list(wording.asking(field).questions),
        }
        for field in fields
    ]


def choices() -> dict[str, list[str]]:
    """The answers that are buttons, by slot."""
    return {slot.value: list(values) for slot, values in CHOICES.items()}


def services() -> list[dict[str, str]]:
    """Code and name of every service the hall offers, the common ones first."""
    offered = ServiceItem.objects.enabled().order_by("order", "pk").values_list("code", "name")
    rank = {code: place for place, code in enumerate(COMMON_SERVICES)}
    items = [{"code": code, "name": name} for code, name in offered]
    return sorted(items, key=lambda item: rank.get(item["code"], len(rank)))


def forks() -> list[dict[str, Any]]:
    """Questions about the conversation itself, told by words that stand in them, and their answers."""
    return [
        {"key": "leave", "holds": wording.REALLY_LEAVE, "answers": list(LEAVING_ANSWERS)},
        {"key": "dispute", "holds": "请问以哪个为准", "answers": list(DISPUTE_ANSWERS)},
    ]
