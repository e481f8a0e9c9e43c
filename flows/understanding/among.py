"""Answers to our question back: 第一个, 就是那个补办的, 不是护照, 都不是, 对."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flows.understanding.base import MOST_CANDIDATES, Candidate, Classification, Decision
from flows.understanding.evidence import Evidence, Matcher
from flows.understanding.text import clauses, normalise

_SAID, _INFERRED = 0.95, 0.85
"""Confidence of what was said in so many words, and of what follows from it."""
_LEAST_SHARE = 0.3
"""Of the best score of all services: what the best of those asked about has to have, to be meant rather than another."""
_LEAST_FIT = 0.1
_MARGIN = 0.6
"""Of its score: what the second of those asked about may have at most."""
_LONGEST_POSITION = 20
"""Characters of an answer that names a position; a longer one speaks of other things."""

_DIGITS = {digit: number for number, digits in enumerate(("1一头首", "2二两俩", "3三仨")) for digit in digits}
_POSITION = re.compile(
    r"[第地弟帝](?P<ordinal>[123一二三])(?:个|项|种|条|样|号|服务|业务|$)(?!月|孩|小孩|儿|女)|(?P<head>头)一?个|(?P<number>[123一二三])号"
    r"|(?P<last>最后|末尾|后者|(?:后|下)[面边](?:那|这|一|的|个))|(?P<first>前者|(?:最前|前|上)[面边](?:那|这|一|的|个))|(?P<middle>中间)"
)
_BARE_POSITION = re.compile(r"(?:选|选择|要|就|我要|我选|办)?(?P<digit>[123一二三])(?:吧|个)?")
_ALL = re.compile(r"(?:都|全|全部|一起|两个|三个)都?(?:要|办|想|需要|得办)")
_NONE = re.compile(
    r"(?:都|全|哪个都|[两三]个都|一个都|一个也)(?:不是|不对|不要|不办|不想|没有)|(?:没有|没)一个(?:是|对)|都没有"
    r"|(?:^|,)(?:不是|不对|不是的|不|没有|错了|no|不是这个|不是这些)(?=,|$)"
)
_EXCLUDED = re.compile(r"(?:我|我们)?(?:不是|不办|不要|不用)(?:办|要)?(?P<what>[^,是]+?)(?:的|了)*")
_YES = re.compile(
    r"(?:嗯|啊|哦|对|是|好|行|可以|没错|正确|就|的|呀|吧|呢|了|哒|,|这个|那个|它|当然|要得|中|得|办|要|ok|okay|yes|yeah|嘛|没问题|恩|确实|确认|系|我|你说)+"
)


def choose(text: str, among: Sequence[str], anew: Classification, evidence: Evidence, matcher: Matcher) -> Classification:
    """What an answer to the question which of `among` is wanted means; `anew` is what it would mean without the question.

    A position, a yes to the only one, or words that fit one of them choose it. A no to all leaves UNCLEAR without candidates.
    Words that clearly want another service are a new request.
    """
    services = {service.code: service.name for service in matcher.services}
    codes = [code for code in among if code in services]
    if not codes:
        return anew
    asked = _scored(codes, evidence, matcher)
    normal = normalise(text)
    affirmed = ",".join(clause.text for clause in clauses(normal))
    excluded = _EXCLUDED.fullmatch(normal)
    if excluded:
        return _without(excluded["what"], asked, anew, matcher)
    position = _position(affirmed, len(asked))
    if position is not None:
        return _chosen(asked[position], _SAID)
    if _ALL.search(normal):
        return _again(asked)
    fitting = _fitting(asked, evidence)
    if fitting is not None:
        return anew if anew.service and anew.service.code not in codes else _chosen(fitting, _INFERRED)
    if _NONE.search(normal):
        return anew if anew.decision is Decision.SERVICE else _again(())
    if _YES.fullmatch(normal):
        return _chosen(asked[0], _SAID) if len(asked) == 1 else _again(asked)
    return anew


def _scored(codes: Sequence[str], evidence: Evidence, matcher: Matcher) -> list[Candidate]:
    """The services asked about, in the order of the question, with what the answer gives them."""
    scores = {matcher.services[position].code: score for position, score in evidence.ranking}
    names = {service.code: service.name for service in matcher.services}
    return [Candidate(code, names[code], min(scores.get(code, 0.0), 1.0)) for code in codes]


def _position(answer: str, count: int) -> int | None:
    """Which one, from 0, an answer names by its place."""
    found = _BARE_POSITION.fullmatch(answer)
    if found:
        place = _DIGITS[found["digit"]]
    elif len(answer) <= _LONGEST_POSITION and (named := _POSITION.search(answer)):
        digit = named["ordinal"] or named["head"] or named["number"]
        place = _DIGITS[digit] if digit else count - 1 if named["last"] else 0 if named["first"] else count // 2
    else:
        return None
    return place if place < count else None


def _fitting(asked: Sequence[Candidate], evidence: Evidence) -> Candidate | None:
    """The one that the words fit, if they fit it better than the others and no service outside much better."""
    if not evidence.ranking:
        return None
    best, *others = sorted(asked, key=lambda candidate: -candidate.score)
    if best.score < max(_LEAST_SHARE * evidence.ranking[0][1], _LEAST_FIT):
        return None
    return best if all(other.score <= _MARGIN * best.score for other in others) else None


def _without(what: str, asked: Sequence[Candidate], anew: Classification, matcher: Matcher) -> Classification:
    """不是第一个, 不是护照: the others remain."""
    position = _position(what, len(asked))
    if position is None:
        fitting = _fitting(
            _scored([candidate.code for candidate in asked], matcher.evidence(what), matcher), matcher.evidence(what)
        )
        position = next((place for place, candidate in enumerate(asked) if fitting and candidate.code == fitting.code), None)
    if position is None:
        return anew if anew.decision is Decision.SERVICE else _again(())
    remaining = [*asked[:position], *asked[position + 1 :]]
    return _chosen(remaining[0], _INFERRED) if len(remaining) == 1 else _again(remaining)


def _chosen(candidate: Candidate, confidence: float) -> Classification:
    return Classification(Decision.SERVICE, service=candidate, confidence=confidence)


def _again(candidates: Sequence[Candidate]) -> Classification:
    return Classification(Decision.UNCLEAR, candidates=tuple(candidates[:MOST_CANDIDATES]), confidence=_SAID)
