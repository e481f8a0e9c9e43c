"""男 or 女, however it is said."""

from __future__ import annotations

import re
from typing import Final

from flows.slots.base import CERTAIN, GUESSED, LIKELY, Reading, WrongValue
from flows.slots.refusals import asks_back
from flows.slots.sounds import SoundTable
from flows.slots.text import Said
from flows.types import Gender

_FEMALE: Final = r"女|(?<![a-z])(?:females?|girl|woman|women|lady|nv|nü|nu)(?![a-z])"
_MALE: Final = r"男|(?<![a-z])(?:males?|boy|man|men|guy|nan)(?![a-z])"
_FEMALE_WORDS: Final = (
    r"姑娘|妹子|妹[儿仔陀]|小姐|[大小]姐|大妈|当妈|当娘|阿姨|阿婆|婆婆|婆娘|婆姨|闺女|美女|"
    r"靓女|娘们|奶奶|大娘|大婶|大嫂|巾帼|老太|丫头|新娘|奶奶|细妹|老姐|女婿媳妇|媳妇|孕妇|"
    r"宝妈"
)
_MALE_WORDS: Final = (
    r"爷们|老爷|小伙|汉子|先生|哥们|帅哥|靓仔|大叔|大爷|大伯|大哥|小哥|老头|老汉|当爹|当爸|"
    r"阿公|公公|后生|伢子|小子|带把|宝爸|兄弟|老倌|新郎|奶爸|大侄子"
)
"""Said of others and to others too: they count where no 男 or 女 is said."""
_MENTION = re.compile(
    rf"(?P<denied>(?:不|并非|又不|可不|才不)(?:是|系)?(?:个|什么)?)?(?:(?P<female>{_FEMALE})|(?P<male>{_MALE}))"
)
_NEITHER = re.compile(r"不男不女|中性|双性|变性|跨性别|无性别|第三性|非二元")
_IMPLIED = re.compile(
    rf"(?P<denied>(?:不|并非|又不|可不|才不)(?:是|系)?(?:个|什么)?)?(?:(?P<female>{_FEMALE_WORDS})|(?P<male>{_MALE_WORDS}))"
)
_SELF: Final = re.compile(
    r"(?:(?:我|俺|咱|本人)?(?:是|系)(?:[㐀-鿿]{0,3}(?:的|他|她)|孩子|娃|小孩|伢)?(?:亲)?|^)(?:(?P<female>妈妈?|娘|母亲|老妈|奶奶?|外婆|姥姥|姐姐?|"
    r"妹妹?|姑姑?|姑妈|姨妈?|婶婶?|嫂子|舅妈|老婆|媳妇儿?|太太|爱人太太|女儿|闺女|孙女|妇女|老太太?|老太婆|老奶奶|堂客|婆姨|女婿媳妇)|"
    r"(?P<male>爸爸?|爹|父亲|老爸|爷爷?|外公|姥爷|哥哥?|弟弟?|伯伯|叔叔?|舅舅?|姑父|姨夫|老公|丈夫|儿子|孙子|女婿|老汉儿?|老头子?|带把的?|爷们儿?|老倌))"
    r"(?:一[个枚名]|了|的|啊|呢|嘛)*(?=$|[，。；、 ])"
)
"""Who the speaker is, by a word that is said of other people too: 我是他妈妈, 老太婆一个."""
_BOTH = re.compile(r"男女|女男|儿女|子女|女儿|孙女|侄女|男朋友|女朋友|男友|女友")
_MARKED = re.compile(
    r"性别[是为：: ]*(?P<named>男|女)"
    r"|(?:^|[，。；、 ])(?:我|本人|俺|咱)?(?:就|也)?(?:是)?(?:一?[个名位])?(?P<alone>男|女)"
    r"(?:的|性|生|士|滴|同志|孩)?(?=$|[，。；、 ]|[啊呀吧呢嘛哦哈]|汉(?:$|[，。])|[\w]{1,4}族|今年|电话|手机|身份证|住|已婚|未婚)"
)
_MALE_VALUE, _FEMALE_VALUE = Gender.MALE.value, Gender.FEMALE.value
_WORDS: Final = {
    **dict.fromkeys(("男", "难", "南", "楠", "男性", "male", "m", "man", "men", "boy"), _MALE_VALUE),
    **dict.fromkeys(("女", "旅", "吕", "女性", "female", "f", "woman", "women", "girl"), _FEMALE_VALUE),
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
    if who := _SELF.search(folded):
        return Reading(_FEMALE_VALUE if who["female"] else _MALE_VALUE, None, LIKELY)
    if folded in {"男女", "女男"}:
        return Reading(None, "性别请按身份证上的说，男或者女", LIKELY)
    plain = _BOTH.sub("，", folded)
    matches = list(_MENTION.finditer(plain)) or list(_IMPLIED.finditer(plain))
    affirmed = [match for match in matches if not match["denied"]]
    if affirmed:
        return Reading(_FEMALE_VALUE if affirmed[-1]["female"] else _MALE_VALUE, None, LIKELY)
    if matches:
        return Reading(_MALE_VALUE if matches[-1]["female"] else _FEMALE_VALUE, None, LIKELY)
    heard = None if asks_back(folded) else SOUNDS.within(folded)
    return None if heard is None else Reading(heard, None, GUESSED)
