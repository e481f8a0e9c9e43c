"""analytics.plates.search.distance for many plates at once, as numbers in columns."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.plates.search import GAP_COST, PART_SCORE, Query, substitution_cost
from analytics.sightings.plate_index.alphabet import LENGTH, Words, code, decode

Costs = npt.NDArray[np.float32]

_ONE: Final = "?"
_ANY: Final = "*"
_CODES: Final = 128
_SAME: Final = 1e-5
_DIGITS: Final = 6
"""Of the scores, so that what is equal but for the order of additions is equal."""


def scores(query: Query, words: Words) -> npt.NDArray[np.float64]:
    """(n,): how well each of the (n, 2) keys fits, as analytics.plates.search.score says it; exactly 1 for the same key."""
    pattern = query.pattern
    apart = _distances(query, words)
    fit = np.maximum(0, 1 - apart.astype(np.float64) / max(len(pattern.replace(_ANY, "")), 1)).round(_DIGITS)
    if not query.is_part and query.is_plain:
        fit[apart < _SAME] = 1
        return fit
    fit = (fit * PART_SCORE).round(_DIGITS)
    if query.is_plain:
        fit[(apart < _SAME) & (_lengths(_characters(words)) == len(pattern))] = 1
    return fit


def _characters(words: Words) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(words, "<u8").view(np.uint8).reshape(-1, LENGTH)


def _lengths(characters: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    lengths: npt.NDArray[np.intp] = np.count_nonzero(characters, axis=1)
    return lengths


def _distances(query: Query, words: Words) -> Costs:
    characters = _characters(words)
    lengths = _lengths(characters)
    longest = int(lengths.max(initial=0))
    gap, count = np.float32(GAP_COST), len(characters)
    above = np.empty((longest + 1, count), np.float32)
    above[:] = 0 if query.is_part else (np.arange(longest + 1, dtype=np.float32) * gap)[:, np.newaxis]
    for sign in query.pattern:
        row = np.empty_like(above)
        row[0] = above[0] if sign == _ANY else above[0] + gap
        costs = _costs(sign)
        for place in range(longest):
            if sign == _ANY:
                np.minimum(above[place + 1], row[place], out=row[place + 1])
                continue
            change = above[place] + costs[characters[:, place]]
            np.minimum(change, np.minimum(above[place + 1], row[place]) + gap, out=row[place + 1])
        above = row
    if not query.is_part:
        last: Costs = above[lengths, np.arange(count)]
        return last
    beyond = np.arange(longest + 1)[:, np.newaxis] > lengths
    best: Costs = np.where(beyond, np.float32(np.inf), above).min(axis=0)
    return best


def _costs(sign: str) -> Costs:
    """(128,): what it costs that a plate has the character of each code where the query has `sign`."""
    if sign in {_ONE, _ANY}:
        return np.zeros(_CODES, np.float32)
    every = np.zeros((_CODES - 1, 2), np.uint64)
    every[:, 0] = np.arange(1, _CODES)
    costs = np.array([1.0, *(substitution_cost(sign, character) for character in decode(every))], np.float32)
    costs[code(sign)] = 0
    return costs
