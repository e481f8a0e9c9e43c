"""E-mail addresses, written or said: 三二一艾特qq点com."""

from __future__ import annotations

import re
from typing import Final

from flows.slots.base import CERTAIN, LIKELY, Reading, WrongValue
from flows.slots.numbers import DIGIT, DIGITS
from flows.slots.text import HAN, Said, simplified

MAX_CHARACTERS: Final = 100
_AT = re.compile(
    r" ?(?:[@＠]|[艾爱埃哎][特他它]|艾的|小老鼠(?:那个)?|[圈花]a|(?<![a-z])at(?![a-z])|加at|"
    r"(?<=[a-z0-9 ])加(?= ?at)) ?(?:at(?![a-z]))?",
    re.IGNORECASE,
)
_REPLACEMENTS: Final = (
    (re.compile(rf"(?:小写|大写|英文|字母|数字|全部)的?(?=[a-z0-9{DIGIT} ])", re.IGNORECASE), ""),
    (re.compile(r"[扣抠球叩][扣抠球叩]|Q Q|q q"), "qq"),
    (re.compile(r"下划线|底线|underscore"), "_"),
    (re.compile(r"中?(?:横|划)?杠|减号|(?<=[a-z0-9])减(?=[a-z0-9])|横线|中划线|连字符|短横线?"), "-"),
    (re.compile(r" ?(?:点|。|，|,|(?<![a-z])dot(?![a-z])) ?(?:康姆?|卡姆|抗姆?|肯姆|c ?o ?m)(?![a-z])", re.IGNORECASE), ".com"),
    (
        re.compile(r" ?(?:点|。|，|,|(?<![a-z])dot(?![a-z])) ?(cn|net|org|gov|edu|cc|me|hk|tw|vip)(?![a-z])", re.IGNORECASE),
        r".\1",
    ),
    (re.compile(rf"(?<=[a-z0-9{DIGIT}]) ?(?:点|(?<![a-z])dot(?![a-z])) ?(?=[a-z0-9{DIGIT}])", re.IGNORECASE), "."),
    (re.compile(r"(?<=[a-z0-9])。(?=[a-z0-9])", re.IGNORECASE), "."),
)
_MISHEARD_DOT = re.compile(r"(?<=[a-z0-9一二三四五六七八九零〇])[典店电垫](?= ?(?:com|cn|net|org|康姆?))", re.IGNORECASE)
_REPEATED = re.compile(rf"([二两三四五六七八九])个([{DIGIT}])")
_SPOKEN_RUN = re.compile(
    rf"(?:(?<=^)|(?<=[^{HAN}])|(?<=[是为：址箱号]))[{DIGIT}]+(?= ?[@._\-a-z0-9])|(?<=[@.a-z0-9_-])[{DIGIT}]+|"
    rf"(?<=@ )[{DIGIT}]+",
    re.IGNORECASE,
)
_LONG_SPOKEN_RUN = re.compile(rf"[{DIGIT}]{{5,}}")
_LOCAL = re.compile(r"[A-Za-z0-9._%+\- ]*$")
_DOMAIN = re.compile(r"[ ]?[A-Za-z0-9.\- ]*")
_COMPLETE_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}$", re.IGNORECASE)
_HOSTS: Final = {
    name: f"{name}.com" for name in ("qq", "163", "126", "139", "gmail", "sina", "foxmail", "outlook", "hotmail")
} | {
    "189": "189.cn",
    "谷歌": "gmail.com",
    "新浪": "sina.com",
}
_SPOKEN_HOSTS: Final = {
    "搜狐": "sohu", "阿里云": "aliyun", "阿里": "aliyun", "雅虎": "yahoo", "新浪": "sina", "谷歌": "gmail",
    "网易": "163", "微软": "outlook",
    "腾讯": "qq", "苹果": "icloud", "狐狸": "foxmail", "移动": "139", "电信": "189", "联通": "wo",
}  # fmt: skip
_SPOKEN_HOST = re.compile(rf"(?<=@) ?({'|'.join(_SPOKEN_HOSTS)})(?=[.点])")
_HOST = "|".join(_HOSTS)
_BY_HOST = re.compile(
    rf"(?P<host>{_HOST})(?:的?邮箱|号码?|邮件)[，, ]*(?:号码?|地址|账号|账户|"
    rf"用户名)?[是为：:，, 就]*(?P<user>[a-z0-9][a-z0-9._-]{{2,40}})"
    rf"|(?P<host3>qq)(?:号码?)?[是为：: ，,]*(?P<user3>[0-9]{{5,12}})(?![0-9@])"
    rf"|(?P<user2>(?<![a-z0-9])[0-9]{{5,12}})[，, ]?(?:的|是)?(?P<host2>qq)(?:邮箱|号)?",
    re.IGNORECASE,
)
_MISSPELT_ENDS: Final = frozenset({"con", "cmo", "ocm", "comm", "cpm", "vom", "xom", "coom", "om", "cim", "cn1"})
_MISSPELT_HOSTS: Final = frozenset({f"{name}.{end}" for name in ("qq", "163", "126", "gmail", "sina") for end in ("cm", "co")})
_MARK = re.compile(r"邮箱|邮件|e-?mail", re.IGNORECASE)
_NO_PART: Final = frozenset(
    {"is", "email", "mail", "my", "address", "ok", "okay", "it's", "its", "yes", "qq", "gmail", "e-mail", "the", "use"}
)
"""Words that stand before an address without being a part of it."""
_ATTEMPT = re.compile(r"[a-z0-9]{3,}|@", re.IGNORECASE)


