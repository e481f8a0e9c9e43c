"""Citizens and visits of the flows app's tests, whose every personal value is easy to find again in a dump."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone

from flows.models import Citizen, DialogueSession, Relative, Turn
from flows.types import FamilyMember, Gender, ReviewState, SessionState, Speaker

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_number(birth: str = "19900307", order: str = "123", region: str = "110101") -> str:
    """A made-up ID number with the right last digit; an odd `order` is a man's."""
    first = region + birth + order
    return first + "10X98765432"[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first, strict=True)) % 11]


PERSONAL: dict[str, Any] = {
    "name": "欧阳慕白",
    "gender": Gender.MALE,
    "nationality": "汉族",
    "phone": "13812345678",
    "id_card": id_number(),
    "native_place": "北京市东城区",
    "birth": date(1990, 3, 7),
    "email": "mubai@example.cn",
    "career": "钢琴调律师",
    "address": "广东省广州市番禺区桃花路8号",
    "hukou": "北京市东城区槐树胡同5号",
    "political_status": "中共党员",
    "marital_status": True,
    "religion": "无宗教信仰",
    "education": "本科",
}
"""One citizen's whole record."""
SPOUSE = {"name": "诸葛明月", "id_card": id_number("19910408", "224")}
SECRETS = (
    PERSONAL["name"],
    PERSONAL["phone"],
    PERSONAL["id_card"],
    PERSONAL["email"],
    PERSONAL["address"],
    PERSONAL["hukou"],
    PERSONAL["political_status"],
    PERSONAL["religion"],
    PERSONAL["career"],
    *SPOUSE.values(),
)
"""Texts that must not stand where nothing personal may stand."""


def citizen(number: str = "wechat-20661", *, spouse: bool = True, **changes: Any) -> Citizen:
    """A citizen with everything known."""
    made = Citizen.objects.create(number=number, **(PERSONAL | changes))
    if spouse:
        Relative.objects.create(citizen=made, relation=FamilyMember.SPOUSE, **SPOUSE)
    return made


def visit(of: Citizen | None, *, turns: int = 3, audio: bool = False, **changes: Any) -> DialogueSession:
    """A stored visit that waits for its review; `of`: its citizen, None for one that was never stored."""
    now = timezone.now()
    stored = of is not None
    made = DialogueSession.objects.create(
        **{
            "user_id": of.number if of is not None else "wechat-unknown",
            "citizen": of,
            "classify": "护照办理",
            "state": SessionState.STORED if stored else SessionState.ASKING,
            "review_state": ReviewState.PENDING if stored else ReviewState.NONE,
            "stored_at": now if stored else None,
            "expires_at": now + timedelta(minutes=30),
            "draft": {
                "citizen": {"name": PERSONAL["name"], "phone": PERSONAL["phone"], "birth": "1990-03-07", "marital_status": True},
                "relatives": {"spouse": {"name": SPOUSE["name"]}},
            },
            "summary": {"name": PERSONAL["name"], "phone": PERSONAL["phone"]},
        }
        | changes
    )
    for position in range(turns):
        by_citizen = bool(position % 2)
        turn = Turn(
            session=made,
            position=position,
            speaker=Speaker.CITIZEN if by_citizen else Speaker.KIOSK,
            text=f"我的电话是{PERSONAL['phone']}" if by_citizen else "请问您的手机号码是多少？",
            slot="phone",
            confidence=0.93 if by_citizen else None,
        )
        if audio and by_citizen:
            turn.audio.save("", ContentFile(b"RIFF\x24\x00\x00\x00WAVEfmt "), save=False)
        turn.save()
    return made
