"""Native place, home address and registered residence: kept as they were said, without 我住在 and 户口在."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from flows.slots.base import CERTAIN, GUESSED, LIKELY, Reading, WrongValue
from flows.slots.refusals import asks_back
from flows.slots.regions import province_names, starts_abroad, starts_with_place
from flows.slots.text import HAN, Clause, Said, fold, without_particles
from flows.types import Slot

MAX_CHARACTERS: Final = {Slot.NATIVE_PLACE: 64, Slot.ADDRESS: 200, Slot.HUKOU: 200}

_SPEAKER: Final = r"(?:我们|俺们|咱们|我|俺|咱|额|偶|本人|阿拉)"
_BE: Final = (
    r"(?:就|都|也|一直|应该|现在|目前|已经|还|算|好像|大概|本来|原来)*(?:是|在|为|搁|于|：|:|属于?|来自|from|落|"
    r"挂|迁|转|放|留|到|的|算|住|写的?|填的?)*"
)
_FRONTS: Final = {
    Slot.NATIVE_PLACE: re.compile(
        rf"^(?:{_SPEAKER}(?:的|滴)?)?(?:(?:老家|籍贯|祖籍|家乡|故乡|原籍|出生地|家|屋里|屋头|"
        rf"祖上)再?)?(?:{_BE})(?:出生|生|来自|come from|from)*(?:在|于|是)?", re.IGNORECASE
    ),
    Slot.ADDRESS: re.compile(
        rf"^(?:{_SPEAKER}(?:的|滴)?)?(?:现在|目前|平时|常年|一直|暂时)?(?:的|都|就)?(?:家庭|居住|现|通讯|联系|常住|"
        rf"详细|实际|目前|家里?)?的?(?:(?:住址|地址|住所|住处|住的地方|家里|家|屋企|屋头|屋里)再?)?(?:{_BE})"
        r"(?:居住|暂住|租住|租房|住)?(?:在|到|于|搁)?(?:(?:旁边|附近|隔壁|对面|楼上|楼下)的)?",
        re.IGNORECASE,
    ),
    Slot.HUKOU: re.compile(
        rf"^(?:{_SPEAKER}(?:的|滴)?)?(?:现在|目前|常住)?(?:(?:户口|户籍|集体户口?|户|落户)(?:所在地|地址|登记地|"
        rf"落户地|地|本)?(?:上|里|再)?)?(?:{_BE})(?:在|到|了|于|是)*(?:老家)?", re.IGNORECASE
    ),
}  # fmt: skip
_BACKS: Final = {
    Slot.NATIVE_PLACE: re.compile(
        r"(?:那[边里儿块]|那[疙旮][瘩旯]|这边|这里|老家|附近)?(?:人氏?|银|的|滴|哩|来的|出生|生的|长大)*$"
    ),
    Slot.ADDRESS: re.compile(r"(?:那边|那里|那儿|这边|这里|附近|那块|旁边)?(?:的|滴|住着?|呢)*$"),
    Slot.HUKOU: re.compile(r"(?:那边|那里|那儿|这边|这里|老家)?(?:的?户口|的?户籍|户)?(?:的|滴|呢|了|人)*$"),
}
_MARKS: Final = {
    Slot.NATIVE_PLACE: re.compile(
        rf"^(?:(?:{_SPEAKER}(?:的)?)?(?:籍贯|祖籍|老家|原籍)(?:就|都)?[是在为：: ]*|{_SPEAKER}(?:是|"
        rf"来自))(?P<place>[{HAN}A-Za-z0-9]{{2,40}}?)(?P<people>人|的|滴|那边的)*$"
    ),
    Slot.ADDRESS: re.compile(
        rf"(?:(?:{_SPEAKER}(?:的)?)?(?:现在|目前)?(?:家庭|居住|通讯)?(?<!户籍)(?<!户口)(?:住址|地址)[是在为：: ]*|"
        rf"(?:^|{_SPEAKER})(?:家|屋企)?(?:现在|目前|就|都)*(?:(?:住|家|租住|居住)在|家住|现住|"
        rf"住(?=[{HAN}]{{1,5}}[省市区县]))|{_SPEAKER}家在)(?P<place>[^，。；]{{2,80}})$"
    ),
    Slot.HUKOU: re.compile(
        rf"(?:{_SPEAKER}(?:的)?)?(?:户口|户籍)(?:所在地|地址|地)?(?:就|还|也|都|落|迁|"
        rf"挂)*[是在为搁到：: ]+(?P<place>[{HAN}A-Za-z0-9\-]{{2,60}}?)(?:的|那边的?)?$"
    ),
}
_PLACE_WORD = re.compile(
    rf"[{HAN}A-Za-z0-9]{{1,12}}(?:省|市|县|区|镇|乡|村|屯|庄|寨|堡|州|盟|旗|街|路|巷|弄|胡同|大道|小区|花园|公寓|"
    rf"大厦|广场|宿舍|社区|新村|家园|苑|府|湾|城|楼|栋|幢|单元|组|队|号|室|园|里|坊|营|沟|坡|湖|港|岛|山|学院|大学|"
    rf"中学|厂|公司|市场|中心|医院|派出所|庙|桥|坝|垸|圩|堂|岭|塘|店|口|台|坪|冲|铺|集|峪|洼|滩)"
)
_SAME = re.compile(
    r"一样|相同|同上|同户口|同住址|身份证上|户口本上(?:的|写的)?(?:那个|地址)?$|(?:跟|和|与|同|就是?)(?:身份证|"
    r"户口|籍贯|住址|老家|地址|上面|前面|刚才|那个)|见身份证|就那个|本地|当地"
)
_HERE = re.compile(
    r"^(?:就)?(?:在)?(?:家里?|附近|这里?|这边|这儿|那里|本地|当地|隔壁|对面|旁边|楼上|楼下|村里|乡下|农村|城里|"
    r"城镇|城市|农业|非农业?|居民|地球|宇宙|火星|天上|外地|老家|单位|公司|学校|宿舍|路边|山里|桥洞)(?:的|户口?|"
    r"户籍|户|人|上|家庭户|里|边)*$"
)
_CURRENT = re.compile(r"现在|目前|迁到|转到|落到|落在|如今|后来")
_DENIED = re.compile(rf"^{_SPEAKER}?(?:户口|籍贯|老家|家|现在)?(?:并?不|没有?)(?:是|在|住)")
_FORMER = re.compile(r"^(?:原来|以前|之前|本来|过去|曾经)")
_CHAT = re.compile(
    rf"^(?:那个|这个|然后|因为|所以|但是|不过|你|您|我觉得|可以|谢谢|就这个|就是这|没了|行|好|是的|对|吧|我(?!家|"
    rf"住|们)|{_SPEAKER}(?:是|叫))|已经.*年了$|租的|买的|刚搬|搬来|住了"
)
_NEXT_FIELD = re.compile(
    r" ?(?:公民|身份证?|电话|手机|邮箱|姓名|性别|民族(?!路|大道|街|大学|学院)|出生|户口|户籍|籍贯|职业|学历|"
    r"政治面貌|婚姻)(?![路街巷村]).*$"
)
_BEFORE_PLACE = re.compile(r"[的是在到于为填写]|老家")
_ATTEMPT = re.compile(rf"[{HAN}A-Za-z0-9]{{2}}")
_PROBLEMS: Final = {
    Slot.NATIVE_PLACE: "没听出是什么地方，请说籍贯的省和市，比如湖南长沙",
    Slot.ADDRESS: "请把现在的住址说完整，比如哪个市、哪个区、哪条路、几号",
    Slot.HUKOU: "请说户口登记在哪里，比如广州市天河区",
}
_SEPARATORS = re.compile(r"(?<=[^A-Za-z])[ ，,、]+|[ ，,、]+(?=[^A-Za-z ])")
_FIELD = re.compile(r"老家|籍贯|祖籍|户口|户籍|住|地址")
_SMALLEST, _FEW, _MOST_AROUND = 2, 6, 20


def check_place(slot: Slot, text: str) -> str:
    """A place as it was written. Raises WrongValue."""
    place = re.sub(r"\s+", " ", text).strip(" ，。,.;；")
    if len(place) < _SMALLEST or not re.search(rf"[A-Za-z{HAN}]{{2}}", place) or not place.isprintable():
        raise WrongValue(_PROBLEMS[slot])
    if len(place) > MAX_CHARACTERS[slot]:
        raise WrongValue("地址说得太长了，请您简短一点")
    return place


def looks_like_place(text: str) -> bool:
    """It begins with a known place, or ends like a village, a street or a house."""
    return starts_with_place(text) or _PLACE_WORD.match(text) is not None


def find_place(said: Said, slot: Slot) -> Reading | None:
    """A place that is called so."""
    for clause in said.clauses:
        match = _MARKS[slot].search(clause.folded)
        if match is None or asks_back(clause.folded):
            continue
        place = _NEXT_FIELD.sub("", clause.text[match.start("place") : match.end("place")]).replace(" ", "")
        if slot is Slot.ADDRESS:
            place = _joined_address(said, clause, place)
        if not _is_marked_place(fold(place), slot) or (match.groupdict().get("people") is None and _is_calling(clause, slot)):
            continue
        return Reading(_spelt(place, slot), None, CERTAIN, clause.start, _end_of(said, clause, place))
    return None


def _is_marked_place(place: str, slot: Slot) -> bool:
    """Of native place and registered residence the name must be known; 我是六五年三月八号生的 has a 号 too."""
    return looks_like_place(place) if slot is Slot.ADDRESS else starts_with_place(place) and not starts_abroad(place)


def _is_calling(clause: Clause, slot: Slot) -> bool:
    """我是广州 without 人 or 的 is a slip, 我是路政员 is a calling: 我是 needs one of them, a named place does not."""
    return slot is Slot.NATIVE_PLACE and re.match(rf"{_SPEAKER}是", clause.folded) is not None


def _spelt(place: str, slot: Slot) -> str:
    simplified = fold(place) if slot is not Slot.ADDRESS and not re.search("[A-Z]", place) else place
    return simplified[: MAX_CHARACTERS[slot]]


def _joined_address(said: Said, clause: Clause, place: str) -> str:
    """The clause's place and the pieces that go on with it: …小区，三栋，二零一."""
    parts = [place]
    for following in said.clauses:
        if following.start >= clause.end:
            if not _goes_on(following.folded) or said.text[clause.end : following.start].count("，") > 1:
                break
            parts.append(following.text.replace(" ", ""))
            clause = following
    return "".join(parts)


