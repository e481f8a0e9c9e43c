"""How personal data is shown to those who may not see it whole."""

from __future__ import annotations

import re
from typing import Final

_KEPT_WHOLE_NAME = 2
_SHORT = 4
_PHONE_DIGITS = 7
"""A number from so many digits on keeps three in front and four at the end."""
_ID_CARD_LENGTHS = (15, 18)

_PROVINCE: Final = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|"
    "内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
_PLAIN: Final = r"[^省市区县旗镇乡村街道路巷弄号\W\d_a-zA-Z]"
_KEPT_ADDRESS: Final = re.compile(
    rf"(?:(?:{_PROVINCE})(?:省|市|(?:壮族|回族|维吾尔)?自治区|特别行政区)?)?"
    rf"(?:{_PLAIN}{{1,4}}市|{_PLAIN}{{1,10}}(?:自治州|地区|盟))?"
)
"""Province and city: units of millions of people. Anything smaller is left out, a county-level city after the city too."""


def mask_name(name: str) -> str:
    """张三 becomes 张*, 欧阳娜娜 becomes 欧**娜: first and last character stay, a name of two keeps the first."""
    if len(name) <= _KEPT_WHOLE_NAME:
        return name[:1] + "*" * max(0, len(name) - 1)
    return name[0] + "*" * (len(name) - 2) + name[-1]


def mask_number(number: str) -> str:
    """T001 becomes T**1, a long one keeps two characters at each end, one of up to two characters none."""
    if len(number) <= _KEPT_WHOLE_NAME:
        return "*" * len(number)
    kept = 1 if len(number) <= _SHORT else 2
    return number[:kept] + "*" * (len(number) - 2 * kept) + number[-kept:]


def mask_phone(phone: str) -> str:
    """13800138000 becomes 138****8000; what is too short for a phone number is masked as a number."""
    if sum(character.isdecimal() for character in phone) <= _PHONE_DIGITS:
        return mask_number(phone)
    return phone[:3] + "*" * (len(phone) - 7) + phone[-4:]


def mask_id_card(number: str) -> str:
    """110101********1234: the region and the end stay, the date of birth does not; of other documents less."""
    if len(number) not in _ID_CARD_LENGTHS:
        return mask_number(number)
    return number[:6] + "*" * (len(number) - 10) + number[-4:]


def mask_address(address: str) -> str:
    """广东省广州市***: province and city stay, of an address that names none nothing does."""
    if not address:
        return ""
    kept = _KEPT_ADDRESS.match(address)
    return (kept[0] if kept else "") + "***"


def mask_email(email: str) -> str:
    """zhangsan@qq.com becomes z***@qq.com."""
    user, at, host = email.rpartition("@")
    return f"{user[:1]}***@{host}" if at else mask_all(email) if email else ""


def mask_all(_value: str) -> str:
    """For the audit log, which says that a value changed, not what it was."""
    return "***"


def mask_given(value: str) -> str:
    """For the audit log, which says that a value was given, changed or removed, not what it was."""
    return "" if value in {"", "None"} else "***"
