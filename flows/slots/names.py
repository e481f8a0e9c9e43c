"""Names of people: 我叫张三, 免贵姓王，王建国, 姓章，立早章，名字叫明, 买买提·艾力, John Smith; and what only looks like one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from flows.slots import education, political_status, religion
from flows.slots.base import CERTAIN, GUESSED, LIKELY, Reading, WrongValue
from flows.slots.career import is_occupation
from flows.slots.nationality import NATIONALITIES
from flows.slots.refusals import asks_back, is_question
from flows.slots.regions import place_names, province_names, region_names, starts_with_place
from flows.slots.sounds import syllables
from flows.slots.text import HAN, Clause, Said, fold, without_particles
from flows.slots.words import listed, words_by_value

MAX_CHARACTERS: Final = 64
_LONGEST_HAN, _LONGEST_UNKNOWN, _LONGEST_MINORITY = 4, 3, 14

_SPEAKER: Final = r"(?:我|本人|俺|咱|偶|额|吾|窝|阿拉|在下|鄙人|敝人|wo)(?:们)?"
_PEOPLE: Final = "|".join(sorted((name + "族" for name in NATIONALITIES), key=len, reverse=True))
_FIELD: Final = (
    rf"(?:{_SPEAKER}(?:的|滴)?)?(?:真实|中文|汉语)?(?:(?<=[文语])名|姓名|名字|大名|全名|真名|本名|(?<=的)名)栏?(?:里|上)?(?:呢|嘛|啊|呀)?(?:就)?(?:写|填)?(?:是叫|叫做?|"
    rf"[是为系])?[：: ]*"
)
_CALLED: Final = (
    rf"(?:{_SPEAKER}) ?(?:就|也|嘛|呢|啊)?(?:(?:是|名)?叫[做作]?|交|教|较|喊[做作]?|jiao|唤作|喚作|名叫|姓名)[是： ]*"
)
_FULL = re.compile(rf"(?:{_FIELD}|{_CALLED}|(?:my name is|i am|i'm) ?(?=[{HAN}]))(?P<name>[^，。；！？、,;!?\n]{{1,80}})")
_STARTS_CALLED = re.compile(r"^(?:就?是?叫[做作]?|名叫|名唤|大名|is|name is)(?!我|了|车|个|什么)\s*")
_ENGLISH = re.compile(
    r"(?:my (?:full )?name is|my name'?s|i am|i'?m|call me|this is)\s+(?P<name>[a-z][a-z .'\-]{1,60})", re.IGNORECASE
)
_I_AM = re.compile(rf"(?:^|[，。；、 ])(?:{_SPEAKER}(?:就)?(?:[是系]| ?shi ?)|(?:本人|鄙人|在下))(?P<name>[{HAN}·]{{2,14}})")
_ON_DOCUMENT = re.compile(
    rf"(?:身份证|户口本|户口|证件|护照)上面?(?:我|的|写的?|登记的?|印的)*(?:名字)?(?:(?:就?[是叫])|(?<=写的))[：: ]*"
    rf"(?P<name>[{HAN}]{{2,14}})"
)
_TYPED_DOT = re.compile(rf"(?<=[{HAN}])[.。](?=[{HAN}])")
_JUST_CALLED = re.compile(
    r"(?:^|[，。；、 ])(?:我|俺)?(?:现在|如今|后来|改名|大名|全名)?(?:名|请|就|你就?|那就)?(?:改)?叫(?:做|"
    rf"我)?(?P<name>[{HAN}]{{2,14}})"
)
_EXPLAINED_TAIL = re.compile(rf"(?:就?是)?(?:[{HAN}]{{1,4}}的[{HAN}]字?){{0,2}}[{HAN}]{{1,4}}的(?P<char>[{HAN}])字?")
_SURNAME = re.compile(
    rf"(?:免贵)?(?:我|本人|鄙人|俺)?(?:免贵)?姓(?P<surname>[{HAN}]{{1,2}}?)(?=[，。；、,名叫单的字 啊呀吧]|$|"
    rf"这个姓)"
)
_GIVEN = re.compile(
    rf"(?:单名(?:一?个)?|名字(?:是|叫)?|名(?:叫|是)?|(?:我|"
    rf"就)?叫[做作]?)(?P<given>[{HAN}]{{1,4}}?)字?(?=[，。；、, ]|$|[啊呀吧])"
)

_GIVEN_FIRST = re.compile(rf"(?:我|俺)?(?:单名|名字?)(?:叫|是|一个|个)*(?P<given>[{HAN}]{{1,2}})字?[，。、 ]+(?:我|免贵)*$")
_OTHER_NAME = re.compile(
    r"(?:^|(?<=[，。；、 ]))(?:我|俺)?(?:的)?(?:曾用名|以前的?(?:名字)?叫?|原来叫|原名|"
    r"小名|外号|网名|绰号|从前叫|英文名)[^，。；]*(?:[，。；]|$)"
)
_STOP = re.compile(
    rf"今年|电话|手机|联系|身份证|民族|性别|{_PEOPLE}|汉族|(?:男|女)(?:的|性|生|士|孩|，|$)|(?:住在|住址|家住|地址|"
    rf"来自|出生|生日|生于|老家|籍贯|户口|户籍|未婚|已婚|党员|群众|邮箱|职业|学历|本科|大专)|"
    r"(?:想|要|来|需要|准备|打算)(?:要|来|想)?(?:办|申|查|问|补|领|换|咨)|办理|是来|我(?:是|要|想|的|今年)|"
    r"这个|那个|(?:三个|两个)字|大写|不是|姓|弓长|立早|木子|耳东|就(?:是|行|好|可以)|谢谢|您好|你好|先生$|女士$"
)
_FUNCTION: Final = frozenset("的了吗呢么吧啊不没你您他她它这那哪谁怎我俺个啥咋嘛呗们把被让给很都还也就滴哩")
"""Characters that no name has, but every sentence."""
_NOT_NAMES: Final = frozenset(listed("not_names"))
SINGLE: Final = frozenset(listed("surnames"))
COMPOUND: Final = frozenset(listed("compound_surnames"))
_CHARACTER_OF: Final = {
    words + char: char for char, explanations in words_by_value("surname_explanations").items() for words in explanations
}
"""弓长张 is 张."""
_TITLE: Final = (
    r"(?:先生|女士|小姐|太太|师傅|老师|总|工|姐|哥|大爷|大妈|大哥|大姐|阿姨|叔叔|叔|同志|经理|医生|主任|局长|处长|"
    r"科长|老板|大娘|大婶|大叔|大伯|婶子?|嫂子?|队长|书记|支书|村长|院长|校长|教授|师父|老弟|某|某某|同学|奶奶|爷爷)"
)
_TITLED = re.compile(rf"(?:(?:小|老|阿|大)(?P<nick>[{HAN}])子?|(?P<surname>[{HAN}]{{1,2}}?){_TITLE})$")
_TRANSLITERATED: Final = frozenset(listed("transliterating"))
_TRANSLITERATED_LONGER: Final = _TRANSLITERATED | frozenset(listed("transliterating_longer"))
_LONGER = 3
_LATIN = re.compile(r"[A-Za-z][A-Za-z.'\-]*(?: [A-Za-z.'\-]+){0,4}")
_NOT_LATIN_NAMES: Final = frozenset(listed("not_latin_names"))
_DOTTED = re.compile(rf"[{HAN}A-Za-z]{{1,15}}(?:·[{HAN}A-Za-z.]{{1,15}}){{1,4}}")
_MIXED = re.compile(rf"[{HAN}]{{1,4}}[A-Za-z]{{1,12}}|[A-Za-z]{{1,12}} ?[{HAN}]{{1,4}}")
_ALLOWED = re.compile(rf"[{HAN}A-Za-zÀ-ɏ·.' \-]{{1,{MAX_CHARACTERS}}}")
_OF = re.compile(rf"^(?:就?是|[{HAN}]{{1,4}}(?:就|嘛)?是)?[{HAN}]{{1,6}}的(?:那个)?(?P<char>[{HAN}])(?:(?<!名)字)?$")
_SPELT_OUT = re.compile(rf"^(?:就?是)?(?:姓)?(?P<words>{'|'.join(sorted(_CHARACTER_OF, key=len, reverse=True))})(?:的[{HAN}])?$")
_SPELT_INSIDE = re.compile("|".join(sorted((words for words in _CHARACTER_OF if len(words) > 2), key=len, reverse=True)))  # noqa: PLR2004
_OTHER_VOCABULARIES: Final = (religion.VOCABULARY, education.VOCABULARY, political_status.VOCABULARY)
_AFTER_NO_NAME: Final = ("的", "人", "族", "户口", "户籍", "这边", "那边")
_HAN_WORD = re.compile(rf"[{HAN}]{{2,}}")
_SENTENCE = re.compile(r"办|[来去]的|出|要|想|是|身份|名字|叫|在|说|问|什|知道|有|错|改|写")
_SURNAME_ONLY: Final = "请说全名，姓和名都要"
_NO_NAME: Final = "请说您身份证上的姓名"


def check_name(name: str) -> str:
    """A name as it is written: Chinese, with ·, or in Latin letters. Raises WrongValue."""
    name = re.sub(r"\s+", " ", name).strip()
    if not name or not _ALLOWED.fullmatch(name) or not re.search(rf"[{HAN}A-Za-zÀ-ɏ]", name):
        raise WrongValue(_NO_NAME)
    if len(name) == 1 and not name.isascii():
        raise WrongValue(_SURNAME_ONLY)
    return name


def find_name(said: Said) -> Reading | None:
    """A name that is called so: 我叫…, 姓名…, 免贵姓…, 我是… where it can be nothing else."""
    said = _with_dots(_without_other_names(said))
    for reader in (_surname_and_given, _full_name, _i_am):
        reading = reader(said)
        if reading is not None and isinstance(reading.value, str):
            return replace(reading, value=_explained(reading.value, said))
    return None


def _without_other_names(said: Said) -> Said:
    """曾用名李狗蛋，现在叫李国栋 without the name that is no longer used."""
    blanked = _OTHER_NAME.sub(lambda match: "，" * len(match[0]), said.text)
    return Said(blanked) if blanked.strip("，") else said


def _with_dots(said: Said) -> Said:
    """古丽娜尔.买买提 as 古丽娜尔·买买提: few keyboards have the dot."""

    def meant(match: re.Match[str]) -> str:
        before = re.search(rf"[{HAN}]{{1,3}}$", said.folded[: match.start()])
        after = re.match(rf"[{HAN}]{{2,3}}", said.folded[match.end() :])
        return "·" if before and after and _TRANSLITERATED.issuperset(before[0][-2:] + after[0][:2]) else match[0]

    return Said(_TYPED_DOT.sub(meant, said.text))


def read_name(said: Said) -> Reading | None:
    """The answer to the question for the name; a problem where it is 小王, 王先生 or a surname alone."""
    said = _with_dots(_without_other_names(said))
    if found := find_name(said):
        return found
    for clause in _without_explanations(said):
        if name := _bare(clause):
            confidence = LIKELY if _is_han_name(fold(name)) else GUESSED
            return Reading(_explained(name, said), None, confidence, clause.start, clause.end)
    if assembled := _assembled(said):
        return Reading(assembled, None, GUESSED)
    return _problem(said)


def _full_name(said: Said) -> Reading | None:
    for match in _FULL.finditer(said.folded):
        if is_question(match[0]):
            continue
        run = said.text[match.start("name") : match.end("name")]
        if name := _cut(run, marked=True):
            offset = match.start("name") + run.index(name[0])
            return Reading(name, None, CERTAIN, match.start(), offset + len(name))
    english = _ENGLISH.search(said.text)
    if english and (english["name"][0].isupper() or "name" in fold(english[0])):
        name = english["name"].strip()
        if fold(name).split()[0] not in _NOT_LATIN_NAMES and len(name.split()) <= 4:  # noqa: PLR2004
            return Reading(name, None, CERTAIN, english.start(), english.end())
    return None


def _surname_and_given(said: Said) -> Reading | None:
    """姓王，名建国; 免贵姓王，王建国; 我姓诸葛，单名一个亮字."""
    match = _SURNAME.search(said.folded)
    if match is None:
        return None
    surname = match["surname"]
    if surname not in SINGLE | COMPOUND:
        return _rare_surname(said, surname, match.end())
    if given := _GIVEN.search(said.folded, match.end()) or _GIVEN_FIRST.match(said.folded, 0, match.start()):
        word = said.text[given.start("given") : given.end("given")]
        whole = word if fold(word).startswith(surname) and len(word) > len(surname) else surname + word
        if _is_han_name(fold(whole)) and not _OF.match(given["given"]):
            return Reading(whole, None, CERTAIN, min(match.start(), given.start()), max(match.end(), given.end()))
    rest = Said("，" * match.end() + said.text[match.end() :])
    for clause in _without_explanations(rest):
        name = without_particles(clause.text)
        if fold(name).startswith(surname) and _is_han_name(fold(name)):
            return Reading(name, None, CERTAIN, match.start(), clause.end)
        whole = surname + name
        if (
            re.fullmatch(rf"[{HAN}]{{1,2}}", name)
            and _is_han_name(fold(whole))
            and not _is_something_else(fold(name), fold(name))
        ):
            return Reading(whole, None, LIKELY, match.start(), clause.end)
        break
    return None


def _rare_surname(said: Said, surname: str, end: int) -> Reading | None:
    """我姓那，叫那英: a surname that no list has counts where the name that follows begins with it."""
    given = _GIVEN.search(said.folded, end)
    if given is None or not given["given"].startswith(surname) or len(given["given"]) < 2 or set(given["given"][1:]) & _FUNCTION:  # noqa: PLR2004
        return None
    return Reading(said.text[given.start("given") : given.end("given")], None, CERTAIN, given.start(), given.end())


def _i_am(said: Said) -> Reading | None:
    for match in (found for pattern in (_I_AM, _JUST_CALLED, _ON_DOCUMENT) for found in pattern.finditer(said.folded)):
        run = without_particles(said.text[match.start("name") : match.end("name")])
        if match.re is _ON_DOCUMENT and fold(run) in place_names():
            continue
        name = _cut(run, marked=False)
        if name and _is_han_name(fold(name)) and not _is_something_else(fold(name), fold(run)):
            return Reading(name, None, LIKELY, match.start(), match.start("name") + len(name))
    return None


def _is_something_else(name: str, run: str) -> bool:
    """我是高中生, 我是安徽人, 我是程序员, 我是张家口的."""
    rest = run[len(name) :]
    return (
        name in _NOT_NAMES
        or "族" in name
        or is_occupation(name)
        or is_occupation(run)
        or any(vocabulary.value_of(name) for vocabulary in _OTHER_VOCABULARIES)
        or name in (region_names() if rest else province_names())
        or (name[-1] == "人" and starts_with_place(name))
        or (bool(rest) and (rest.startswith(_AFTER_NO_NAME) or not _STOP.match(rest)))
    )


def _cut(run: str, *, marked: bool) -> str | None:
    """The name at the front of a run of characters; `marked`: it was called a name, so that rarer forms count too."""
    run = without_particles(run.strip(" ：:“”\"'「」"))
    if dotted := _DOTTED.match(run):
        stop = _STOP.search(dotted[0])
        return dotted[0][: stop.start()] if stop and stop.start() > dotted[0].index("·") + 1 else dotted[0]
    if latin := _LATIN.match(run):
        rest = run[latin.end() :].strip()
        return latin[0].strip() if marked and not rest[:1].isalnum() and latin[0].lower() not in _NOT_LATIN_NAMES else None
    run = run.split(" ", 1)[0]
    if marked and _MIXED.fullmatch(run):
        return run
    run = _without_explained_tail(run)
    stop = _STOP.search(fold(run), 2)
    name = run[: stop.start()] if stop else run
    if stop and len(name) > 2 and name[-1] in "男女" and re.match(_PEOPLE, fold(run)[stop.start() :]):  # noqa: PLR2004
        name = name[:-1]
    return name if _is_name(fold(name), marked=marked) else None


def _without_explained_tail(run: str) -> str:
    """宋小宝大写的宋 as 宋小宝."""
    for length in (3, 2, 4):
        tail = _EXPLAINED_TAIL.fullmatch(run, length)
        if tail and tail["char"] in run[:length] and _is_han_name(fold(run[:length])):
            return run[:length]
    return run


def _is_name(name: str, *, marked: bool) -> bool:
    if name in _NOT_NAMES or not _may_name(name):
        return False
    if _is_han_name(name):
        return True
    nickname = name[0] in "小老阿" or (name[0] == "大" and name[1] in SINGLE)
    longest = _LONGEST_UNKNOWN + (name[0] in SINGLE)
    short = len(name) <= longest and not (nickname or _is_sentence(name))
    return marked and len(name) <= _LONGEST_MINORITY and (short or _is_transliterated(name))


def _may_name(name: str) -> bool:
    """At least two Chinese characters, none of them one that only sentences have; not 小王, 王先生."""
    return bool(_HAN_WORD.fullmatch(name)) and not _is_titled(name) and not set(name.replace("才让", "才")) & _FUNCTION


def _is_titled(name: str) -> bool:
    """小王, 王先生, 欧阳老师; not 尤三姐."""
    titled = _TITLED.fullmatch(name)
    return titled is not None and (titled["nick"] is not None or titled["surname"] in SINGLE | COMPOUND)


def _is_transliterated(name: str) -> bool:
    """Tibetan, Uygur, Mongolian, Yi: most of its characters are those such names are written with."""
    chars = set(name)
    if len(chars & _TRANSLITERATED) >= max(2, 0.7 * len(chars)):
        return True
    return len(name) >= _LONGER and len(chars & _TRANSLITERATED) >= 2 and chars <= _TRANSLITERATED_LONGER  # noqa: PLR2004


def _is_sentence(name: str) -> bool:
    return _SENTENCE.search(name) is not None and not set(name) <= _TRANSLITERATED


def _is_han_name(name: str) -> bool:
    """A known surname and one or two characters; up to four with a compound or a double surname."""
    if len(name) > _LONGEST_HAN or not _may_name(name):
        return False
    if name[:2] in COMPOUND:
        return len(name) >= 3 or name[0] in SINGLE  # noqa: PLR2004
    return name[0] in SINGLE and (len(name) < _LONGEST_HAN or name[1] in SINGLE)


def _bare(clause: Clause) -> str | None:
    """张三, 是张三, 叫张三, 张三 男, John: a clause that is a name and nothing else."""
    if asks_back(clause.folded):
        return None
    text = re.sub(rf"^(?:{_SPEAKER}(?:就)?(?:是|系)?|就?是|姓)(?=.)", "", clause.text)
    if _is_bare_minority_name(clause.folded) and len(clause.folded) > _LONGER:
        return clause.text
    called = _STARTS_CALLED.match(text)
    text = without_particles(text[called.end() :] if called else text).strip()
    if _DOTTED.fullmatch(text):
        return text
    if _LATIN.fullmatch(text):
        words = text.lower().split()
        return text if len(text) > 1 and not set(words) & _NOT_LATIN_NAMES else None
    name = _cut(_joined_name(text), marked=called is not None)
    if name is not None:
        rest = fold(_joined_name(text))[len(name) :].strip()
        return None if _is_something_else(fold(name), fold(name)) or (rest and not _STOP.match(rest)) else name
    if _MIXED.fullmatch(text) and not is_occupation(text) and text[0] in SINGLE:
        return text
    return text if _is_bare_minority_name(fold(text)) else None


def _joined_name(text: str) -> str:
    """李 晓明 as 李晓明."""
    joined = text.replace(" ", "")
    surname = text.partition(" ")[0]
    return joined if surname in SINGLE | COMPOUND and _is_han_name(fold(joined)) else text


def _is_bare_minority_name(folded: str) -> bool:
    """扎西顿珠, 巴特尔; not 拉萨."""
    if not _may_name(folded) or len(folded) > _LONGEST_MINORITY or not _is_transliterated(folded):
        return False
    return folded not in place_names() and folded not in _NOT_NAMES and not is_occupation(folded)


def _without_explanations(said: Said) -> list[Clause]:
    return [clause for clause in said.clauses if not (_OF.match(clause.folded) or _SPELT_OUT.match(clause.folded))]


def _explanations(said: Said) -> Iterator[tuple[str, bool]]:
    """The characters that are explained, each with whether as a surname (弓长张) or by a word (建设的建)."""
    for clause in said.clauses:
        if spelt := _SPELT_OUT.match(clause.folded):
            yield _CHARACTER_OF[spelt["words"]], True
        elif (of := _OF.match(clause.folded)) and not clause.folded.startswith("不是"):
            yield of["char"], False
        elif (inside := _SPELT_INSIDE.search(clause.folded)) and inside.end() < len(clause.folded):
            yield _CHARACTER_OF[inside[0]], True


def _explained(name: str, said: Said) -> str:
    """The name with the characters that were explained: 我叫张明，立早章 is 章明; 王建果，国家的国 is 王建国."""
    for char, is_surname in _explanations(said):
        if char in fold(name) or not re.fullmatch(rf"[{HAN}]{{2,4}}", name):
            continue
        if is_surname and syllables(char) == syllables(name[0]):
            name = char + name[1:]
        elif not is_surname:
            position = next((place for place, other in enumerate(name) if place and syllables(other) == syllables(char)), None)
            name = name if position is None else name[:position] + char + name[position + 1 :]
    return name


def _assembled(said: Said) -> str | None:
    """弓长张，建设的建，国家的国: a name that is only explained."""
    chars = [char for char, _ in _explanations(said)]
    name = "".join(chars)
    return name if 2 <= len(name) <= _LONGEST_HAN and _is_han_name(name) else None  # noqa: PLR2004


def _problem(said: Said) -> Reading | None:
    for clause in said.clauses:
        folded = re.sub(rf"^(?:叫我?|{_SPEAKER}?(?:就)?(?:是|叫|姓)?|免贵姓?|姓)", "", clause.folded)
        folded = re.sub(r"(?:就(?:行|好|可以)(?:了)?|吧|的)$", "", folded)
        if _is_titled(folded):
            return Reading(None, "请说身份证上的全名，不用称呼", LIKELY)
        if folded in SINGLE | COMPOUND:
            return Reading(None, _SURNAME_ONLY, LIKELY)
    if re.fullmatch(r"[\d一二三四五六七八九十零〇 ，。.\-]{2,}", said.folded):
        return Reading(None, _NO_NAME, GUESSED)
    return None
