"""Other people in an utterance: what is said of a wife or a son is not said of the citizen."""

from __future__ import annotations

import re
from typing import Final

from flows.slots.text import HAN, Said

_KIN: Final = (
    "老婆|老公|媳妇儿?|爱人|丈夫|妻子|太太|配偶|对象|未婚[妻夫]|前[妻夫]|孩子他[爸妈]|孩子们?|小孩子?|小朋友|"
    "娃儿?|宝宝|儿子|大儿子|小儿子|女儿|大女儿|小女儿|闺女|崽|囡囡|爸妈|父母|爸爸?|妈妈?|父亲|母亲|老爸|老妈|爹|"
    "娘|老爹|老娘|"
    "爷爷|奶奶|外公|外婆|姥姥|姥爷|岳父|岳母|公公|婆婆|丈母娘|老丈人|哥哥?|姐姐?|弟弟?|妹妹?|孙子|孙女|外孙|侄子|"
    "侄女|外甥|叔叔?|伯伯|伯父|舅舅?|姨妈?|姑姑|姑妈|老人家?|老伴儿?|家属|家人|朋友|同事|邻居|亲戚|同学|老板|"
    "那口子|先生|伴侣|监护人|"
    "双胞胎|老大|老二|二宝|大宝|长子|次子|长女"
)
_OF_SPEAKER: Final = r"(?:我|俺|咱|我们|俺们|偶|额|阿拉|你|您|他|她)(?:的|家|屋|滴|们)*(?:的)?"
_POSSESSED = re.compile(
    rf"(?<!是){_OF_SPEAKER}(?:{_KIN})|(?:给|帮|替|代|为)(?:{_OF_SPEAKER})?(?:{_KIN})|(?:^|[，。；、 ])(?:{_KIN})(?=叫|是|"
    rf"的|名字|姓名|姓|身份证|电话|手机|今年|出生|户口|还|没|住|在|男|女)"
)
_SPEAKER_IS = re.compile(r"^(?:我|俺|咱|本人)(?:就)?(?:是|系)(?!.*[给帮替代叫])")
"""我是他儿子: about the speaker."""
_NAMED_BY = re.compile(r"给我[起取]")
_PRONOUN = re.compile(r"^(?:他|她|它|其|人家|他们)(?:的|叫|是|姓|名|身份|电话|今年|住|在|没|还|也|俩|就)")
_SPEAKER_AGAIN = re.compile(r"^(?:我|本人|俺|咱|自己|鄙人)(?!的?(?:家)?(?:" + _KIN + "))")
_SPEAKER_INSIDE = re.compile(r"(?<=.)(?<![给帮替叫让把和跟])我(?=不|没|是|叫|自己|本人)")

_CALL = re.compile(
    rf"(?:{_OF_SPEAKER})?(?:{_KIN})(?:他|她)?(?:的)?(?=[，。：: ]|叫|是|名|姓|身份证|大名|的|也叫|就叫|就是|今年|"
    rf"还没|没有|没|$)|(?:^|(?<=[，。；、 ]))(?:他|她|人家)(?:的)?(?=叫|是|名|姓|身份|还没|没)"
)
_CALL_AND_NAME = re.compile(
    rf"(?:^|(?<=[，。；、 ])){_OF_SPEAKER}(?:{_KIN})(?=[{HAN}]{{2,4}}(?:$|[，。；、 ]))(?!叫|是|名|姓|的|身份|还|"
    rf"没|已|不|电话|未)"
)
_NOT_YET = re.compile(
    r"(?:还|都|也|暂时|目前)?(?:没有?|未|不曾)(?:来得及|有|给)?(?:上|落|办|取|起|想好|定|申报|报|领|登记|出生|生|"
    r"名字|大名|户口|身份证|号码|证件|证)"
    rf"|没有?(?:{_KIN})|未婚|单身|没结婚|还?没生|还在肚子里|去世|过世|不在了|走了|已故|离婚|离异|没有(?:了|的)?$"
)


def others_blanked(said: Said, *, free: bool) -> Said:
    """The utterance without the clauses about other people.

    `free`: in a request (给我儿子办身份证，他叫…) what follows is about the other one too, until the speaker comes back (我…).
    """
    text = said.text
    about_other = False
    for clause in said.clauses:
        if _SPEAKER_IS.match(clause.folded):
            hides = False
        elif _POSSESSED.search(clause.folded) and not _NAMED_BY.search(clause.folded):
            about_other = True
            hides = True
        elif _PRONOUN.match(clause.folded):
            hides = True
        elif _SPEAKER_AGAIN.match(clause.folded):
            about_other = hides = False
        else:
            hides = about_other and free
        if hides:
            again = _SPEAKER_INSIDE.search(clause.folded)
            end = clause.start + again.start() if again else clause.end
            text = text[: clause.start] + "，" * (end - clause.start) + text[end:]
    return Said(text)


def spoken_by_relative(said: Said) -> Said:
    """我老婆叫李四 as 我叫李四: as if the family member spoke."""
    return Said(_CALL.sub("我", _CALL_AND_NAME.sub("我叫", said.text)))


def is_not_there(said: Said) -> bool:
    """还没上户口, 还没取名, 没有孩子."""
    return _NOT_YET.search(said.folded) is not None
