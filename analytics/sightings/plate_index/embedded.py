"""The index of plates that works out of the box: every plate is looked at, eight characters at a time.

Ten million plates are 240 MB, mapped and shared by all processes; `python -m bench.search` measures the search.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.plates.search import PART_SCORE, Query, understand
from analytics.sightings.plate_index.alphabet import GROUP_MASK, LENGTH, Words, code, encode
from analytics.sightings.plate_index.base import MIN_THRESHOLD, PlateEntry, PlateHit
from analytics.sightings.plate_index.conditions import Condition, Plan, exact_fit, plan
from analytics.sightings.plate_index.scoring import scores
from analytics.sightings.plate_index.store import PlateRows, PlateSnapshot, PlateStore, PlateWriter
from faces.index.file_index import MOST_THREADS, FileIndex

Slots = npt.NDArray[np.intp]

_PART_ROWS: Final = 1 << 20
"""What a thread does at a time."""
_BLOCK_ROWS: Final = 1 << 15
"""What stays in a core's cache."""
_HALF: Final = LENGTH // 2
_EVERY_BYTE: Final = 0x0101010101010101
_FIT: Final = 1e-6


class EmbeddedPlateIndex(FileIndex[PlateEntry, PlateSnapshot, PlateWriter]):
    """A PlateIndex in files below `directory`."""

    _what = PlateStore.what
    _rows_at_once = 100_000

    def __init__(self, directory: Path, *, lock_timeout_seconds: float = 30.0) -> None:
        self._helpers = min(os.cpu_count() or 1, MOST_THREADS)
        with self._errors_reported():
            store = PlateStore(directory, lock_timeout_seconds=lock_timeout_seconds)
        super().__init__(store, threads=self._helpers)

    def search(self, query: str, *, limit: int, threshold: float) -> list[PlateHit]:
        if limit < 1 or not MIN_THRESHOLD <= threshold <= 1:
            raise ValueError(f"limit must be at least 1 and threshold {MIN_THRESHOLD} to 1, not {limit} and {threshold}")
        wanted = understand(query)
        return self._unchanged(lambda snapshot: self._search(snapshot.rows, wanted, limit, threshold))

    def create(self) -> None:
        """The files are made by opening them."""

    def _put(self, writer: PlateWriter, batch: list[PlateEntry]) -> None:
        keys = {entry.sighting_id: entry.key for entry in batch}
        sightings = np.fromiter(keys, np.int64, len(keys))
        writer.erase(sightings)
        writer.put(sightings, encode(keys.values()))

    def _search(self, rows: PlateRows, wanted: Query, limit: int, threshold: float) -> list[PlateHit]:
        same = _newest_same(rows, wanted.pattern, limit) if wanted.is_plain else []
        if len(same) == limit:
            return same
        if wanted.is_part or not wanted.is_plain:
            fitting = self._fitting(rows, wanted, exact_fit(wanted), limit, max(threshold, PART_SCORE), enough=True)
            if len(fitting) == limit or not wanted.is_plain:
                return fitting
        return self._fitting(rows, wanted, plan(wanted, threshold), limit, threshold, enough=False)

    def _fitting(
        self, rows: PlateRows, wanted: Query, to_do: Plan, limit: int, threshold: float, *, enough: bool
    ) -> list[PlateHit]:
        """The best of the newest rows that hold `limit` fitting ones where that is `enough`, else of all."""
        look = partial(_best_of_part, scan=_Scan(to_do), wanted=wanted, limit=limit, threshold=threshold)
        starts = list(range(0, len(rows), _PART_ROWS))[::-1]
        at_once = self._helpers if enough else max(1, len(starts))
        hits: list[PlateHit] = []
        for first in range(0, len(starts), at_once):
            for part in self._threads.map(lambda start: look(rows[start : start + _PART_ROWS]), starts[first : first + at_once]):
                hits += part
            if enough and len(hits) >= limit:
                break
        hits.sort(key=lambda hit: (-hit.score, -hit.sighting_id))
        return hits[:limit]


@dataclass(frozen=True, slots=True)
class _Shifted:
    """The query at one shift, as it lies in the first eight characters of a plate."""

    word: np.uint64
    places: np.uint64
    """The highest bit of each byte that has a character of the query."""


