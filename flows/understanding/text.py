"""From what was said to what is compared: one way of writing, and which parts of it are the request."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from flows.slots.words import listed
from flows.understanding.lexicon import lexicon

if TYPE_CHECKING:
    from opencc import OpenCC

_HEAD, _TAIL = 700, 300
"""Of a longer text, its beginning and its end are read: people say first or last what they want."""
_MOST_CLAUSES = 30
"""Of more, the first and the last ones."""

_SEPARATORS = re.compile(r"[^\w\s'-]+|\s{2,}|\n")
_HAN_GAP = re.compile(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")

INTENT = re.compile(
    r"想|要(?!是|不是|求)|申请|办(?!公|完|过|好|了|法|事处)|来[办给把做领补换查交开打报提]|怎么|如何|能不能|可不可以|能.{0,12}[吗不]|可以.{0,12}[吗不]|请问"
    r"|麻烦|帮我|咨询|需要|哪里|得[办补换]|什么.{0,4}(?:手续|材料|条件|流程)|顺便|给我|[补换]一?[个张本块]|把.{1,10}(?:了|过来|过去|掉|好|到)"
)
"""That a clause wants something."""
_MEASURED = re.compile(r"(?<=[办考开改换补弄搞打查领要找租买取转报注申请])(?:[一几]?[个张本份套块](?!人|体|税)|一下)")
"""Measure words between an action and its object: 考个驾照 is 考驾照."""

_CORRECTED = re.compile(r"(?<![是可要])不是(?:来|要|想|说|问|去)?(?P<what>[^,是]{1,14}?)(?:,|而)*(?=[,是]|我[要想是来])")
_DECLINED = re.compile(
    r"(?<![要来想再得新是])不(?:是要|是来|想|用|要|需要)?[办补换查做交领开](?!了|下去|到|起|成|满|好|清|来)|(?:不是|不用|不要)了?$|什么都不"
)
"""Not after 要: 我要不办 is a recogniser's 我要补办."""
_COMPARED = re.compile(r"[跟和与][^,跟和与]{1,8}?(?=不一样|不一致|对不上|不符|不同)")
"""What something differs from is not what is wanted."""
_UNDONE = re.compile(r"没有?(?:丢|坏|过期|到期|遗失)")
_BROUGHT = re.compile(
    r"(?:我|我们|今天|手上)?(?:都|也|已经|就)?(?:带|拿|准备|备|揣)(?:了|着|来了|好了|齐了|全了|上了)(?P<what>.*?)(?=过?来(?!了)|想|要|,|$)"
    r"|(?:都|也|已经|就|是|我)?(?:带|拿|准备|备)(?:着|来|好|齐|全|上)?(?:了|呢|着|在身上|在手[上里])$"
)
_BROUGHT_BEFORE = re.compile(
    r"^.*(?:都|也|已经|就|全)?(?:带|拿|准备|备)(?:着|来了|好了|齐了|全了|过来了|在身上|在手[上里])|^.*(?:带|准备|备)了"
)
_DONE = re.compile(
    r"(?:已经|早就|刚刚?|昨天|前天|上个?月|上周|去年|前年|今年|之前|以前)[^,]{0,12}?[办换补领转交做弄拿提报](?:好|完|过|走|到手|的新?的?$)"
    r"|(?:昨天|前天|上次|上周|上个?月|去年|前年)[^,]{0,10}[办换补领拿]的"
    r"|[办换补领转交做弄](?:好|完|过)了$|(?:也|都|已经)拿到了$"
)
_POSSESSED = re.compile(
    r"^(?:我|我们|他|她)?(?:也|都|已经)?有[^没]+$|^[^想要怎能]{2,10}(?:[都也]?有(?:了|的)?|[都也]?在这里?|在家里?.{0,3})$"
)
_PERSONAL = re.compile(
    r"^(?:你好)?(?:我(?:叫|姓|的名字)|我是.{1,3}(?:先生|女士|老板|师傅)$|(?:我的?)?(?:(?:电话|手机)(?:号|是|[0-9幺一])|身份证号|住在|家住|地址))[^想办]*$"
)

_PEOPLE = "|".join(sorted(listed("nationalities"), key=len, reverse=True))
_FIELD_ALONE = re.compile(
    rf"(?:我)?(?:就)?(?:是)?(?:(?:一?个)?[男女](?:的|性|生|士|同志)?|(?:{_PEOPLE})族(?:的|人)?|(?:性别|民族).{{1,6}}|"
    r"(?:中共)?党员|共?青?团员|群众|[0-9]{11}|[0-9]{17}[0-9x])"
)
"""男的, 汉族, of a citizen who says everything at once: 我叫张三，男的，汉族，我要办身份证."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of what was said, normalised."""

    text: str
    intent: bool
    """It says that something is wanted."""
    weight: float
    """0 to 1: how likely this is what is wanted, not what is only mentioned."""


def normalise(text: str) -> str:
    """Lower case, half width, simplified characters, plain Mandarin; clauses are separated by commas.

    Reads at most 1000 characters; what can't be shown (control characters, emoji) separates.
    """
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]},{text[-_TAIL:]}"
    text = text.encode("utf-8", "replace").decode()  # no unpaired surrogates
    text = _simplified(unicodedata.normalize("NFKC", text)).lower()
    text = _SEPARATORS.sub(",", text.replace("、", "和"))
    text = _HAN_GAP.sub("", text)
    tables = lexicon()
    text = _pattern("rewrite").sub(lambda match: tables.rewrite[match[0]], text)
    text = _pattern("english").sub(lambda match: tables.english[match[0]], text)
    text = _MEASURED.sub("", text)
    return re.sub(r",{2,}", ",", _HAN_GAP.sub("", text)).strip(", _-'")


def clauses(text: str) -> list[Clause]:
    """The parts of a normalised text that may be the request; what it says is not wanted is left out."""
    text = _COMPARED.sub("", _UNDONE.sub("", text))
    text = _CORRECTED.sub(",", text)
    parts = [part for part in text.split(",") if part]
    if len(parts) > _MOST_CLAUSES:
        parts = parts[: _MOST_CLAUSES // 2] + parts[-_MOST_CLAUSES // 2 :]
    found = [clause for part in parts for clause in _split_mentions(part)]
    return [clause for clause in found if not _DECLINED.search(clause.text)]


def _split_mentions(part: str) -> Iterable[Clause]:
    brought = _BROUGHT.search(part)
    if brought and brought["what"] is not None and part[brought.end() :]:
        yield Clause(part[: brought.end()], intent=False, weight=_MENTIONED)
        part = part[brought.end() :]
    elif brought or _BROUGHT_BEFORE.search(part) or _DONE.search(part) or _PERSONAL.search(part) or _FIELD_ALONE.fullmatch(part):
        yield Clause(part, intent=False, weight=_MENTIONED)
        return
    intent = bool(INTENT.search(part))
    yield Clause(part, intent, _MENTIONED if not intent and _POSSESSED.match(part) else 1.0)


_MENTIONED = 0.25


@cache
def _pattern(table: str) -> re.Pattern[str]:
    words: Mapping[str, str] = getattr(lexicon(), table)
    either = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![a-z0-9])(?:{either})(?![a-z0-9])" if table == "english" else either)


@cache
def _converter() -> OpenCC:
    from opencc import OpenCC

    return OpenCC("t2s")


def _simplified(text: str) -> str:
    simplified: str = _converter().convert(text)
    return simplified
