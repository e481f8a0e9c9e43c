"""Which services an utterance resembles: kernel ridge regression over the catalogue's own phrases.

Every name, alias and example is a document that should score 1 for its service and 0 for all others; phrases of the lexicon that
ask for no service have a class of their own. The kernel makes pairs of features count, so that 身份证 and 丢 together mean
something else than each of them alone. Fitting is one Cholesky solve; a query is two small matrix products.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import numpy.typing as npt

from flows.understanding.features import Features, Reader, Reading
from flows.understanding.lexicon import lexicon
from flows.understanding.text import normalise

Floats = npt.NDArray[np.float32]

_REGULARISATION = 0.2
_MOST_PHRASES = 5000
"""The fit takes the cube of it: a second at 5000."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceWords:
    """How citizens call a service."""

    code: str
    name: str
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Phrase:
    """One text of the catalogue, normalised."""

    text: str
    service: int
    """Position of its service."""
    is_name: bool
    """A name or an alias, not an example."""


class Retrieval:
    """Fitted to one catalogue; immutable, safe for several threads."""

    def __init__(self, services: Sequence[ServiceWords]) -> None:
        self.services = tuple(services)
        self.phrases = tuple(_phrases(services))
        self.reader = Reader(phrase.text for phrase in self.phrases if phrase.is_name)
        self.readings = tuple(self.reader.read(phrase.text) for phrase in self.phrases)
        pairs = zip(self.phrases, self.readings, strict=True)
        self.reader.learn_objects((reading for phrase, reading in pairs if phrase.is_name), self.readings)
        self.phrase_features = tuple(self.reader.features(reading) for reading in self.readings)
        others = [self.reader.features(reading) for reading in self._nothing_offered()]
        labels = [phrase.service for phrase in self.phrases] + [len(services)] * len(others)
        self._fit([*self.phrase_features, *others], labels)

    def scores(self, readings: Sequence[Reading]) -> Floats:
        """One row a reading: about 0 to 1 for each service, and last for none of them."""
        cosines = np.stack([self._documents.cosines(*self._vector(self.reader.features(reading))) for reading in readings])
        scores: Floats = _kernel(cosines) @ self._weights
        return scores

    def _nothing_offered(self) -> Iterator[Reading]:
        """The lexicon's phrases that ask for no service of this catalogue: none of its names is half of what they say."""
        names = {" ".join(reading.sounds) for phrase, reading in zip(self.phrases, self.readings, strict=True) if phrase.is_name}
        for text in (*lexicon().small_talk, *lexicon().elsewhere):
            reading = self.reader.read(normalise(text))
            sounds = reading.sounds
            least = max(2, (len(reading.content) + 1) // 2)
            grams = (" ".join(sounds[start:end]) for start in range(len(sounds)) for end in range(start + least, len(sounds) + 1))
            if names.isdisjoint(grams):
                yield reading

    def _fit(self, documents: Sequence[Features], labels: Sequence[int]) -> None:
        counts = Counter(feature for document in documents for feature in document)
        total = len(documents)
        self._columns = {feature: column for column, feature in enumerate(counts)}
        self._rarity = np.log((total + 1) / (np.fromiter(counts.values(), np.float32) + 0.5)).astype(np.float32)
        self._unknown_rarity = float(np.log(total + 1))
        rows = [self._vector(document) for document in documents]
        self._documents = _Documents(rows)
        gram = _kernel(np.stack([self._documents.cosines(*row) for row in rows]))
        gram[np.diag_indices(total)] += _REGULARISATION
        wanted = np.zeros((total, len(self.services) + 1), np.float32)
        wanted[np.arange(total), labels] = 1
        self._weights: Floats = np.linalg.solve(gram, wanted)

    def _vector(self, features: Features) -> tuple[npt.NDArray[np.int32], Floats]:
        """Columns and weights of the known features; the unknown ones count in the length, which is 1 with them."""
        known = [(column, weight) for feature, weight in features.items() if (column := self._columns.get(feature)) is not None]
        columns = np.array([column for column, _ in known], np.int32)
        weights: Floats = np.array([weight for _, weight in known], np.float32) * self._rarity[columns]
        unknown = sum(weight**2 for feature, weight in features.items() if feature not in self._columns)
        length = float(np.sqrt(weights @ weights + unknown * self._unknown_rarity**2))
        return columns, (weights / (length or 1)).astype(np.float32)


class _Documents:
    """Sparse rows of unit length, by their columns. (scipy.sparse would do the same for 20 MB of the server's memory.)"""

    def __init__(self, rows: Sequence[tuple[npt.NDArray[np.int32], Floats]]) -> None:
        self._count = len(rows)
        columns = np.concatenate([columns for columns, _ in rows])
        order = np.argsort(columns, kind="stable")
        self._weights = np.concatenate([weights for _, weights in rows])[order]
        self._rows = np.repeat(np.arange(len(rows)), [len(columns) for columns, _ in rows])[order]
        self._starts = np.searchsorted(columns[order], np.arange(columns.max(initial=0) + 2))

    def cosines(self, columns: npt.NDArray[np.int32], weights: Floats) -> Floats:
        """The product of each row with the row that has these weights in these columns."""
        starts, counts = self._starts[columns], self._starts[columns + 1] - self._starts[columns]
        places = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        products = self._weights[places] * np.repeat(weights, counts)
        return np.bincount(self._rows[places], products, minlength=self._count).astype(np.float32)


def _kernel(cosine: Floats) -> Floats:
    return (cosine * (1 + cosine) / 2).astype(np.float32, copy=False)


def _phrases(services: Sequence[ServiceWords]) -> Iterator[Phrase]:
    """All phrases, or the first ones of each service where there are too many: names, then aliases, then examples."""
    of_each = []
    for position, service in enumerate(services):
        names = dict.fromkeys(filter(None, map(normalise, (service.name, *service.aliases))))
        examples = dict.fromkeys(filter(None, map(normalise, service.examples)))
        of_each.append([Phrase(text, position, is_name=text in names) for text in names | examples])
    total = sum(map(len, of_each))
    if total <= _MOST_PHRASES:
        yield from (phrase for phrases in of_each for phrase in phrases)
        return
    logger.warning("The service catalogue has %d phrases; %d are used to understand requests", total, _MOST_PHRASES)
    in_turn = (phrase for round_ in zip_longest(*of_each) for phrase in round_ if phrase is not None)
    yield from (phrase for phrase, _ in zip(in_turn, range(_MOST_PHRASES), strict=False))