class _Scan:
    """A plan as it is laid on words."""

    def __init__(self, to_do: Plan) -> None:
        self.literals = to_do.literals
        self.conditions = to_do.conditions
        self.shifted = {shift: self._at(shift) for condition in to_do.conditions for shift in condition.shifts}
        self.short = [condition for condition in to_do.conditions if self._reachable(condition)]

    def candidates(self, rows: PlateRows) -> Slots:
        """The rows that meet one of the conditions, in order."""
        met = np.zeros(len(rows), np.bool_)
        for start in range(0, len(rows), _BLOCK_ROWS):
            self._mark(rows.heads[start : start + _BLOCK_ROWS], met[start : start + _BLOCK_ROWS])
        if any(condition.length is None or condition.length > _HALF for condition in self.conditions):
            long = np.flatnonzero(rows.tails)
            if len(long):
                met[long] = self._long(rows.words(long))
        return np.flatnonzero(met)

    def _at(self, shift: int) -> _Shifted:
        word = places = 0
        for place, character in self.literals:
            if 0 <= place + shift < _HALF:
                bits = 8 * (place + shift)
                word |= (code(character) & GROUP_MASK) << bits
                places |= 0x80 << bits
        return _Shifted(np.uint64(word), np.uint64(places))

    def _mark(self, heads: npt.NDArray[np.uint64], met: npt.NDArray[np.bool_]) -> None:
        """Marks the keys of up to eight characters that meet a condition, and perhaps some longer ones."""
        folded = heads & np.uint64(GROUP_MASK * _EVERY_BYTE)
        counts: dict[int, npt.NDArray[np.uint8]] = {}
        for condition in self.short:
            total: npt.NDArray[np.uint8] | None = None
            for shift in condition.shifts:
                if not self.shifted[shift].places:
                    continue
                if shift not in counts:
                    counts[shift] = _agreeing(folded, self.shifted[shift])
                total = counts[shift] if total is None else total + counts[shift]
            assert total is not None
            slots = np.flatnonzero(total >= condition.need)
            if condition.length is not None:
                slots = slots[_have_length(heads[slots], condition.length)]
            met[slots] = True

    def _reachable(self, condition: Condition) -> bool:
        """Whether a key of up to eight characters can meet it."""
        places = sum(int(self.shifted[shift].places).bit_count() for shift in condition.shifts)
        return places >= condition.need and (condition.length is None or condition.length <= _HALF)

    def _long(self, words: Words) -> npt.NDArray[np.bool_]:
        """Which keys of more than eight characters meet one of the conditions."""
        characters = np.ascontiguousarray(words).view(np.uint8).reshape(-1, LENGTH)
        lengths, folded = np.count_nonzero(characters, axis=1), characters & GROUP_MASK
        met = np.zeros(len(words), np.bool_)
        for condition in self.conditions:
            total = np.zeros(len(words), np.intp)
            for shift in condition.shifts:
                for place, character in self.literals:
                    if 0 <= place + shift < LENGTH:
                        there = characters[:, place + shift] != 0
                        total += there & (folded[:, place + shift] == code(character) & GROUP_MASK)
            met |= (total >= condition.need) & ((lengths == condition.length) | (condition.length is None))
        return met


def _agreeing(folded: npt.NDArray[np.uint64], shifted: _Shifted) -> npt.NDArray[np.uint8]:
    """(n,): on how many of its places the query agrees with each word."""
    different = folded ^ shifted.word
    different += np.uint64(0x7F * _EVERY_BYTE)  # carries into the highest bit of every byte that is not zero
    different &= shifted.places
    counts: npt.NDArray[np.uint8] = np.bitwise_count(shifted.places) - np.bitwise_count(different)
    return counts


def _have_length(heads: npt.NDArray[np.uint64], length: int) -> npt.NDArray[np.bool_]:
    """Which keys have so many characters, at most eight; longer ones look as if they had eight."""
    shortest, beyond = 1 << 8 * (length - 1), 1 << 8 * length
    return (heads >= np.uint64(shortest)) & (heads <= np.uint64(beyond - 1))


def _newest_same(rows: PlateRows, key: str, limit: int) -> list[PlateHit]:
    head, tail = encode([key])[0]
    slots = np.flatnonzero(rows.heads == head)
    slots = slots[rows.tails[slots] == tail]
    newest = np.sort(rows.sightings[slots])[::-1][:limit]
    return [PlateHit(sighting_id, 1.0) for sighting_id in newest.tolist()]


def _best_of_part(rows: PlateRows, *, scan: _Scan, wanted: Query, limit: int, threshold: float) -> list[PlateHit]:
    slots = scan.candidates(rows)
    fit = scores(wanted, rows.words(slots))
    good = fit >= threshold - _FIT
    slots, fit, numbers = slots[good], fit[good], rows.sightings[slots[good]]
    order = np.lexsort((-numbers, -fit))[:limit]
    return [PlateHit(number, score) for number, score in zip(numbers[order].tolist(), fit[order].tolist(), strict=True)]
