"""Changes to the rows of a store, made by one writer at a time while others search."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from faces.index.file_store import Snapshot
from faces.index.generation import (
    NO_NUMBER,
    GenerationWriter,
    create_generation,
    destroy_other_generations,
    generation_path,
    map_column,
    start_anew,
)
from faces.index.header import Damaged, Header, write_header
from faces.index.quantise import SIGN_BITS, SIGN_BYTES, Codes, Factors, SignFrame, Signs, Slots, dequantise
from faces.index.rows import Ids, Rows, blocks, columns, digest, slots_where

SIGNS_FROM = 4096
"""With fewer rows all are scored, and the mean that signs refer to would be a poor one."""
_FRAME_FITTED_ON = 32_768
"""Rows, at most, spread over all there are."""
_CAPACITY_STEP = 1024
_MODULUS = 1 << 64
_FRAME_FILE = "frame"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VectorSnapshot(Snapshot[Rows]):
    """With what tells the signs of a probe."""

    frame: SignFrame | None
    """None where the rows have no signs."""


def map_generation(directory: Path, header: Header, width: int) -> VectorSnapshot:
    """All slots. Raises Damaged for files that don't belong to the header, or no longer."""
    path = generation_path(directory, header.generation)
    frame = _read_frame(path, width, header.frame_checksum) if header.frame_checksum else None
    rows = Rows(*(map_column(path, column, header.capacity) for column in columns(width)))
    return VectorSnapshot(header.key, rows, frame)


def _read_frame(directory: Path, width: int, checksum: int) -> SignFrame:
    """Raises Damaged for anything but the frame that was written with this checksum."""
    try:
        packed = (directory / _FRAME_FILE).read_bytes()
    except FileNotFoundError as error:
        raise Damaged("the sign frame is missing") from error
    if zlib.crc32(packed) != checksum or len(packed) != width * (1 + SIGN_BITS) * 4:
        raise Damaged("the sign frame's checksum is wrong")
    numbers = np.frombuffer(packed, "<f4")
    return SignFrame(mean=numbers[:width], axes=numbers[width:].reshape(width, SIGN_BITS))


def _write_frame(directory: Path, frame: SignFrame) -> int:
    """Returns its checksum."""
    packed = frame.mean.astype("<f4").tobytes() + frame.axes.astype("<f4").tobytes()
    with (directory / _FRAME_FILE).open("xb") as file:
        file.write(packed)
    return zlib.crc32(packed)


