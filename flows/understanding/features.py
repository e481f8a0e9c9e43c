"""What two utterances may have in common: characters, sounds, words of the catalogue, and concepts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from flows.understanding.lexicon import lexicon
from flows.understanding.phonetics import initials, sound, spelled

Features = dict[str, float]
"""Feature to weight."""
Sounds = tuple[str, ...]

_TOKEN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]|[a-z0-9]+")
_LATIN = re.compile(r"(?<![a-z0-9])[a-z]{3,6}(?![a-z0-9])")
_CHARACTER, _PAIR, _TRIPLE = 0.5, 1.0, 1.0
_SOUND_PAIR, _SOUND_TRIPLE = 0.7, 0.7
_OBJECT, _CONCEPT, _OBJECT_AND_CONCEPT = 1.0, 1.0, 1.0
_OBJECT_SIZES = range(2, 6)
"""Syllables of a name or alias that counts as an object when others speak of it, e.g. 身份证."""
_LEAST_PHRASES = 2
"""So many phrases have to contain an object."""
_LONGEST_KEPT = 3
"""Characters of a name or alias inside which no function word is looked for, e.g. 过户."""
_SHORTEST_ABBREVIATED = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """A normalised text, read for one catalogue."""

    tokens: tuple[str, ...]
    """Characters, and Latin words or their syllables."""
    sounds: Sounds
    """One for each token."""
    content: tuple[int, ...]
    """Positions of the tokens that are no function words; all where there are no others."""
    concepts: frozenset[str]
    only_function_words: bool
    """It says nothing but that something is wanted."""

    @property
    def content_text(self) -> str:
        return "".join(self.tokens[position] for position in self.content)


class Reader:
    """Reads texts for one catalogue, given its names and aliases, normalised. learn_objects() completes it."""

    def __init__(self, names: Iterable[str]) -> None:
        names = sorted(set(names))
        long_concepts = {word for words in _concept_words().values() for word, _ in words if len(word) > 1}
        self._kept = long_concepts | {name for name in names if len(name) <= _LONGEST_KEPT}
        either = sorted(self._kept | set(lexicon().function_words), key=len, reverse=True)
        self._function_or_kept = re.compile("|".join(map(re.escape, either)))
        self._abbreviations = _abbreviations(names)
        self._objects: frozenset[str] = frozenset()

    def learn_objects(self, names: Iterable[Reading], phrases: Iterable[Reading]) -> None:
        """What the catalogue's phrases speak of: names and aliases that stand in several of them."""
        keys = {" ".join(name.sounds) for name in names if len(name.sounds) in _OBJECT_SIZES}
        counts = Counter(key for phrase in phrases for key in {*_keys(phrase.sounds)} & keys)
        self._objects = frozenset(key for key, count in counts.items() if count >= _LEAST_PHRASES)

    def read(self, text: str) -> Reading:
        """What is in a normalised text."""
        text = _LATIN.sub(lambda match: self._abbreviations.get(match[0], match[0]), text)
        tokens: list[str] = []
        sounds: list[str] = []
        for token in _TOKEN.findall(text):
            syllables = (sound(token),) if len(token) == 1 else spelled(token)
            tokens += syllables if len(syllables) > 1 else (token,)
            sounds += syllables if len(syllables) > 1 else (syllables or (token,))
        content = self._content(tokens)
        everything = tuple(range(len(tokens)))
        return Reading(
            tuple(tokens),
            tuple(sounds),
            content or everything,
            frozenset(name for _, _, names in spoken_of(text) for name in names),
            not content,
        )

    def features(self, reading: Reading) -> Features:
        """The features that the retrieval compares."""
        tokens = [reading.tokens[position] for position in reading.content]
        sounds = [reading.sounds[position] for position in reading.content]
        found: Counter[str] = Counter()
        for token in tokens:
            found[f"c{token}"] += _CHARACTER  # type: ignore[assignment]
        for size, weight in ((2, _PAIR), (3, _TRIPLE)):
            for gram in _grams(tokens, size):
                found["c" + "".join(gram)] += weight  # type: ignore[assignment]
        for size, weight in ((2, _SOUND_PAIR), (3, _SOUND_TRIPLE)):
            for gram in _grams(sounds, size):
                found["s" + " ".join(gram)] += weight  # type: ignore[assignment]
        features: Features = dict(found)
        features |= {f"k{concept}": _CONCEPT for concept in reading.concepts}
        for key in self.objects(reading):
            features[f"o{key}"] = _OBJECT
            features |= {f"o{key}+{concept}": _OBJECT_AND_CONCEPT for concept in reading.concepts}
        return features

    def objects(self, reading: Reading) -> set[str]:
        """The objects it speaks of, as sounds; one inside another counts too."""
        return {*_keys(reading.sounds)} & self._objects

    def _content(self, tokens: Sequence[str]) -> tuple[int, ...]:
        bare = "".join(tokens)
        dropped = {
            position
            for match in self._function_or_kept.finditer(bare)
            if match[0] not in self._kept
            for position in range(*match.span())
        }
        content, start = [], 0
        for position, token in enumerate(tokens):
            if start not in dropped:
                content.append(position)
            start += len(token)
        return tuple(content)


def spoken_of(text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Where in a text the lexicon's words stand, and the concepts that each one stands for."""
    by_first = _concept_words()
    for start, character in enumerate(text):
        for word, names in by_first.get(character, ()):
            if text.startswith(word, start):
                yield start, start + len(word), names


@cache
def _concept_words() -> dict[str, tuple[tuple[str, tuple[str, ...]], ...]]:
    """By first character: each word of the lexicon's concepts, with the concepts it stands for."""
    concepts: dict[str, list[str]] = {}
    for name, words in lexicon().concepts.items():
        for word in words:
            concepts.setdefault(word, []).append(name)
    by_first: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for word, names in concepts.items():
        by_first.setdefault(word[0], []).append((word, tuple(names)))
    return {first: tuple(words) for first, words in by_first.items()}


def _grams(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (items[start : start + size] for start in range(len(items) - size + 1))


def _keys(sounds: Sequence[str]) -> Iterator[str]:
    """Everything in it that may be an object."""
    return (" ".join(gram) for size in _OBJECT_SIZES for gram in _grams(sounds, size))


def _abbreviations(names: Iterable[str]) -> dict[str, str]:
    """Initials as typed on a phone, e.g. sfz, to the one name they may stand for."""
    found: dict[str, str | None] = {}
    for name in names:
        if len(name) >= _SHORTEST_ABBREVIATED and (letters := initials(name)):
            known = found.setdefault(letters, name)
            same = known is not None and [*map(sound, known)] == [*map(sound, name)]
            found[letters] = known if same else None
    return {letters: name for letters, name in found.items() if name is not None}