def _end_of(said: Said, clause: Clause, place: str) -> int:
    end = clause.end
    for following in said.clauses:
        if following.start >= end and place.endswith(following.text.replace(" ", "")):
            end = following.end
    return end


def _goes_on(folded: str) -> bool:
    """A smaller unit: 三栋, 二零一, 番禺区, 体育西路123号."""
    return bool(
        re.fullmatch(
            rf"[0-9〇零一二两三四五六七八九十百幺\-a-z]{{1,8}}(?:号|室|栋|楼|单元|房|户|层|座|幢|"
            rf"组)?[{HAN}0-9]{{0,12}}",
            folded,
        )
        or (
            _PLACE_WORD.match(folded)
            and not _CHAT.search(folded)
            and not re.search(r"[是叫]|电话|手机|户口|籍贯|身份|号码|邮箱|公民|姓名|民族|性别|职业", folded)
        )
        or (len(folded) <= _FEW * 2 and starts_with_place(folded) and not re.search(r"[是叫人的]", folded))
    )


@dataclass(frozen=True, slots=True)
class _Candidate:
    place: str
    clause: Clause
    named: bool
    """Something like 老家 or 户口在 stood before it."""

    @property
    def is_vague(self) -> bool:
        return _HERE.match(fold(self.place)) is not None


