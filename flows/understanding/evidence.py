"""What speaks for and against the service that an utterance resembles most."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flows.understanding.features import Reading, Sounds, spoken_of
from flows.understanding.retrieval import Floats, Retrieval, ServiceWords
from flows.understanding.text import Clause, clauses, normalise

_CLAUSE_SHARE = 0.5
"""How much the best single clause counts beside the whole."""
_UNASKED = 0.6
"""How much a clause counts that asks for nothing."""
_HEARD = 0.03
"""What a service gets for a name of it that is heard, however much else is said."""
_LEAST_CLAUSE = 0.2
"""What a clause has to give a service to be asked about for that clause alone."""
_LEAST_SCORE = 1e-4
_LEAST_CONTENT = 2
"""Characters beside the function words."""
_MOST_RATIO = 2.0
_LONGEST_NAME = 4
"""Syllables; a longer name that is heard says no more."""
_MOST_UNEXPLAINED = 8
_HALF_KNOWN = 0.5
"""Mark of a token that is known, but not beside its neighbours."""

_ADDRESSED = re.compile(r"^你们?(?:叫|是谁|是不?是|是[男女人机什]|会|喜欢|多大|几岁|吃|今年|真|好|觉得|的名字)")
"""The kiosk itself is spoken to."""
_OPEN = re.compile(r"有(?:没有)?(?:什么|哪些)(?!手续|材料|条件|要求|流程|限制)")
"""What there is, is asked: several services may be the answer."""
_ALSO = re.compile(r"顺便|顺带|另外|还[要想得]|再[办补交打换查领]|都[要想得办]")
"""More than one thing is wanted."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """About one utterance."""

    ranking: tuple[tuple[int, float], ...]
    """Position of every service, and how much it is resembled (about 0 to 1), the best first."""
    by_clause: tuple[int, ...]
    """The service that each clause resembles most that wants something, without repetition."""
    signs: dict[str, float]
    """What the decision weighs, by name; nothing where there is nothing to weigh."""
    several: bool
    """It says that more than one thing is wanted, and its clauses want different ones."""
    wanted: bool
    """It says that something is wanted."""
    empty: bool
    """It says next to nothing else: only function words, or one character beside them (我要办证)."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A name or alias that was heard in a clause, by the positions of its tokens."""

    clause: int
    start: int
    end: int
    services: frozenset[int]

    @property
    def weight(self) -> float:
        """0 to 1, by its length."""
        return min(self.end - self.start, _LONGEST_NAME) / _LONGEST_NAME


@dataclass(frozen=True, slots=True)
class _Compared:
    """An utterance, read and compared."""

    normal: str
    parts: Sequence[Clause]
    whole: Reading
    readings: Sequence[Reading]
    """One for each part."""
    scores: Floats
    """The whole's row, then one for each part; the last column is for no service."""
    total: Floats
    named: Sequence[_Named]
    asking: Sequence[int]
    """Positions of the parts that want something and name an object."""
    top: int

    @property
    def top_score(self) -> float:
        return max(float(self.total[self.top]), _LEAST_SCORE)


