"""Finds plates by what somebody remembers of one: the whole text, a part of it, or a text with gaps.

    search("苏D561GM", plates)      exact ones first, then those that a misreading or a slip of the pen apart explains
    search("G117", plates)          a part
    search("豫C?117*", plates)      ? stands for one character, * for any number of them

Pure functions over texts. What they come from is someone else's: a database narrows millions of rows down by `prefilter` first.
"""

from __future__ import annotations

import heapq
import itertools
import math
import unicodedata
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from analytics.plates.confusions import FOLD, confusion_cost
from analytics.plates.grammar import normalise
from analytics.plates.templates import PROVINCES

K = TypeVar("K", bound=Hashable)

MAX_QUERY: Final = 32
"""Characters; a longer query is no plate."""
DEFAULT_THRESHOLD: Final = 0.75
"""One unlike character in seven, or a few lookalikes."""
WHOLE_FROM: Final = 7
"""From so many characters on, a query without wildcards is a whole plate: what it lacks counts as a difference."""

_ONE: Final = "?"
_ANY: Final = "*"
_WILDCARDS: Final = str.maketrans({"？": _ONE, "＿": _ONE, "_": _ONE, "□": _ONE, "＊": _ANY, "%": _ANY, "％": _ANY, "…": _ANY})
_TWIN_COST: Final = 0.35
"""Between characters that `folded_key` does not tell apart."""
LOOKALIKE_COST: Final = 0.6
"""Between others that are taken for each other: the least that a difference between folded keys costs."""
_PROVINCE_COST: Final = 0.7
GAP_COST: Final = 0.9
PART_SCORE: Final = 0.9
"""Of a part that fits exactly: below every whole plate that fits."""


class BadQuery(ValueError):
    """Nothing to search for; the message says why, without the query."""


@dataclass(frozen=True, slots=True)
class Match(Generic[K]):
    """One plate that fits."""

    key: K
    text: str = field(repr=False)
    score: float
    """0 to 1; 1 only for the same text."""
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it is compared: normalised, with its wildcards."""

    pattern: str = field(repr=False)
    is_part: bool
    """Whether it may stand anywhere in a plate."""

    @property
    def is_plain(self) -> bool:
        return _ONE not in self.pattern and _ANY not in self.pattern


@dataclass(frozen=True, slots=True)
class Prefilter:
    """What a database can narrow candidates down with, on columns filled by `search_key` and `folded_key`."""

    exact: str | None = field(repr=False)
    """search_key equals this: the exact matches. None for a query with wildcards."""
    pieces: tuple[str, ...] = field(repr=False)
    """folded_key contains at least one of these (LIKE '%…%', or an n-gram query). Empty: nothing narrows it down."""


def search_key(text: str) -> str:
    """A plate's text as it is stored for exact search: two texts are the same plate when their keys are equal."""
    return normalise(text)


def folded_key(text: str) -> str:
    """The same with twins like 0, O, D and Q folded together, for a search that forgives the commonest misreadings."""
    return normalise(text).translate(FOLD)


def understand(query: str) -> Query:
    """What somebody typed as a query. Raises BadQuery where it has no character of a plate, or too many."""
    if len(query) > 4 * MAX_QUERY:
        raise BadQuery(f"a plate has at most {MAX_QUERY} characters")
    parts: list[str] = []
    for raw in unicodedata.normalize("NFKC", query.translate(_WILDCARDS)):
        sign = raw if raw in {_ONE, _ANY} else normalise(raw)
        if not (sign == _ANY and parts and parts[-1] == _ANY):
            parts.append(sign)
    pattern = "".join(parts)
    plain = pattern.replace(_ONE, "").replace(_ANY, "")
    if not plain:
        raise BadQuery("the query has no character of a plate")
    if len(pattern) > MAX_QUERY:
        raise BadQuery(f"a plate has at most {MAX_QUERY} characters")
    return Query(pattern, is_part=len(pattern) < WHOLE_FROM and plain == pattern)


def search(
    query: str, candidates: Iterable[tuple[K, str]], *, limit: int = 50, threshold: float = DEFAULT_THRESHOLD
) -> list[Match[K]]:
    """The candidates that fit best, exact ones first, then by score, in the order given where it is the same.

    A candidate is a key of the caller's and a text as `search_key` makes it.
    Raises BadQuery for an empty query, ValueError for a limit below 1 or a threshold that is not between 0 and 1.
    """
    if limit < 1 or not 0.0 <= threshold <= 1.0:
        raise ValueError(f"limit must be at least 1 and threshold between 0 and 1, not {limit} and {threshold}")
    wanted = understand(query)
    scored = _scored(wanted, candidates, threshold)
    return [match for _, match in heapq.nsmallest(limit, scored, key=lambda item: item[0])]


