"""The search: by the rows' signs where there are many, then exactly by their codes."""

from __future__ import annotations

from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.index.base import Hit
from faces.index.quantise import SIGN_BYTES, Probe, SignFrame, Signs, Slots, dequantise, nearness, score
from faces.index.rows import Rows
from faces.index.writer import VectorSnapshot
from faces.types import Metric

LEAST_SCORED = 512
"""So many rows at least are scored, where nobody asks for more."""
ALL_NEAR_SCORED = 32_768
"""So many for whoever wants all that are near and not the nearest alone (bench.search_sightings, at a million)."""
_DEPTH_PER_PERSON = 64
_DEPTH_LIMIT = 8192
"""So many rows at most are scored because the nearest of them leaves room for nearer ones."""
_DEEPER = 8
_SPARE = 4
"""So many persons more than asked for are looked at, in case a writer is just overwriting one of them."""
_SAMPLE_ROWS = 8192
"""So many rows' distances at least tell how all of them are distributed."""
_PART_ROWS = 1 << 16
"""What a thread does at a time."""

Distances = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Search:
    """What is asked of one snapshot of the rows."""

    snapshot: VectorSnapshot
    probe: Probe
    """(width,), of unit length under COSINE."""
    metric: Metric
    limit: int
    least_scored: int = LEAST_SCORED
    """The nearest are found with few; whoever wants all that are near wants more."""

    def among(self, slots: Slots) -> list[Hit]:
        """The best of these rows; all of them are scored."""
        slots = self.snapshot.rows.taken(slots)
        if len(slots) <= self.limit:
            return self._hits(slots)
        return self._hits(slots[self._best_of_persons(slots, self._nearness(slots))])

    def by_signs(self, frame: SignFrame, threads: Executor, helpers: int) -> list[Hit]:
        """The best of all rows: those whose signs differ least from the probe's are scored."""
        rows = self.snapshot.rows
        if not len(rows):
            return []
        depth = max(self.least_scored, _DEPTH_PER_PERSON * self.limit)
        distances = sign_distances(rows.signs, frame.signs(self.probe[np.newaxis]), threads, helpers)
        slots = _of_least_distance(distances, rows, depth)
        near = self._nearness(slots)
        if len(slots):
            slots, near = self._widened(frame, distances, slots, near)
        best = self._best_of_persons(slots, near)
        while len(best) < self.limit and depth < len(rows):
            depth *= _DEEPER
            slots = _of_least_distance(distances, rows, depth)
            best = self._best_of_persons(slots, self._nearness(slots))
        return self._hits(slots[best])

    def _widened(
        self, frame: SignFrame, distances: Distances, slots: Slots, near: npt.NDArray[np.float32]
    ) -> tuple[Slots, npt.NDArray[np.float32]]:
        """With the rows that, going by their signs, may well be nearer than the nearest of those at `slots`."""
        rows = self.snapshot.rows
        nearest = rows.copy(slots[[near.argmax()]])
        reach = frame.reach(self.probe, dequantise(nearest.codes, nearest.factors)[0], self.metric)
        if reach <= distances[slots].max() or len(slots) >= _DEPTH_LIMIT:
            return slots, near
        wider = _of_least_distance(distances, rows, _DEPTH_LIMIT)
        wider = wider[distances[wider] <= reach]
        return wider, self._nearness(wider)

    def _nearness(self, slots: Slots) -> npt.NDArray[np.float32]:
        rows = self.snapshot.rows
        return nearness(rows.codes, rows.factors, slots, self.probe, self.metric)

    def _best_of_persons(self, slots: Slots, near: npt.NDArray[np.float32]) -> Slots:
        """Positions of the nearest sample of each of the nearest persons, `limit` and some to spare, nearest first."""
        wanted = self.limit + _SPARE
        keep = _DEPTH_PER_PERSON * wanted
        while True:
            top = np.argpartition(-near, keep)[:keep] if keep < len(near) else np.arange(len(near))
            top = top[np.argsort(-near[top], kind="stable")]
            first = np.unique(self.snapshot.rows.persons[slots[top]], return_index=True)[1]
            if len(first) >= wanted or keep >= len(near):
                return top[np.sort(first)[:wanted]]
            keep *= _DEEPER

    def _hits(self, slots: Slots) -> list[Hit]:
        """One for each of the rows, but for those that aren't whole: the ids and the score of a hit come from the same copy."""
        rows = self.snapshot.rows.copy(slots)
        near = nearness(rows.codes, rows.factors, np.arange(len(rows)), self.probe, self.metric)
        whole = rows.intact()
        order = np.argsort(-near, kind="stable")
        best: dict[int, Hit] = {}
        for position in order[whole[order]].tolist():
            person = int(rows.persons[position])
            hit = Hit(int(rows.samples[position]), person, score(float(near[position]), self.probe, self.metric))
            best.setdefault(person, hit)
        return list(best.values())[: self.limit]


def sign_distances(signs: Signs, probe_signs: Signs, threads: Executor, helpers: int) -> Distances:
    """On how many axes each row is on the probe's other side. At most so many `helpers` of the threads take part."""
    distances = np.empty(len(signs), np.int32)
    parts = [slice(start, min(start + _PART_ROWS, len(signs))) for start in range(0, len(signs), _PART_ROWS)]
    waiting = iter(parts)
    done: set[int] = set()

    def work() -> None:
        for part in waiting:
            _hamming(probe_signs, signs[part], distances[part])
            done.add(part.start)

    with suppress(RuntimeError):  # the index is being closed
        for _ in range(min(helpers, len(parts) // 2)):
            threads.submit(work)
    work()
    # A helper that has lost its processor to another process may hold up a part for long: doing it again, to the same effect, is
    # faster than waiting.
    for part in parts:
        if part.start not in done:
            _hamming(probe_signs, signs[part], distances[part])
    return distances


def _hamming(probe_signs: Signs, signs: Signs, distances: Distances) -> None:
    from faiss import hammings, swig_ptr  # type: ignore[attr-defined]  # its stubs leave hammings out

    hammings(swig_ptr(probe_signs), swig_ptr(signs), 1, len(signs), SIGN_BYTES, swig_ptr(distances))


def _of_least_distance(distances: Distances, rows: Rows, count: int) -> Slots:
    """The `count` rows of least sign distance, or as many as there are."""
    step = len(distances) // _SAMPLE_ROWS | 1  # odd, lest it keep in step with the order of the rows
    some = distances[::step]
    # Half as many again as needed, so that by chance it hardly ever is too few.
    rank = 3 * count // (2 * step) + 8
    if rank >= len(some):
        return _least(distances, rows, np.arange(len(distances)), count)
    return _least(distances, rows, np.flatnonzero(distances <= np.partition(some, rank)[rank]), count)


def _least(distances: Distances, rows: Rows, slots: Slots, count: int) -> Slots:
    """Of the rows at `slots` that are not free, the `count` of least distance."""
    slots = rows.taken(slots)
    if len(slots) <= count:
        return slots
    return slots[np.argpartition(distances[slots], count - 1)[:count]]
