"""The files of the embedded index of plates, see `faces.index.file_store`; of the header, the checksum of the frame is unused.

Rows are only added at the end, and overwritten with zeros when they go; when most slots are free, the rest moves to a new
generation. A writer that dies has not said its version, so that its changes are applied again. What a reader sees of a row that
is just being written is a wrong candidate at worst, and candidates are read again from the database.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.sightings.plate_index.alphabet import Words, encode
from faces.index.file_store import FileStore, Snapshot
from faces.index.generation import (
    GenerationWriter,
    create_generation,
    destroy_other_generations,
    generation_path,
    map_column,
    start_anew,
)
from faces.index.header import Header, current_boot, write_header
from faces.index.rows import Column, Ids, slots_where

_FORMAT: Final = hashlib.sha256(b"plates 1 " + encode(["0123456789ABCDEF", "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁"]).tobytes()).digest()
"""Another alphabet makes another index."""
_COLUMNS: Final = (
    Column("sightings", np.dtype("<i8"), 1),
    Column("tails", np.dtype("<u8"), 1),
    Column("heads", np.dtype("<u8"), 1),
)
"""The number is the last that is erased: where a writer dies half-way, the row is still found by whoever erases it again."""
_CAPACITY_STEP: Final = 64 * 1024
_MIX: Final = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PlateRows:
    """Rows by slot: the number of each sighting and the words of its plate. A free slot is all zeros."""

    sightings: Ids
    tails: npt.NDArray[np.uint64]
    heads: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.heads)

    def __getitem__(self, part: slice | npt.NDArray[np.intp]) -> PlateRows:
        return PlateRows(self.sightings[part], self.tails[part], self.heads[part])

    def words(self, slots: npt.NDArray[np.intp]) -> Words:
        return np.stack([self.heads[slots], self.tails[slots]], axis=1)


PlateSnapshot = Snapshot[PlateRows]


class PlateStore(FileStore[PlateSnapshot, "PlateWriter"]):
    """All plates that were seen."""

    what = "index of plates"

    def __init__(self, directory: Path, *, lock_timeout_seconds: float = 30.0) -> None:
        super().__init__(directory, _FORMAT, _COLUMNS, boot=current_boot(), lock_timeout_seconds=lock_timeout_seconds)

    def _map_generation(self, header: Header) -> PlateSnapshot:
        return Snapshot(header.key, _map_rows(self._directory, header))

    def _open_writer(self, header: Header) -> PlateWriter:
        return PlateWriter(self._directory, self._header_file(), header, self._map(header).rows)

    def _as_written(self, header: Header) -> bool:
        return digest(self._map(header).rows[: header.slots]) == header.digest


class PlateWriter:
    """What the holder of the store's lock may do. The store is marked as torn from the first change until `finish`."""

    def __init__(self, directory: Path, file: FileIO, header: Header, rows: PlateRows) -> None:
        self._directory = directory
        self._file = file
        self._rows = rows
        self.header = header
        destroy_other_generations(directory, header.generation)
        if header.writing:
            # The last writer died: what is beyond its slots was never said, what was erased is erased again.
            left = self._used()
            self._publish(writing=False, digest=digest(left), count=int(np.count_nonzero(left.sightings)))
        self._files = GenerationWriter(generation_path(directory, header.generation), _COLUMNS)

    def close(self) -> None:
        self._files.close()

    def put(self, sightings: Ids, words: Words) -> None:
        """Adds rows, which must not be there yet."""
        self._publish(writing=True)
        slots = np.arange(self.header.slots, self.header.slots + len(sightings))
        rows = PlateRows(sightings, words[:, 1], words[:, 0])
        capacity = self.header.capacity
        grown = self.header.slots + len(slots) > capacity
        if grown:
            capacity = _rounded_up(max(self.header.slots + len(slots), capacity + capacity // 8))
            self._files.grow(capacity)
        self._files.write(slots, rows)
        self._publish(
            slots=self.header.slots + len(slots),
            capacity=capacity,
            count=self.header.count + len(slots),
            digest=(self.header.digest + digest(rows)) % (1 << 64),
            largest_sample=max(self.header.largest_sample, int(sightings.max())),
        )
        if grown:
            self._rows = _map_rows(self._directory, self.header)

    def erase(self, sightings: Ids) -> None:
        """Overwrites the rows of these sightings with zeros; those that aren't there are no matter."""
        if not len(sightings) or int(sightings.min()) > self.header.largest_sample:
            return
        rows = self._used()
        slots = slots_where(rows.sightings, sightings)
        slots = slots[rows.sightings[slots] != 0]
        if not len(slots):
            return
        gone = digest(rows[slots])
        self._publish(writing=True)
        self._files.erase(slots)
        self._publish(count=self.header.count - len(slots), digest=(self.header.digest - gone) % (1 << 64))

    def finish(self, version: int) -> None:
        """Says that the rows are complete up to this version, and gives up free slots where they are most."""
        self._publish(version=version, writing=False)
        if self.header.slots > 2 * self.header.count + _CAPACITY_STEP:
            self._rebuild()

    def clear(self) -> None:
        """Forgets all rows and starts another life."""
        self.close()
        self.header = start_anew(self._directory, self._file, _FORMAT, _COLUMNS)
        self._open_generation()

    def _used(self) -> PlateRows:
        return self._rows[: self.header.slots]

    def _publish(self, **changes: Any) -> None:
        header = replace(self.header, **changes)
        if header != self.header:
            self.header = header
            write_header(self._file, header)

    def _rebuild(self) -> None:
        """Moves the rows to another generation, without gaps."""
        used = self._used()
        kept = used[np.flatnonzero(used.heads)]
        generation = self.header.generation + 1
        capacity = _rounded_up(len(kept) + 1)
        path = generation_path(self._directory, generation)
        create_generation(path, _COLUMNS, capacity)
        with closing(GenerationWriter(path, _COLUMNS)) as files:
            files.write(np.arange(len(kept)), kept)
        self.close()
        self._publish(generation=generation, slots=len(kept), count=len(kept), capacity=capacity, digest=digest(kept))
        self._open_generation()
        destroy_other_generations(self._directory, generation)

    def _open_generation(self) -> None:
        self._files = GenerationWriter(generation_path(self._directory, self.header.generation), _COLUMNS)
        self._rows = _map_rows(self._directory, self.header)


def digest(rows: PlateRows) -> int:
    """One number for many rows, whatever their order; those of free slots add nothing, and digests add up modulo 2**64."""
    mixed = rows.heads * _MIX[0] ^ rows.tails * _MIX[1] ^ rows.sightings.view(np.uint64) * _MIX[2]
    return int((mixed * (mixed >> np.uint64(32) | np.uint64(1))).sum(dtype=np.uint64))


def _map_rows(directory: Path, header: Header) -> PlateRows:
    path = generation_path(directory, header.generation)
    return PlateRows(*(map_column(path, column, header.capacity) for column in _COLUMNS))


def _rounded_up(slots: int) -> int:
    return -(-slots // _CAPACITY_STEP) * _CAPACITY_STEP
