"""Native place, home address and registered residence: kept as they were said, without 我住在 and 户口在."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from flows.slots.base import CERTAIN, GUESSED, LIKELY, Reading, WrongValue
from flows.slots.refusals import asks_back, gives_nothing
from flows.slots.regions import place_names, province_names, region_names, starts_abroad, starts_with_place
from flows.slots.text import HAN, Clause, Said, fold, without_particles
from flows.slots.words import listed
from flows.types import Slot

_VAGUE: Final = frozenset(listed("vague_regions"))
_ABBREVIATED: Final = {word[0]: word[1:] for word in listed("place_abbreviations")}
_BY_ABBREVIATION = re.compile(
    rf"(?:^|[我是的，。 ])(?P<short>(?!黑户|新户|青籍)[{''.join(_ABBREVIATED)}])[户籍]口?(?=$|[，。的了啊])"
)
"""深户, 沪籍."""
MAX_CHARACTERS: Final = {Slot.NATIVE_PLACE: 64, Slot.ADDRESS: 200, Slot.HUKOU: 200}

_SPEAKER: Final = r"(?:我们|俺们|咱们|我|俺|咱|额|偶|本人|阿拉)"
_BE: Final = (
    r"(?:就|都|也|一直|应该|现在|目前|已经|还|算|好像|大概|本来|原来)*(?:是从|从|是打|是|在|为|搁|于|：|:|属于?|来自|from|落|"
    r"挂|迁|转|放|留|到|的|算|住|写的?|填的?)*"
)
_FRONTS: Final = {
    Slot.NATIVE_PLACE: re.compile(
        rf"^(?:(?:户口本|身份证)(?:上|里)面?(?:写?的)?)?(?:{_SPEAKER}(?:的|滴|家)?)?"
        r"(?:(?:老家|籍贯|祖籍|家乡|故乡|原籍|出生地|家|屋里|屋头|"
        rf"祖上)再?)?(?:那(?:疙瘩|旮[沓旯]|边|里|儿|个?地方)?的?)?(?:{_BE})(?:出生|生|来自|come from|" r"from)*(?:在|于|是)?",
        re.IGNORECASE,
    ),
    Slot.ADDRESS: re.compile(
        rf"^(?:{_SPEAKER}(?:的|滴)?)?(?:现在|目前|平时|常年|一直|暂时)?(?:的|都|就)?(?:家庭|居住|现|通讯|联系|常住|"
        rf"详细|实际|目前|家里?)?的?(?:(?:住址|地址|住所|住处|住的地方|家里|家|屋企|屋头|屋里)再?)?(?:{_BE})"
        r"(?:现?居住?|暂住|租住|租房子?|借住|寄住|租|住)*(?:在|到|于|搁)?(?:(?:旁边|附近|隔壁|对面|楼上|楼下)的)?",
        re.IGNORECASE,
    ),
    Slot.HUKOU: re.compile(
        rf"^(?:{_SPEAKER}(?:的|滴)?)?(?:现在|目前|常住|刚刚?|才|已经)*(?:(?:户口|户籍|集体户口?|户|落户)(?:所在派出所|所在地?|地址|登记地|"
        rf"落户地|地|本)?(?:上|里|再)?)?(?:{_BE})(?:在|到|了|于|是)*(?:老家)?", re.IGNORECASE
    ),
}  # fmt: skip
_BACKS: Final = {
    Slot.NATIVE_PLACE: re.compile(
        r"(?:本地|那[边里儿块]|那[疙旮][瘩旯]|这边|这里|老家|附近)?(?:人[氏士]?|银|的|滴|哩|过?来的?|出生|生的|长大)*$"
    ),
    Slot.ADDRESS: re.compile(r"(?:这个地方|那个地方|这一片|那一片|那边|那里|那儿|这边|这里|附近|那块|旁边)?(?:的|滴|住着?|呢)*$"),
    Slot.HUKOU: re.compile(
        r"(?:那边|那里|那儿|这边|这里|老家)?(?:的?(?:集体|家庭)?户口|的?户籍|的?(?:集体|家庭)?户|落的?户)?(?:也|还|一直)*(?:没有?(?:迁|动|转|变)(?:走|出来?|过来?)?)?(?:的|滴|呢|了|人)*$"
    ),
}
_MARKS: Final = {
    Slot.NATIVE_PLACE: re.compile(
        rf"^(?:(?:{_SPEAKER}(?:的)?)?(?:籍贯|祖籍|老家|原籍)(?:就|都|也)*[是在为：: ]*|{_SPEAKER}(?:是|"
        rf"来自))(?P<place>[{HAN}A-Za-z0-9]{{2,40}}?)(?P<people>人|的|滴|那边的)*$"
    ),
    Slot.ADDRESS: re.compile(
        rf"(?:(?:{_SPEAKER}(?:的)?)?(?:现在|目前)?(?:家庭|居住|通讯)?(?<!户籍)(?<!户口)(?<!户口本)(?:住址|地址)[是在为：: ]*|"
        rf"(?:^|{_SPEAKER})(?:家|屋企)?(?:现在|目前|就|都)*(?:(?:住|家|租住|居住)在|家住|现住|"
        rf"住(?=[{HAN}]{{1,5}}[省市区县]))|{_SPEAKER}家在)(?P<place>[^，。；]{{2,80}})$"
    ),
    Slot.HUKOU: re.compile(
        rf"(?:{_SPEAKER}(?:的)?)?(?:户口|户籍)本?上?(?:所在地?|地址|地)?(?:就|还|也|都|落|迁|"
        rf"挂)*[是在为搁到：: ]+(?P<place>[{HAN}A-Za-z0-9\-]{{2,60}}?)(?:的|那边的?|了)?$"
    ),
}
_PEOPLE_OF = re.compile(rf"(?P<place>[{HAN}]{{2,12}}?)(?P<people>人)")
"""四川自贡人"""
_PLACE_WORD = re.compile(
    rf"[{HAN}A-Za-z0-9]{{1,12}}(?:省|市|县|区|镇|乡|村|屯|庄|寨|堡|州|盟|旗|街|路|巷|弄|胡同|大道|小区|花园|公寓|"
    rf"大厦|广场|宿舍|社区|新村|家园|苑|府|湾|城|楼|栋|幢|单元|组|队|号|室|园|里|坊|营|沟|坡|湖|港|岛|山|学院|大学|"
    rf"中学|厂|公司|市场|中心|医院|派出所|庙|桥|坝|垸|圩|堂|岭|塘|店|口|台|坪|冲|铺|集|峪|洼|滩)"
)
_SAME = re.compile(
    r"一样|相同|同上|同户口|同住址|身份证上|户口本上(?:的|写的)?(?:那个|地址)?$|(?:跟|和|与|同|就是?)(?:身份证|"
    r"户口|籍贯|住址|老家|地址|上面|前面|刚才|那个)|见身份证|就那个|本地|当地"
)
_LANDMARK = re.compile(r"(?:旁边|附近|对面|隔壁|边上|后面|前面|楼上|楼下|不远|斜对面)(?:的|那个?|那里|小区|那栋)*$|那个小区$")
_MORE_EXACTLY = re.compile(r"^(?:具体|详细|门牌|门牌号|地址|应该)(?:地址|位置)?(?:是|在|就是)*")
_HERE = re.compile(
    r"^(?:就)?(?:在)?(?:本[市县区省镇村]|市区|市里|城区|县里|镇上|家里?|附近|这里?|这边|这儿|那里|本地|当地|隔壁|对面|旁边|楼上|楼下|村里|乡下|农村|城里|"
    r"城镇|城市|农业|非农业?|居民|地球|宇宙|火星|天上|这(?:栋楼|个小区|条街|一?片|个村|个地方)|(?:农村|乡下)老家|外[地省县市]|省外|(?:厂|学校|公司|单位|工地|部队)里?的?宿舍|老家|单位|公司|学校|宿舍|小区|集体|路边|山里|桥洞)(?:的|户口?|"
    r"户籍|户|人|上|家庭户|里|边)*$"
)
_CURRENT = re.compile(r"现在|目前|搬[到去来]|迁到|转到|落到|落在|如今|后来")
_DENIED = re.compile(rf"^{_SPEAKER}?(?:户口|籍贯|老家|家|现在)?(?:并?不|没有?)(?:是|在|住)")
_MOVED = re.compile(r".*(?:[迁转落搬调换](?:到|去|往|至|回|入|进|来)?了?)(?:在|到)?")
_HELD_IN = re.compile(r".*(?:户口|户籍)(?:都|也|就|还|一直|目前|现在)*(?:在|是|落在|挂在|放在)|.*派出所(?:是|在|：)")
_PROVINCE_OF = re.compile(rf"([{HAN}]{{2,8}}?)的(?=[{HAN}]{{2}})")
_BESIDE = re.compile(rf"(?:(?:我|就|现在)*住?(?:在)?)[{HAN}]{{2,8}}(?:旁边|附近|隔壁|对面|后面|边上|后头)的")
_FORMER = re.compile(r"^(?:原来|以前|之前|本来|过去|曾经)")
_CHAT = re.compile(
    rf"^(?:那个|这个|然后|因为|所以|但是|不过|你|您|我觉得|可以|谢谢|就这个|就是这|没了|行|好|是的|对|吧|我(?!家|"
    rf"住|们)|{_SPEAKER}(?:是|叫))|已经.*年了$|租的|买的|刚搬|搬来|住了"
)
_NEXT_FIELD = re.compile(
    r" ?(?:公民|身份证?|电话|手机|邮箱|姓名|性别|民族(?!路|大道|街|大学|学院)|出生|的?(?:集体|"
    r"家庭|农村|农业|城镇|居民|非农)?户口|户籍|籍贯|职业|学历|"
    r"政治面貌|婚姻)(?![路街巷村]).*$"
)
_BEFORE_PLACE = re.compile(r"[的是在到于为填写]|老家|^老|长大在?|土长|地道|正宗")
_ATTEMPT = re.compile(rf"[{HAN}A-Za-z0-9]{{2}}")
_PROBLEMS: Final = {
    Slot.NATIVE_PLACE: "没听出是什么地方，请说籍贯的省和市，比如湖南长沙",
    Slot.ADDRESS: "请把现在的住址说完整，比如哪个市、哪个区、哪条路、几号",
    Slot.HUKOU: "请说户口登记在哪里，比如广州市天河区",
}
_LATIN_ADDRESS = re.compile(r"[A-Za-z0-9 ,，.#/\-]{8,}")
_LATIN_STREET = re.compile(r"\b(?:road|rd|street|st|avenue|ave|lane|room|building|district|no|block|floor|apartment|apt)\b")
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
        match = _MARKS[slot].search(clause.folded) or (_PEOPLE_OF.fullmatch(clause.folded) if slot is Slot.NATIVE_PLACE else None)
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
    return "".join((parts[0], *(_MORE_EXACTLY.sub("", part) for part in parts[1:])))


def _end_of(said: Said, clause: Clause, place: str) -> int:
    end = clause.end
    for following in said.clauses:
        if following.start >= end and place.endswith(following.text.replace(" ", "")):
            end = following.end
    return end


def _goes_on(folded: str) -> bool:
    """A smaller unit: 三栋, 二零一, 番禺区, 体育西路123号."""
    if _LANDMARK.search(folded):
        return False
    folded = _MORE_EXACTLY.sub("", folded)
    return bool(
        re.fullmatch(
            rf"[0-9〇零一二两三四五六七八九十百幺\-a-z]{{1,8}}(?:号|室|栋|楼|单元|房|户|层|座|幢|"
            rf"组)?[{HAN}0-9]{{0,12}}",
            folded,
        )
        or (
            _PLACE_WORD.match(folded)
            and not _CHAT.search(folded)
            and not re.search(r"[是叫]|搬|原来|电话|手机|户口|籍贯|身份|号码|邮箱|公民|姓名|民族|性别|职业", folded)
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


def _special_form(said: Said, slot: Slot) -> str | None:
    """Room 502, 88 Nanjing Road; 深户."""
    if slot is Slot.ADDRESS:
        written = _LATIN_ADDRESS.fullmatch(said.text) and _LATIN_STREET.search(said.folded)
        return said.text[: MAX_CHARACTERS[slot]] if written else None
    short = _BY_ABBREVIATION.search(said.folded)
    return _ABBREVIATED[short["short"]] if short else None


def read_place(said: Said, slot: Slot) -> Reading | None:
    """The answer to the question for one of the three places. A problem where it is none (农村户口, 跟身份证一样)."""
    if (special := _special_form(said, slot)) is not None:
        return Reading(special, None, LIKELY)
    candidates = [candidate for clause in said.clauses if (candidate := _candidate(clause, slot)) is not None]
    usable = [candidate for candidate in candidates if looks_like_place(fold(candidate.place)) and not candidate.is_vague]
    if asks_back(said.folded) and not any(candidate.named for candidate in usable):
        return None
    if _SAME.search(said.folded) and not any(starts_with_place(fold(candidate.place)) for candidate in usable):
        return Reading(None, _PROBLEMS[slot], LIKELY)
    if usable:
        best = max(_rank(candidate, slot) for candidate in usable)
        chosen = next(candidate for candidate in usable if _rank(candidate, slot) == best)
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


def _rank(candidate: _Candidate, slot: Slot) -> tuple[bool, bool, bool]:
    """What is current beats what was, a place called by its name one that is not, a known one what only looks like one."""
    folded = candidate.clause.folded
    known = starts_with_place(place := fold(candidate.place)) and place not in _VAGUE
    current = slot is not Slot.NATIVE_PLACE and _CURRENT.search(folded) is not None
    return current, _FIELD.search(folded) is not None, known


def _candidate(clause: Clause, slot: Slot) -> _Candidate | None:
    if asks_back(clause.folded) or _DENIED.match(clause.folded) or gives_nothing(clause.folded):
        return None
    text = clause.text
    if re.search(rf"[{HAN}]", text) and slot is not Slot.ADDRESS:
        text = re.sub(r"(?<![A-Za-z0-9])[A-Za-z]+ ", "", re.sub(r"come from|from", "", text))
    former = _FORMER.match(fold(text))
    text = text[former.end() :] if former else text
    if slot is not Slot.NATIVE_PLACE and (moved := _MOVED.match(fold(text))) and starts_with_place(fold(text)[moved.end() :]):
        text = text[moved.end() :]
    if slot is Slot.ADDRESS and (beside := _BESIDE.match(fold(text))) and looks_like_place(fold(text)[beside.end() :]):
        text = text[beside.end() :]
    if slot is Slot.HUKOU and (held := _HELD_IN.match(fold(text))) and starts_with_place(fold(text)[held.end() :]):
        text = text[held.end() :]
    front = _FRONTS[slot].match(fold(text))
    named = bool(front and front.end())
    place = text[front.end() :] if front and front.end() < len(text) else text
    place = place.strip(" ：:")
    place = without_particles(_NEXT_FIELD.sub("", place) or (place if _HERE.match(fold(place)) else ""))
    place = place[: len(place) - len((_BACKS[slot].search(fold(place)) or [""])[0])] or place
    place = _SEPARATORS.sub("", place).strip(" ：:-的")
    if slot is not Slot.ADDRESS and (of := _PROVINCE_OF.match(fold(place))) and of[1] in province_names():
        place = place[: of.end(1)] + place[of.end() :]
    if slot is not Slot.ADDRESS and not starts_with_place(fold(place)):
        place = _place_inside(place) or place
    return _Candidate(place, clause, named) if place else None


_NOT_FROM = re.compile(r"[不没非]|[镇乡村路街]")


def _place_inside(text: str) -> str | None:
    """地地道道的北京 holds 北京, 随我爱人落在无锡 holds 无锡; 石桥镇大通村 does not hold 大通."""
    folded = fold(text)
    starts = [match.end() for match in _BEFORE_PLACE.finditer(folded)] if len(text) <= _MOST_AROUND else []
    inside = next((text[start:] for start in starts if starts_with_place(folded[start:])), None)
    if inside is None and len(text) <= _MOST_AROUND and not _NOT_FROM.search(folded):
        known = region_names()
        starts = [
            start for start in range(1, len(text) - 1) if any(folded[start : start + length] in known for length in (2, 3, 4))
        ]
        inside = next((text[start:] for start in starts), None)
    return inside


def _whole(said: Said, slot: Slot, chosen: _Candidate) -> str:
    """The candidate with the smaller units that follow it: 福建，莆田; 广东省，广州市."""
    if slot is Slot.ADDRESS:
        return _joined_address(said, chosen.clause, chosen.place)
    place = chosen.place
    for following in said.clauses:
        if following.start < chosen.clause.end:
            continue
        text = without_particles(following.text)
        text = text[: len(text) - len((_BACKS[slot].search(fold(text)) or [""])[0])] or text
        if fold(text).endswith(fold(place)) and len(text) > len(place) and fold(text)[:2] in province_names():
            place = text
            continue
        if len(text) > _MOST_AROUND or not _is_within(fold(text), fold(place)):
            break
        place = text if fold(text).startswith(fold(place)) else place + text
    return _spelt(place, slot)


_COMPONENT = re.compile(rf"[{HAN}]{{1,8}}?(?P<level>省|市|区|县|镇|乡|街道|村|大道|路|街|巷|小区)")
_HOUSE = re.compile(r"[0-9a-z〇零一二两三四五六七八九十百]+(?P<level>号楼|号院|号|栋|幢|座|单元|室|楼|弄|层|组)")


def revised_address(earlier: str, later: str) -> str:
    """What was said before the first part that is said anew is kept: 武汉市江汉区一路3号，不对，5号 is 武汉市江汉区一路5号."""
    for pattern in (_COMPONENT, _HOUSE):
        first = pattern.match(fold(later))
        if first is None:
            continue
        same = [match for match in pattern.finditer(fold(earlier)) if match["level"] == first["level"]]
        if same:
            rest = earlier[same[-1].end() :] if first.end() == len(later) and pattern is _HOUSE else ""
            return earlier[: _own_start(same[-1])] + later + rest
    return later


def _own_start(component: re.Match[str]) -> int:
    """Where 芙蓉区 begins in 长沙芙蓉区."""
    names = region_names()
    before = next((length for length in (4, 3, 2) if component[0][:length] in names), 0)
    return component.start() + (before if len(component[0]) > before + 1 else 0)


def is_house_number(text: str) -> bool:
    """1039号, 三栋"""
    return _HOUSE.match(fold(text)) is not None


def _is_within(smaller: str, place: str) -> bool:
    if smaller.removesuffix("市").removesuffix("县") in place or smaller.endswith("老乡"):
        return False
    if smaller.startswith(("农村", "农业", "城镇")):
        return False
    if place in province_names():
        return starts_with_place(smaller) and len(smaller) <= _FEW
    named = re.search(r"[省市区州县]$", place) is not None or any(place[-length:] in region_names() for length in range(2, 6))
    return bool(named and looks_like_place(smaller) and (re.search(r"[市区县州镇乡村]$", smaller) or smaller in place_names()))
