"""An utterance made ready for the parsers: bounded, without fillers, in one spelling of digits and field names.

Recognisers write homophones, people type full-width digits and traditional characters: repaired here, for all slots.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from flows.slots.words import listed

MAX_CHARACTERS: Final = 500
"""A minute of speech has about 300; what comes after this is not looked at."""

_RUNS_OF_SPACE = re.compile(r"\s+")
HAN: Final = r"㐀-䶿一-鿿\U00020000-\U0003134f"
"""Chinese characters, for the inside of a character class."""

_TRADITIONAL = (
    "漢汉蒙蒙滿满維维爾尔壯壮黨党員员眾众團团歲岁學学業业畢毕專专碩硕離离異异喪丧單单結结婚婚無无號号碼码電电話话機机證证"
    "戶户籍籍貫贯廣广東东灣湾陸陆龍龙馬马鳥鸟門门區区縣县鄉乡鎮镇號号樓楼單单員员師师護护醫医農农軍军從从業业職职個个這这們们"
    "係是嘅的喺在噉这冇没唔不說说講讲對对錯错過过還还沒没時时間间應应該该問问題题為为誰谁嗎吗請请謝谢幾几點点兩两"
    "會会來来見见長长親亲國国華华臺台灣湾台台濟济寧宁陝陕蘇苏遼辽貴贵雲云慶庆瀋沈鄭郑蘭兰蘆芦廈厦濱滨藍蓝張张陳陈劉刘楊杨"
    "趙赵黃黄吳吴孫孙許许馮冯鄧邓蕭萧葉叶蔣蒋盧卢鍾钟薑姜譚谭賈贾顧顾鄒邹龔龚萬万賴赖齊齐錢钱湯汤溫温嚴严歐欧閻阎聶聂關关"
    "靈灵麗丽紅红偉伟強强軍军輝辉鵬鹏燕燕傑杰曉晓濤涛緒绪書书畫画興兴寶宝義义禮礼誠诚讓让開开陽阳陰阴曆历舊旧臘腊閏闰節节"
    "囗口夲本"
)
_FOLDED = str.maketrans({a: b for a, b in zip(_TRADITIONAL[::2], _TRADITIONAL[1::2], strict=True) if a != b})

_FULL_WIDTH = {
    code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if not unicodedata.category(chr(code - 0xFEE0)).startswith("P")
}
_FULL_WIDTH |= {ord(a): ord(b) for a, b in zip("＠．－＿＋＃＇／：（）", "@.-_+#'/：()", strict=True)}
_ODD_DIGITS = {ord(char): str(unicodedata.digit(char)) for char in "①②③④⑤⑥⑦⑧⑨⓪０１２３４５６７８９"}
_DOTS = {ord(char): "·" for char in "•・‧∙⋅･●"}
_DASHES = {ord(char): "-" for char in "‐‑‒–—―−"}
_CHARACTERS = (
    _FULL_WIDTH
    | _ODD_DIGITS
    | _DOTS
    | _DASHES
    | {ord("…"): "，", ord("○"): "〇", ord("◯"): "〇"}
    | dict.fromkeys(map(ord, '“”"「」『』《》【】'), "")
)

_MISHEARD: Final = {
    "身份证号": "身[分份]证[好浩耗]|身份[正政证]号|身[分份][正政]号",
    "身份证": "身分证|身份[正政]|身份証|身份證",
    "电话": "电活|电化|点话",
    "手机号码": "手机好[吗码马]|手机号[吗马]",
    "名字": "名子|明字",
    "姓名": "性名|姓明|兴名",
    "籍贯": "级贯|记贯|籍惯|[级即集]惯|几贯",
    "户口": "护口|互口|湖口(?=在|是|本|：)|户囗",
    "邮箱": "油箱|邮香|由箱|邮相|电邮|電郵",
    "老家": "老加|老佳",
    "地址": "地止|地只|地指|低址",
    "住址": "住只|住止|主旨|住指",
    "出生": "出声(?=日|年|于|地)|初生(?=日|年)",
    "职业是": "执业是|只业是|直业是",
    "宗教": "[中终忠]教(?=信仰)|宗叫",
    "民族": "名族(?=是)|明族(?=是)",
    "学历": "学力|学例(?=是)",
    "政治面貌": "政治面[帽茂]|正治面貌",
    "婚姻": "昏姻|婚因",
}
_MISHEARD_ANY = re.compile("|".join(f"(?P<f{number}>{pattern})" for number, pattern in enumerate(_MISHEARD.values())))
_MEANT = tuple(_MISHEARD)

_BREAK = "，。！？；、,;!?~～"
BREAKS: Final = frozenset(_BREAK + "\n")
_FILLER = (
    "呃+|嗯+|呣|啊+|哦+|喔|诶|欸|哎呀?|唉|额(?=[，。、 ])|那个(?![人的])|这个(?![人的])|就是(?=[，。、 ])|然后(?=[，。、 ])|"
    "我看(?:一下|看)啊?|等一下(?:我看看)?啊?|你(?:记|听)(?:一下|好了?|着)|怎么说呢|我想(?:一下|想)|让我想想|稍等|您?听好|我跟你说"
)
_LEADING_FILLERS = re.compile(rf"(?P<before>^|[{_BREAK} ])(?:(?:{_FILLER})[{_BREAK} ]*)+")
_PARTICLES = "啊呀吧呢嘛呗啦哈噻哦咯呐喽嘞哩欸耶嗷喔哟"
_TRAILING_PARTICLES = re.compile(
    rf"(?<=.)(?:对吧|是吧|知道吧|晓得吧|谢谢|没错|没有错|错不了|(?<=[的滴了人户族])[撒嘅咧啵]|[{_PARTICLES}])+$"
)
_FILLED_PAUSE = re.compile(rf"(?<=[叫是在住为])(?:那个|这个|嗯+|呃+|额)[{_BREAK} ]*(?=.)")
_STUTTER = re.compile(r"(我叫|我是|我住|我的|我|叫|名字|电话|手机|就是|那个|住在|户口)[，、 ]?(?:\1[，、 ]?)+(?=.)")
_TWICE = re.compile(
    rf"(?:^|(?<=[{_BREAK} 叫]))(?P<once>(?![一二三四五六七八九零〇幺两])[{HAN}·]{{2,12}}?)[{_BREAK} ]{{0,2}}(?P=once)(?=$|"
    rf"[{_BREAK} ])"
)
_DIALECT: Final = (
    (re.compile(rf"(?:^|(?<=[{_BREAK} ]))(我|俺|额|偶)(?:系|似|四|嗦)(?=[{HAN}]{{2}})"), r"\1是"),
    (re.compile(r"(户口|籍贯|老家|名字|职业)(?:系|似)(?=.)"), r"\1是"),
)
"""What other dialects say for 是."""
_BLANKS_IN_CHINESE = re.compile(r"(?<![a-z0-9]) | (?![a-z0-9])")
_BRACKETS = re.compile(rf"[(（](?=[{HAN}])|(?<=[{HAN}])[)）]")
_UNPUNCTUATED = re.compile(
    rf"(?<=[{HAN}0-9a-zA-Z])(?<![的我本换改办查个打有没丢留系家公您你现份证籍口庭讯居住qQ])(?=(?:我的|"
    rf"我)?(?:(?:联系)?电话|手机|身份证|证件|邮箱|户口|户籍|籍贯|民族|性别|政治面貌|学历|婚姻状况|宗教信仰|职业|"
    rf"住址|地址)"
    rf"(?:所在地|号码?)*(?:[是为：:在]|(?=[0-9幺一二三四五六七八九零])))|"
    rf"(?<=[{HAN}])(?=今年[0-9一二三四五六七八九十]+岁?|我住在|我的(?:电话|手机|身份证|邮箱))"
)
_PEOPLES: Final = "|".join(sorted((name + "族" for name in listed("nationalities")), key=len, reverse=True))
_RUN_TOGETHER: Final = (
    (re.compile(rf"(?<=[{HAN}]{{2}})([男女])[性的]?(?={_PEOPLES})"), r"，\1，"),
    (
        re.compile(rf"(?<=[，。、 男女])({_PEOPLES})(?=[{HAN}0-9]{{3}})(?!自治|[乡镇村路街大中小学医饭区县州人的家姑同])"),
        r"\1，",
    ),
)
"""谭秀芳女汉族四川自贡人: what a recogniser without punctuation runs together."""
_DICTATED: Final = re.compile(
    rf"(?:^|(?<=[{_BREAK} ]))(?:(?:请|你|就|给我|帮我|麻烦|都)*(?:填|选|写(?![字手作]))(?:的|"
    r"成|上|个|一下)*(?:就?是)?[：: ]*(?![错完过不修调了啥什哪在]))(?=.)"
)
_WILL_DO: Final = re.compile(rf"(?<=.{{2}})(?:就|也)(?:行|好|可以|成|得了|中)(?:了|啦|吧)*(?=$|[{_BREAK}])")
"""填汉族就行: how to write it down."""
_CLAUSE = re.compile(rf"[^{_BREAK}\n]+")


def tidy(text: str) -> str:
    """One line of at most MAX_CHARACTERS: half-width digits, no control characters, repaired field names, no fillers.

    Chinese punctuation and traditional characters stay: names and addresses are kept as they were said.
    """
    shown = "".join(_shown(char) for char in text[:MAX_CHARACTERS].translate(_CHARACTERS))
    spaced = _join_spelled_out(_RUNS_OF_SPACE.sub(" ", shown).strip())
    repaired = _MISHEARD_ANY.sub(lambda match: _MEANT[int((match.lastgroup or "f0")[1:])], spaced)
    for pattern, meant in _DIALECT:
        repaired = pattern.sub(meant, repaired)
    broken = _UNPUNCTUATED.sub("，", _BRACKETS.sub("，", repaired))
    for pattern, apart in _RUN_TOGETHER:
        broken = pattern.sub(apart, broken)
    broken = _WILL_DO.sub("", _DICTATED.sub("", broken))
    fluent = _FILLED_PAUSE.sub("", _LEADING_FILLERS.sub(lambda match: match["before"], broken))
    return _TWICE.sub(r"\g<once>", _STUTTER.sub(r"\1", fluent)).strip(" " + _BREAK.replace("~", ""))


def _shown(char: str) -> str:
    if char.isalnum():
        return char
    category = unicodedata.category(char)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    if category in {"Cf", "Cs", "Cn", "Co", "Mn", "Me"}:
        return ""
    return " " if category == "So" else char


def _join_spelled_out(text: str) -> str:
    """张 三 becomes 张三, but the fields of 张三 男 汉族 stay apart."""
    words = text.split(" ")
    joined = words[:1]
    for before, word in itertools.pairwise(words):
        single = len(before) == len(word) == 1 and _is_han(before) and _is_han(word)
        if single and not (before in "男女" and word not in "的性生士孩") and word not in "男女":
            joined[-1] += word
        else:
            joined.append(word)
    return " ".join(joined)


def _is_han(char: str) -> bool:
    return "㐀" <= char <= "鿿"


def fold(text: str) -> str:
    """Simplified and in lower case, character by character, so that positions stay."""
    folded = text.translate(_FOLDED).lower()
    return folded if len(folded) == len(text) else text.translate(_FOLDED)


def simplified(text: str) -> str:
    """In simplified characters, which keep their case and their positions."""
    return text.translate(_FOLDED)


def without_particles(text: str) -> str:
    """广州啊 becomes 广州; a lone particle stays."""
    return _TRAILING_PARTICLES.sub("", text)


@dataclass(frozen=True)
class Said:
    """A tidied utterance, or a part of it, in two spellings whose positions agree."""

    text: str = field(repr=False)
    """As it was said; values are cut out of it."""

    @cached_property
    def folded(self) -> str:
        """Simplified and in lower case; words are looked for in it."""
        return fold(self.text)

    @cached_property
    def compact(self) -> str:
        """`folded` without the blanks beside Chinese characters."""
        return _BLANKS_IN_CHINESE.sub("", self.folded)

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """Between punctuation marks, without fillers at the front and particles at the end."""
        return tuple(self._cut())

    def _cut(self) -> Iterator[Clause]:
        for match in _CLAUSE.finditer(self.text):
            stripped = match[0].strip()
            if stripped:
                start = match.start() + match[0].index(stripped)
                yield Clause(without_particles(stripped), start, start + len(stripped))

    def without(self, start: int, end: int) -> Said:
        """The same with a gap of punctuation where another slot's value stands."""
        return Said(self.text[:start] + "，" * (end - start) + self.text[end:]) if end > start else self


@dataclass(frozen=True)
class Clause:
    """A piece of an utterance; `start` and `end` are where it stands there, particles included."""

    text: str = field(repr=False)
    start: int
    end: int

    @cached_property
    def folded(self) -> str:
        return fold(self.text)