def read_place(said: Said, slot: Slot) -> Reading | None:
    """The answer to the question for one of the three places. A problem where it is none (农村户口, 跟身份证一样)."""
    candidates = [candidate for clause in said.clauses if (candidate := _candidate(clause, slot)) is not None]
    usable = [candidate for candidate in candidates if looks_like_place(fold(candidate.place)) and not candidate.is_vague]
    if asks_back(said.folded) and not any(candidate.named for candidate in usable):
        return None
    if _SAME.search(said.folded) and not any(starts_with_place(fold(candidate.place)) for candidate in usable):
        return Reading(None, _PROBLEMS[slot], LIKELY)
    if usable:
        best = max(_rank(candidate) for candidate in usable)
        chosen = next(candidate for candidate in usable if _rank(candidate) == best)
        place = _whole(said, slot, chosen)
        try:
            return Reading(check_place(slot, place), None, LIKELY)
        except WrongValue as error:
            return Reading(None, error.reason, LIKELY)
    if asks_back(said.folded) or not _ATTEMPT.search(said.text):
        return None
    attempted = any(candidate.named or candidate.is_vague or candidate.place.isdigit() for candidate in candidates)
    if attempted or (candidates and len(said.text) <= _FEW):
        return Reading(None, _PROBLEMS[slot], GUESSED)
    return None