class Matcher:
    """Compares utterances with one catalogue; immutable, safe for several threads."""

    def __init__(self, services: Sequence[ServiceWords]) -> None:
        self.services = tuple(services)
        self._retrieval = Retrieval(services)
        self._vocabulary: list[set[str]] = [set() for _ in services]
        written: list[list[str]] = [[] for _ in services]
        spoken: list[list[str]] = [[] for _ in services]
        sharing: dict[str, set[int]] = defaultdict(set)
        contents: dict[Sounds, str] = {}
        phrases = zip(self._retrieval.phrases, self._retrieval.readings, self._retrieval.phrase_features, strict=True)
        for phrase, reading, features in phrases:
            self._vocabulary[phrase.service].update(features)
            written[phrase.service].append(reading.content_text)
            spoken[phrase.service].append(" ".join(reading.sounds))
            if phrase.is_name:
                sharing[reading.content_text].add(phrase.service)
                contents[reading.sounds] = reading.content_text
        self._contents, self._spoken = ["\n".join(texts) for texts in written], ["\n".join(texts) for texts in spoken]
        # 办房产证 of one service and 房产证 of two say the same.
        self._names = {sounds: frozenset(sharing[content]) for sounds, content in contents.items() if len(sounds) > 1}
        self._starts = {sounds[:2] for sounds in self._names}
        self._longest_name = max(map(len, self._names), default=0)

    def evidence(self, text: str) -> Evidence:
        """Reads and compares an utterance as it was said."""
        normal = normalise(text)
        parts = clauses(normal)
        likely = max((part.weight for part in parts), default=0.0)
        parts = [part for part in parts if part.weight == likely]
        read = self._retrieval.reader.read
        whole = read(",".join(part.text for part in parts))
        wanted = any(part.intent for part in parts)
        if not self.services or whole.only_function_words:
            return Evidence((), (), {}, several=False, wanted=wanted, empty=whole.only_function_words)
        compared = self._compare(normal, parts, whole, [read(part.text) for part in parts])
        ranking = tuple(
            (int(service), float(compared.total[service])) for service in np.argsort(-compared.total[:-1], kind="stable")
        )
        signs = {"mentioned": 1 - likely, "wanted": float(wanted), "length": math.log1p(len(whole.content))}
        signs |= self._signs_of_scores(compared) | self._signs_of_names(compared) | self._signs_of_words(compared)
        by_clause = _wanted_by_clauses(compared)
        several = len(by_clause) > 1 and bool(_ALSO.search(normal))
        return Evidence(ranking, by_clause, signs, several=several, wanted=wanted, empty=len(whole.content_text) < _LEAST_CONTENT)

    def _compare(self, normal: str, parts: Sequence[Clause], whole: Reading, readings: Sequence[Reading]) -> _Compared:
        scores = np.maximum(self._retrieval.scores([whole, *readings]), 0)
        total, best, asking = scores[0].copy(), np.zeros_like(scores[0]), []
        for position, (part, reading) in enumerate(zip(parts, readings, strict=True)):
            if self._retrieval.reader.objects(reading):
                best = np.maximum(best, scores[1 + position] * (1 if part.intent else _UNASKED))
                asking += [position] if part.intent else []
        if len(parts) > 1:
            total = (scores[0] + _CLAUSE_SHARE * best) / (1 + _CLAUSE_SHARE)
        named = [name for clause, reading in enumerate(readings) for name in self._named(clause, reading)]
        for name in named:
            total[list(name.services)] += _HEARD * name.weight
        return _Compared(normal, parts, whole, readings, scores, total, named, asking, int(total[:-1].argmax()))

    def _signs_of_scores(self, compared: _Compared) -> dict[str, float]:
        """How far ahead the service at the top is: of the others, of none at all, and in the clause that resembles it most."""
        top, score, scores = compared.top, compared.top_score, compared.scores
        clause = scores[1 + int(scores[1:, top].argmax())]
        clause_score = max(float(clause[top]), _LEAST_SCORE)
        asking = [scores[1 + position] for position in compared.asking]
        agreement = max(row[top] for row in asking) / max(*(row[:-1].max() for row in asking), _LEAST_SCORE) if asking else 1.0
        return {
            "score": math.log(score),
            "runner_up": _second(compared.total, top) / score,
            "nothing": min(float(compared.total[-1]) / score, _MOST_RATIO),
            "clause_score": math.log(clause_score),
            "clause_runner_up": min(_second(clause, top) / clause_score, _MOST_RATIO),
            "agreement": float(agreement),
        }

    def _signs_of_names(self, compared: _Compared) -> dict[str, float]:
        """Which names are heard, whose they are, and how much else is said."""
        top, length, named = compared.top, len(compared.whole.content), compared.named
        own = [name for name in named if top in name.services]
        unshared = [name for name in own if len(name.services) == 1]
        longest = max((name.end - name.start for name in own), default=0)
        exact = any(name.end - name.start >= length for name in unshared)
        content = compared.whole.content_text
        same = sum(content in text for text in self._contents)
        return {
            "heard": max((name.weight for name in named), default=0.0),
            "named": max((name.weight for name in own), default=0.0),
            "named_only": max((name.weight for name in unshared), default=0.0),
            "name_share": min(longest / length, 1.0),
            "rival": max((name.weight for name in named if self._rivals(name, compared)), default=0.0),
            "qualified": float(self._is_qualified([name for name in own if name.end - name.start == longest], compared)),
            "fragment": float(not exact and same > 1),
        }

    def _signs_of_words(self, compared: _Compared) -> dict[str, float]:
        """How many of the words are the service's own, and what kind of sentence it is."""
        explained = self._explained(compared.whole, compared.top)
        closest = int(compared.scores[1:, compared.top].argmax())
        clause = self._explained(compared.readings[closest], compared.top)
        return {
            "coverage": sum(explained) / len(explained),
            "clause_coverage": sum(clause) / max(len(clause), 1),
            "unexplained": min(sum(mark < 1 for mark in explained), _MOST_UNEXPLAINED) / _MOST_UNEXPLAINED,
            "addressed": float(bool(_ADDRESSED.search(compared.normal))),
            "open": float(bool(_OPEN.search(compared.normal))),
        }

    def _named(self, clause: int, reading: Reading) -> list[_Named]:
        """Names and aliases in a clause by their sound, the longest at each place, none inside another."""
        found: list[_Named] = []
        sounds = reading.sounds
        for start in range(len(sounds)):
            if sounds[start : start + 2] not in self._starts:
                continue
            for end in range(min(start + self._longest_name, len(sounds)), start + 1, -1):
                services = self._names.get(sounds[start:end])
                if services:
                    if not found or found[-1].end < end:
                        found.append(_Named(clause, start, end, services))
                    break
        return found

    def _rivals(self, name: _Named, compared: _Compared) -> bool:
        """The name of other services only, and no word of the service at the top."""
        if compared.top in name.services:
            return False
        sounds = " ".join(compared.readings[name.clause].sounds[name.start : name.end])
        return sounds not in self._spoken[compared.top]

    def _is_qualified(self, names: Sequence[_Named], compared: _Compared) -> bool:
        """An unknown word stands right before one of the names: 电梯年检 is not 年检."""
        for clause in {name.clause for name in names}:
            reading = compared.readings[clause]
            marks = dict(zip(reading.content, self._explained(reading, compared.top), strict=True))
            if any(name.start > 0 and marks.get(name.start - 1, 1.0) < _HALF_KNOWN for name in names if name.clause == clause):
                return True
        return False

    def _explained(self, reading: Reading, service: int) -> list[float]:
        """A mark for each content token: 1 where the service's phrases have it with a neighbour, or its meaning."""
        known = self._vocabulary[service]
        heard = {at for name in self._named(0, reading) if service in name.services for at in range(name.start, name.end)}
        tokens = [reading.tokens[at] for at in reading.content]
        sounds = [reading.sounds[at] for at in reading.content]
        marks = [_HALF_KNOWN if f"c{token}" in known else 0.0 for token in tokens]
        for left in range(len(tokens) - 1):
            if f"c{tokens[left]}{tokens[left + 1]}" in known or f"s{sounds[left]} {sounds[left + 1]}" in known:
                marks[left] = marks[left + 1] = 1.0
        owner = [index for index, token in enumerate(tokens) for _ in token]
        for start, end, concepts in spoken_of("".join(tokens)):
            if any(f"k{concept}" in known for concept in concepts):
                for index in owner[start:end]:
                    marks[index] = 1.0
        return [1.0 if at in heard else mark for at, mark in zip(reading.content, marks, strict=True)]


def _wanted_by_clauses(compared: _Compared) -> tuple[int, ...]:
    """The service that each clause resembles most, and well enough, that wants something; without repetition."""
    rows = zip(compared.parts, compared.scores[1:, :-1], strict=True)
    return tuple(dict.fromkeys(int(row.argmax()) for part, row in rows if part.intent and row.max() >= _LEAST_CLAUSE))


def _second(scores: Floats, top: int) -> float:
    """The best score of the other services."""
    return float(np.delete(scores[:-1], top).max(initial=0))