class StoreWriter:
    """What the holder of the store's lock may do. The rows are consistent, and all of them searchable, after every call."""

    def __init__(self, directory: Path, file: FileIO, header: Header, mapped: VectorSnapshot) -> None:
        self._directory = directory
        self._file = file
        self._width = mapped.rows.codes.shape[1]
        self._columns = columns(self._width)
        self.header = header
        self._mapped = mapped
        self._files = GenerationWriter(generation_path(directory, header.generation), self._columns)
        try:
            destroy_other_generations(directory, header.generation)
            if header.writing:
                self._mend()
        except BaseException:
            self._files.close()
            raise

    def close(self) -> None:
        self._files.close()

    def put(self, samples: Ids, persons: Ids, codes: Codes, factors: Factors) -> None:
        """Adds rows, in place of those of the same samples; of rows for the same sample the last one counts."""
        if not len(samples):
            return
        last = len(samples) - 1 - np.unique(samples[::-1], return_index=True)[1]
        slots = self._slots_for(samples[last])
        self._make_room(int(slots.max()) + 1)
        order = np.argsort(slots)
        slots, chosen = slots[order], last[order]
        codes, factors = codes[chosen], factors[chosen]
        rows = Rows(
            codes, self._signs(codes, factors), factors, samples[chosen], persons[chosen], np.zeros(len(slots), np.uint64)
        )
        rows = rows.sealed()
        with self._changing():
            replaced = self._mapped.rows.checks[slots]
            self._files.write(slots, rows)
            self.header = replace(
                self.header,
                slots=max(self.header.slots, int(slots[-1]) + 1),
                count=self.header.count + int((replaced == 0).sum()),
                digest=(self.header.digest + digest(rows.checks) - digest(replaced)) % _MODULUS,
                largest_sample=max(self.header.largest_sample, int(rows.samples.max())),
            )
        self._rebuild_if_worthwhile()

    def erase(self, samples: Ids) -> None:
        """Overwrites the rows of these samples with zeros; those that aren't there are no matter."""
        slots = self._slots_of(samples)
        if not len(slots):
            return
        with self._changing():
            erased = self._mapped.rows.checks[slots]
            self._files.erase(slots)
            end = self.header.slots
            if slots[-1] == end - 1:
                live = self._mapped.rows[:end].all_taken()
                end = int(live[-1]) + 1 if len(live) else 0
            self.header = replace(
                self.header,
                slots=end,
                count=self.header.count - len(slots),
                digest=(self.header.digest - digest(erased)) % _MODULUS,
            )
        self._rebuild_if_worthwhile()

    def finish(self, version: int) -> None:
        """Says that the rows are complete up to this gallery version."""
        self._publish(version=version)

    def clear(self) -> None:
        """Forgets all rows and starts another life, unless there is nothing to forget."""
        if self.header.version or self.header.slots:
            self._files.close()
            self.header = start_anew(self._directory, self._file, self.header.engine, self._columns)
            self._open_generation()

    def _publish(self, **changes: Any) -> None:
        self.header = replace(self.header, **changes)
        write_header(self._file, self.header)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Marks the store as torn meanwhile; it stays marked where the change fails, so that the next writer mends it."""
        self._publish(writing=True)
        yield
        self._publish(writing=False)

    def _slots_of(self, samples: Ids) -> Slots:
        rows = self._mapped.rows[: self.header.slots]
        return rows.taken(slots_where(rows.samples, samples))

    def _slots_for(self, samples: Ids) -> Slots:
        """Where the rows of different samples, in ascending order, are or are to be."""
        slots = np.full(len(samples), -1, np.intp)
        if samples[0] <= self.header.largest_sample:
            known = self._slots_of(samples)
            slots[np.searchsorted(samples, self._mapped.rows.samples[known])] = known
        missing = np.flatnonzero(slots < 0)
        free = np.empty(0, np.intp)
        if self.header.count < self.header.slots:
            free = np.flatnonzero(self._mapped.rows.checks[: self.header.slots] == 0)[: len(missing)]
        slots[missing[: len(free)]] = free
        slots[missing[len(free) :]] = np.arange(self.header.slots, self.header.slots + len(missing) - len(free))
        return slots

    def _make_room(self, slots: int) -> None:
        if slots <= self.header.capacity:
            return
        wanted = max(slots, self.header.capacity + self.header.capacity // 8)
        capacity = -(-wanted // _CAPACITY_STEP) * _CAPACITY_STEP
        self._files.grow(capacity)
        self._publish(capacity=capacity)
        self._mapped = map_generation(self._directory, self.header, self._width)

    def _signs(self, codes: Codes, factors: Factors) -> Signs:
        if self._mapped.frame is None:
            return np.zeros((len(codes), SIGN_BYTES), np.uint8)
        return self._mapped.frame.signs(dequantise(codes, factors))

    def _rebuild_if_worthwhile(self) -> None:
        """Gives a gallery that has outgrown scoring every row its signs, and one with mostly free slots fewer of them."""
        needs_signs = self._mapped.frame is None and self.header.count >= SIGNS_FROM
        mostly_free = self.header.slots > max(2 * self.header.count, 2 * SIGNS_FROM)
        if needs_signs or mostly_free:
            self._rebuild()

    def _rebuild(self) -> None:
        """Copies the rows to another generation, without gaps and with signs of a fresh frame where they are many."""
        old = self._mapped.rows
        live = old[: self.header.slots].all_taken()
        frame = None
        if len(live) >= SIGNS_FROM:
            some = old.copy(live[:: -(-len(live) // _FRAME_FITTED_ON)])
            frame = SignFrame.fit(dequantise(some.codes, some.factors))
        generation = self.header.generation + 1
        capacity = -(-len(live) // _CAPACITY_STEP) * _CAPACITY_STEP + _CAPACITY_STEP
        path = generation_path(self._directory, generation)
        create_generation(path, self._columns, capacity)
        checksum = 0 if frame is None else _write_frame(path, frame)
        total = 0
        with closing(GenerationWriter(path, self._columns)) as files:
            for part in blocks(len(live)):
                rows = old.copy(live[part])
                signs = np.zeros_like(rows.signs) if frame is None else frame.signs(dequantise(rows.codes, rows.factors))
                rows = replace(rows, signs=signs).sealed()
                files.write(np.arange(part.start, part.stop), rows)
                total += digest(rows.checks)
        self._files.close()
        self._publish(generation=generation, slots=len(live), capacity=capacity, digest=total % _MODULUS, frame_checksum=checksum)
        self._open_generation()
        destroy_other_generations(self._directory, generation)

    def _open_generation(self) -> None:
        self._files = GenerationWriter(generation_path(self._directory, self.header.generation), self._columns)
        self._mapped = map_generation(self._directory, self.header, self._width)

    def _mend(self) -> None:
        """After a writer that died: keeps what is whole, overwrites the rest, and counts again."""
        count = total = end = 0
        largest = NO_NUMBER
        for part in blocks(self.header.capacity):
            rows = self._mapped.rows[part]
            intact = rows.intact()
            whole = np.flatnonzero(intact)
            self._files.erase(part.start + np.flatnonzero(~intact & ~rows.blank()))
            if len(whole):
                count += len(whole)
                total += digest(rows.checks[whole])
                end = part.start + int(whole[-1]) + 1
                largest = max(largest, int(rows.samples[whole].max()))
        self._publish(writing=False, slots=end, count=count, digest=total % _MODULUS, largest_sample=largest)