def _rank(candidate: _Candidate) -> tuple[bool, bool, bool]:
    """What is current beats what was, a place called by its name one that is not, a known one what only looks like one."""
    folded = candidate.clause.folded
    return _CURRENT.search(folded) is not None, _FIELD.search(folded) is not None, starts_with_place(fold(candidate.place))


def _candidate(clause: Clause, slot: Slot) -> _Candidate | None:
    if asks_back(clause.folded) or _DENIED.match(clause.folded):
        return None
    text = clause.text
    if re.search(rf"[{HAN}]", text) and slot is not Slot.ADDRESS:
        text = re.sub(r"(?<![A-Za-z0-9])[A-Za-z]+ ", "", re.sub(r"come from|from", "", text))
    former = _FORMER.match(fold(text))
    text = text[former.end() :] if former else text
    front = _FRONTS[slot].match(fold(text))
    named = bool(front and front.end())
    place = text[front.end() :] if front and front.end() < len(text) else text
    place = without_particles(_NEXT_FIELD.sub("", place.strip(" ：:")))
    place = place[: len(place) - len((_BACKS[slot].search(fold(place)) or [""])[0])] or place
    place = _SEPARATORS.sub("", place).strip(" ：:-的")
    if slot is not Slot.ADDRESS and not starts_with_place(fold(place)):
        place = _place_inside(place) or place
    return _Candidate(place, clause, named) if place else None


def _place_inside(text: str) -> str | None:
    """地地道道的北京 holds 北京, 随我爱人落在无锡 holds 无锡; 石桥镇大通村 does not hold 大通."""
    folded = fold(text)
    starts = [match.end() for match in _BEFORE_PLACE.finditer(folded)] if len(text) <= _MOST_AROUND else []
    return next((text[start:] for start in starts if starts_with_place(folded[start:])), None)


def _whole(said: Said, slot: Slot, chosen: _Candidate) -> str:
    """The candidate with the smaller units that follow it: 福建，莆田; 广东省，广州市."""
    if slot is Slot.ADDRESS:
        return _joined_address(said, chosen.clause, chosen.place)
    place = chosen.place
    following = next((clause for clause in said.clauses if clause.start >= chosen.clause.end), None)
    if following is not None and len(following.folded) <= _MOST_AROUND and _is_within(following.folded, fold(place)):
        place = following.text if following.folded.startswith(fold(place)) else place + following.text
    return _spelt(place, slot)


def _is_within(smaller: str, place: str) -> bool:
    if place in province_names():
        return starts_with_place(smaller) and len(smaller) <= _FEW
    return bool(re.search(r"[省市区州县]$", place) and re.search(r"[市区县州镇乡村]$", smaller) and looks_like_place(smaller))