def check_email(address: str) -> str:
    """The address with its host in lower case. Raises WrongValue."""
    from email_validator import EmailNotValidError, validate_email

    if len(address) > MAX_CHARACTERS:
        raise WrongValue("邮箱地址太长了，请您再说一遍")
    try:
        checked = validate_email(address, check_deliverability=False, allow_smtputf8=False).normalized
    except EmailNotValidError:
        raise WrongValue("邮箱格式不对，应该像名字、艾特、再加邮箱网址，比如12345艾特qq点com") from None
    if checked.rpartition(".")[2] in _MISSPELT_ENDS or checked.rpartition("@")[2] in _MISSPELT_HOSTS:
        raise WrongValue("邮箱的结尾好像打错了，是点com吗？请您再说一遍")
    return checked


def find_email(said: Said) -> Reading | None:
    """An address with its @, or one that is called so."""
    written = _written(said.text)
    if _AT.search(written) is None:
        by_host = _by_host(written) if _MARK.search(said.folded) else None
        return None if by_host is None else Reading(by_host, None, LIKELY, 0, 0)
    readings = [reading for reading in _all_with_at(said.text) if reading.value is not None]
    return readings[-1] if readings else None


def read_email(said: Said) -> Reading | None:
    """The answer to the question for the e-mail address: of several the last one."""
    readings = _all_with_at(said.text)
    good = [reading for reading in readings if reading.value is not None]
    if good:
        return good[-1]
    written = _written(said.text)
    if readings and (
        readings[-1].value is None and (by_host := _by_host(written.replace("@", "，"))) and "qq号" in written.lower()
    ):
        return Reading(by_host, None, LIKELY)
    if readings:
        return readings[-1]
    if (by_host := _by_host(written)) is not None:
        return Reading(by_host, None, LIKELY)
    if _ATTEMPT.search(written):
        return Reading(None, "邮箱里应该有艾特符号，比如12345艾特qq点com，请您说完整", LIKELY)
    return None


def _written(text: str) -> str:
    """三二一艾特qq点com as 321@qq.com; of everything else only what looks like a part of an address changes."""
    text = _MISHEARD_DOT.sub("点", _AT.sub("@", simplified(text)))
    text = _REPEATED.sub(lambda match: DIGITS[match[2]] * int(DIGITS[match[1]]), text)
    for pattern, replacement in _REPLACEMENTS:
        text = pattern.sub(replacement, text)
    for _ in range(2):
        text = _SPOKEN_RUN.sub(lambda match: "".join(DIGITS[char] for char in match[0]), text)
    text = _SPOKEN_HOST.sub(lambda match: _SPOKEN_HOSTS[match[1]], text)
    return text.replace(" @", "@").replace("@ ", "@")


def _all_with_at(text: str) -> list[Reading]:
    """Every address with its @; positions are those of the clause in `text` that holds it."""
    found = []
    written = _written(text)
    for at in re.finditer("@+", written):
        local = _joined_backwards((_LOCAL.search(written[max(0, at.start() - MAX_CHARACTERS) : at.start()]) or [""])[0])
        domain = _joined_forwards((_DOMAIN.match(written, at.end()) or [""])[0])
        start, end = _place_in(text, local, domain)
        try:
            found.append(Reading(check_email(f"{local}{at[0]}{domain}"), None, CERTAIN, start, end))
        except WrongValue as error:
            found.append(Reading(None, error.reason, LIKELY, start, end))
    return found


def _joined_backwards(local: str) -> str:
    """Spelt out letters (z h a n g) in one word; of "my email is tom" only the last word."""
    tokens = local.split()
    if not tokens:
        return ""
    joined = tokens.pop()
    while tokens and (len(tokens[-1]) == 1 or tokens[-1].isdigit()):
        joined = tokens.pop() + joined
    if len(tokens) == 1 and tokens[0].isalpha() and tokens[0].lower() not in _NO_PART:
        joined = tokens[0] + joined
    return joined.lstrip(".-")


def _joined_forwards(domain: str) -> str:
    tokens = domain.split()
    joined = ""
    for token in tokens:
        if _COMPLETE_DOMAIN.search(joined) and not token.startswith(".") and len(token) > 1:
            break
        joined += token
    return joined.rstrip(".-")


def _place_in(text: str, local: str, domain: str) -> tuple[int, int]:
    """From where the address begins to where it ends, as far as it can be found again in what was said."""
    if (whole := text.lower().rfind(f"{local}@{domain}".lower())) >= 0:
        return whole, whole + len(local) + 1 + len(domain)
    host = domain.split(".", maxsplit=1)[0]
    end = text.lower().rfind(domain.lower()) + len(domain) if domain and domain.lower() in text.lower() else len(text)
    start = text.find(local) if local and local in text else (text.find(host) if host and host in text else 0)
    return (start, end) if start < end else (0, len(text))


def _by_host(written: str) -> str | None:
    """QQ邮箱10925508"""
    match = _BY_HOST.search(_LONG_SPOKEN_RUN.sub(lambda run: "".join(DIGITS[char] for char in run[0]), written))
    if match is None:
        return None
    user, host = match["user"] or match["user2"] or match["user3"], (match["host"] or match["host2"] or match["host3"]).lower()
    try:
        return check_email(f"{user}@{_HOSTS[host]}")
    except WrongValue:
        return None
