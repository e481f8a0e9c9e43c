"""A hall with made-up people, visits, events and videos, for browser tests and the pictures of the docs.

    server.manage("shell", "-c", "from tests.showroom import fill; fill()")

Everybody in it is invented; the numbers are of no phone and no ID card that anybody has.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone

from analytics.models import DeviceType, MediaDevice, RecognitionEvent, Video, VideoInterval, VideoState
from faces.models import ConsentSource, Person, UserType
from flows.models import Citizen, DialogueSession, Relative, ServiceItem, Turn
from flows.types import FamilyMember, Gender, ReviewState, SessionState, Speaker
from kiosk.models import ApiToken, Role
from kiosk.roles import apply_roles
from tests.flows.records import id_number

PASSWORD = "show-room-2026"
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许"
_NAMES = (
    "建国",
    "秀英",
    "伟",
    "芳",
    "娜",
    "敏",
    "静",
    "丽",
    "强",
    "磊",
    "军",
    "洋",
    "勇",
    "艳",
    "杰",
    "娟",
    "涛",
    "明",
    "超",
    "秀兰",
)
_STREETS = ("桃花路8号", "人民路120号2栋301室", "解放大道77号", "和平街5号", "新华路19号")
_GIVEN_UP_AT = ("name", "phone", "phone", "id_card", "id_card", "address", "hukou", "marital_status")


def fill(*, password: str = PASSWORD, seed: int = 7, days: int = 30) -> None:
    """Into an empty, bootstrapped database; visits of so many days, today among them, and a member of staff of each role."""
    chance = random.Random(seed)
    apply_roles()
    members = {"reviewer": "lin", "manager": "chen", "technician": "zhao", "auditor": "sun"}
    staff = [_member(key, name, password) for key, name in members.items()]
    citizens = [_citizen(number, chance) for number in range(2 * days)]
    _visits(citizens, staff[0], chance, days)
    people = _people(chance)
    _events(_devices(), people, chance)
    _videos(chance)
    ApiToken.objects.create_key(name="大厅入口摄像头", scopes=["faces:recognise"])


def _member(key: str, username: str, password: str) -> User:
    user = User.objects.create_user(username, password=password, is_staff=True)
    group = Role.objects.get(key=key).group
    assert group is not None
    user.groups.add(group)
    return user


def _citizen(number: int, chance: random.Random) -> Citizen:
    birth = date(1950, 1, 1) + timedelta(days=chance.randrange(20_000))
    male = chance.random() < 0.5
    order = f"{chance.randrange(10, 99)}{1 if male else 2}"
    return Citizen.objects.create(
        number=f"hall-{number:05}",
        name=chance.choice(_SURNAMES) + chance.choice(_NAMES),
        gender=Gender.MALE if male else Gender.FEMALE,
        nationality="汉族",
        phone=f"1380000{number:04}",
        id_card=id_number(f"{birth:%Y%m%d}", order, "110101"),
        native_place="北京市东城区",
        birth=birth,
        career=chance.choice(("教师", "工程师", "退休", "司机", "")),
        address=f"北京市东城区{chance.choice(_STREETS)}",
        education=chance.choice(("本科", "高中", "大专", "")),
    )


def _visits(citizens: Sequence[Citizen], reviewer: User, chance: random.Random, most_days: int) -> None:
    services = list(ServiceItem.objects.enabled()[:9])
    weights = [9, 7, 5, 4, 3, 2, 2, 1, 1]
    now = timezone.now()
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    for days in range(most_days):
        for _number in range(chance.randrange(12, 26) if days else 14):
            start = today - timedelta(days=days) + timedelta(minutes=chance.randrange(8 * 60, 18 * 60))
            if start > now:
                start = now - timedelta(minutes=chance.randrange(1, max(2, int((now - today).total_seconds() // 60))))
            (service,) = chance.choices(services, weights)
            _visit(start, service, chance.choice(citizens), reviewer, chance)


def _visit(start: datetime, service: ServiceItem, citizen: Citizen, reviewer: User, chance: random.Random) -> None:
    stored = chance.random() < 0.78
    found = stored or chance.random() < 0.85
    end = start + timedelta(seconds=chance.randrange(90, 600))
    visit = DialogueSession(
        user_id=citizen.number,
        service=service if found else None,
        classify=service.name if found else "",
        flow=service.guidance if found else "",
        state=SessionState.STORED if stored else SessionState.EXPIRED,
        expires_at=start + timedelta(minutes=30),
    )
    if stored:
        visit.citizen, visit.stored_at, visit.answered_at, visit.review_state = citizen, end, end, ReviewState.PENDING
        visit.draft = {"citizen": {"name": citizen.name, "phone": citizen.phone, "address": citizen.address, "career": "护士"}}
        if timezone.now() - start > timedelta(hours=20):
            visit.review_state = chance.choice(
                (ReviewState.APPROVED, ReviewState.APPROVED, ReviewState.CORRECTED, ReviewState.RETURNED)
            )
            visit.reviewed_by, visit.reviewed_at = reviewer, end + timedelta(hours=1)
            visit.review_note = "照片不清晰，请重新办理" if visit.review_state == ReviewState.RETURNED else ""
    visit.save()
    _talk(visit, service, citizen, stored=stored, chance=chance)
    DialogueSession.objects.filter(pk=visit.pk).update(created_at=start, updated_at=end)
    if stored and chance.random() < 0.2:
        Relative.objects.get_or_create(citizen=citizen, relation=FamilyMember.SPOUSE, defaults={"name": "诸葛明月"})


def _talk(visit: DialogueSession, service: ServiceItem, citizen: Citizen, *, stored: bool, chance: random.Random) -> None:
    said: list[tuple[Speaker, str, str]] = [(Speaker.CITIZEN, f"您好，我要办{service.name}", "")]
    if visit.service is not None:
        said.append((Speaker.KIOSK, service.guidance[:80], ""))
        said.append((Speaker.KIOSK, "请问您的姓名是？", "name"))
        said.append((Speaker.CITIZEN, f"我叫{citizen.name}", "name"))
        if stored:
            said.append((Speaker.KIOSK, "请问您的手机号码是多少？", "phone"))
            said.append((Speaker.CITIZEN, f"{citizen.phone}", "phone"))
            said.append((Speaker.KIOSK, "请问您现在住在哪里？", "address"))
            said.append((Speaker.CITIZEN, f"我住在{citizen.address}", "address"))
        else:
            said.append((Speaker.KIOSK, "请问…？", chance.choice(_GIVEN_UP_AT)))
    for position, (speaker, text, slot) in enumerate(said):
        confidence = round(chance.uniform(0.7, 0.99), 2) if speaker is Speaker.CITIZEN else None
        turn = Turn(session=visit, position=position, speaker=speaker, text=text, slot=slot, confidence=confidence)
        if speaker is Speaker.CITIZEN and position == 0 and stored and chance.random() < 0.15:
            turn.audio.save("", ContentFile(_silence()), save=False)
        turn.save()


def _silence() -> bytes:
    """A second of WAV."""
    samples = bytes(16_000)
    head = b"RIFF" + (36 + len(samples)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    form = (1).to_bytes(2, "little") * 2 + (8000).to_bytes(4, "little") + (16_000).to_bytes(4, "little") + b"\x02\x00\x10\x00"
    return head + form + b"data" + len(samples).to_bytes(4, "little") + samples


def _people(chance: random.Random) -> list[Person]:
    kinds = [UserType.EMPLOYEE] * 6 + [UserType.VISITOR] * 12 + [UserType.VIP] * 3 + [UserType.BLACKLIST]
    return [
        Person.objects.create(
            number=f"P{number:04}",
            name=chance.choice(_SURNAMES) + chance.choice(_NAMES),
            user_type=kind,
            consent_source=ConsentSource.STAFF if number % 5 else "",
            consented_at=timezone.now() if number % 5 else None,
        )
        for number, kind in enumerate(kinds)
    ]


def _devices() -> list[MediaDevice]:
    now = timezone.now()
    return [
        MediaDevice.objects.create(name="南门入口", device_type=DeviceType.RTSP, zone="南门", last_seen_at=now),
        MediaDevice.objects.create(name="取号机", device_type=DeviceType.PHOTO, zone="大厅", last_seen_at=now),
        MediaDevice.objects.create(
            name="北门出口",
            device_type=DeviceType.RTSP,
            zone="北门",
            error="Connection refused",
            error_since=now - timedelta(hours=2),
        ),
        MediaDevice.objects.create(name="旧摄像头", device_type=DeviceType.RTSP, enabled=False),
    ]


def _events(devices: Sequence[MediaDevice], people: Sequence[Person], chance: random.Random) -> None:
    now = timezone.now()
    made = []
    for number in range(400):
        person = chance.choice(people) if chance.random() < 0.55 else None
        made.append(
            RecognitionEvent(
                event_id=f"show-{number}",
                happened_at=now - timedelta(minutes=chance.randrange(60 * 24 * 20) if number % 4 else chance.randrange(60 * 9)),
                device=chance.choice(devices[:3]),
                person=person,
                stranger_id="" if person else f"s{chance.randrange(80)}",
                user_type=person.user_type if person else UserType.STRANGER,
                score=chance.uniform(60, 98) if person else chance.uniform(5, 30),
            )
        )
    RecognitionEvent.objects.bulk_create(made)


def _videos(chance: random.Random) -> None:
    now = timezone.now()
    for days in range(6):
        video = Video.objects.create(
            name=f"停车场-{days}.mp4",
            file="videos/none",
            sha256=f"{days:064}",
            size_bytes=1_000_000,
            interval_ms=600_000,
            recorded_at=now - timedelta(days=days, hours=6),
            state=VideoState.DONE,
            progress=1,
            finished_at=now,
            duration_ms=5 * 3_600_000,
        )
        intervals = [
            VideoInterval(
                video=video,
                position=position,
                start_ms=position * 600_000,
                people=chance.randrange(6),
                vehicles=chance.randrange(3),
                people_passed=chance.randrange(9),
                vehicles_passed=chance.randrange(4),
            )
            for position in range(30)
        ]
        VideoInterval.objects.bulk_create(intervals)
        totals = {
            "people": sum(one.people_passed for one in intervals),
            "vehicles": sum(one.vehicles_passed for one in intervals),
        }
        Video.objects.filter(pk=video.pk).update(**totals)
