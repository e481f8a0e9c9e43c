"""男 or 女, however it is said."""

from __future__ import annotations

import re
from typing import Final

from flows.slots.base import CERTAIN, GUESSED, LIKELY, Reading, WrongValue
from flows.slots.refusals import asks_back
from flows.slots.sounds import SoundTable
from flows.slots.text import Said
from flows.types import Gender

_FEMALE: Final = (
    r"女|姑娘|妹子|小姐|大姐|大妈|阿姨|婆娘|闺女|美女|妹儿|娘们|奶奶|(?<![a-z])(?:females?|girl|woman|women|"
    r"lady|nv|nü|nu)(?![a-z])"
)
_MALE: Final = r"男|爷们|老爷|小伙|汉子|先生|哥们|帅哥|大叔|大爷|小哥|老头|(?<![a-z])(?:males?|boy|man|men|guy|nan)(?![a-z])"
_MENTION = re.compile(
    rf"(?P<denied>(?:不|并非|又不|可不|才不)(?:是|系)?(?:个|什么)?)?(?:(?P<female>{_FEMALE})|(?P<male>{_MALE}))"
)
_NEITHER = re.compile(r"不男不女|中性|双性|变性|跨性别|无性别|第三性|非二元")
_BOTH = re.compile(r"男女|女男|儿女|子女|妇女|女儿|孙女|侄女|男朋友|女朋友|男友|女友")
_MARKED = re.compile(
    r"性别[是为：: ]*(?P<named>男|女)"
    r"|(?:^|[，。；、 ])(?:我|本人|俺|咱)?(?:就|也)?(?:是)?(?:一?[个名位])?(?P<alone>男|女)"
    r"(?:的|性|生|士|滴|同志|孩)?(?=$|[，。；、 ]|[啊呀吧呢嘛哦哈]|汉(?:$|[，。])|[\w]{1,4}族|今年|电话|手机|身份证|住|已婚|未婚)"
)
_MALE_VALUE, _FEMALE_VALUE = Gender.MALE.value, Gender.FEMALE.value
_WORDS: Final = {
    **dict.fromkeys(("男", "男性", "male", "m", "man", "men", "boy"), _MALE_VALUE),
    **dict.fromkeys(("女", "女性", "female", "f", "woman", "women", "girl"), _FEMALE_VALUE),
}
SOUNDS = SoundTable({f"{gender}{end}": gender for gender in (_MALE_VALUE, _FEMALE_VALUE) for end in "的性生"})


def check_gender(text: str) -> str:
    """男, female, men, 女性 as the protocol writes them. Raises WrongValue."""
    reading = read_gender(Said(text))
    if reading is None or not isinstance(reading.value, str):
        raise WrongValue("性别请说男或者女")
    return reading.value


def find_gender(said: Said) -> Reading | None:
    """A gender that is called so or stands alone."""
    match = _MARKED.search(said.folded)
    if match is None:
        return None
    word = "named" if match["named"] else "alone"
    return Reading(match[word], None, CERTAIN, match.start(word), match.end())


def read_gender(said: Said) -> Reading | None:
    """The answer to the question for the gender. What is denied makes it the other one."""
    folded = said.compact
    if whole := _WORDS.get(folded.strip(" .。")):
        return Reading(whole, None, LIKELY)
    if _NEITHER.search(folded):
        return Reading(None, "性别请按身份证上的说，男或者女", LIKELY)
    matches = list(_MENTION.finditer(_BOTH.sub("，", folded)))
    affirmed = [match for match in matches if not match["denied"]]
    if affirmed:
        return Reading(_FEMALE_VALUE if affirmed[-1]["female"] else _MALE_VALUE, None, LIKELY)
    if matches:
        return Reading(_MALE_VALUE if matches[-1]["female"] else _FEMALE_VALUE, None, LIKELY)
    heard = None if asks_back(folded) else SOUNDS.within(folded)
    return None if heard is None else Reading(heard, None, GUESSED)