def score(query: Query, text: str) -> float:
    """How well a plate's text, as `search_key` makes it, fits: 1 for the same, less for every difference, at least 0."""
    if query.is_plain and query.pattern == text:
        return 1.0
    length = len(query.pattern.replace(_ANY, ""))
    apart = distance(query.pattern, text, anywhere=query.is_part)
    fit = max(0.0, 1.0 - apart / max(length, 1))
    return fit * (PART_SCORE if query.is_part or not query.is_plain else 1.0)


def distance(pattern: str, text: str, *, anywhere: bool = False) -> float:
    """The cost of turning `text` into what `pattern` says, character by character.

    Confusable characters cost less than unlike ones; ? stands for any one and * for any number. With `anywhere`, what stands
    before and after the best place in `text` costs nothing.
    """
    above = [0.0 if anywhere else index * GAP_COST for index in range(len(text) + 1)]
    for sign in pattern:
        row = [above[0] + (0.0 if sign == _ANY else GAP_COST)]
        for index, character in enumerate(text):
            if sign == _ANY:
                row.append(min(above[index + 1], row[index]))
                continue
            change = above[index] + (0.0 if sign == _ONE else substitution_cost(sign, character))
            row.append(min(change, above[index + 1] + GAP_COST, row[index] + GAP_COST))
        above = row
    return min(above) if anywhere else above[-1]


def prefilter(query: str, max_edits: int = 1) -> Prefilter:
    """How to narrow candidates down without losing one that is at most `max_edits` characters away, twins not counted.

    The folded query is cut into one piece more than there are edits; each edit spoils one piece at most, so that every
    candidate has one left. Raises BadQuery.
    """
    wanted = understand(query)
    folded = wanted.pattern.translate(FOLD)
    if not wanted.is_plain:
        longest = max(folded.replace(_ONE, _ANY).split(_ANY), key=len)
        return Prefilter(None, _cut(longest, max_edits + 1))
    return Prefilter(wanted.pattern, _cut(folded, max_edits + 1))


def _cut(text: str, count: int) -> tuple[str, ...]:
    if len(text) < count:
        return ()
    ends = [round(len(text) * number / count) for number in range(count + 1)]
    return tuple(dict.fromkeys(text[start:end] for start, end in itertools.pairwise(ends)))


def _scored(
    wanted: Query, candidates: Iterable[tuple[K, str]], threshold: float
) -> Iterator[tuple[tuple[bool, float, int], Match[K]]]:
    for order, (key, text) in enumerate(candidates):
        if not _worth_scoring(wanted, text, threshold):
            continue
        found = score(wanted, text)
        if found >= threshold and found > 0.0:
            is_exact = found == 1.0
            yield (not is_exact, -found, order), Match(key, text, found, is_exact)


def _worth_scoring(wanted: Query, text: str, threshold: float) -> bool:
    """Whether a text can reach the threshold at all: a look in C that spares most texts the one in Python."""
    from rapidfuzz.distance import LCSseq, Levenshtein

    folded = text.translate(FOLD)
    pattern = wanted.pattern.translate(FOLD).replace(_ONE, "").replace(_ANY, "")
    whole = wanted.is_plain and not wanted.is_part
    best = 1.0 if whole or text == wanted.pattern else PART_SCORE
    length = len(wanted.pattern.replace(_ANY, ""))
    allowed = math.floor((1.0 - threshold / best) * length / LOOKALIKE_COST + 1e-9)
    if allowed < 0:
        return False
    if whole:
        return Levenshtein.distance(pattern, folded, score_cutoff=allowed) <= allowed
    return LCSseq.similarity(pattern, folded) >= len(pattern) - allowed


def substitution_cost(one: str, other: str) -> float:
    """What it costs that a plate has `other` where the query has `one`."""
    if one == other:
        return 0.0
    if one.translate(FOLD) == other.translate(FOLD):
        return _TWIN_COST
    if math.isfinite(confusion_cost(one, other)):
        return LOOKALIKE_COST
    return _PROVINCE_COST if one in PROVINCES and other in PROVINCES else 1.0
