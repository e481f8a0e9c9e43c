"""Sets of files that hold rows: a file for each column, mapped read-only by those who search, written in place by one writer.

The files only grow, and only those of a whole set are ever given up, after being overwritten with zeros: a mapping of them never
becomes invalid under a reader.
"""

from __future__ import annotations

import mmap
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from io import FileIO
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from faces.index.header import Damaged, Header, current_boot, write_header
from faces.index.quantise import Slots
from faces.index.rows import Column

_ZEROS = bytes(1 << 20)
_FIRST_CAPACITY = 1024
NO_NUMBER = -(1 << 63)
"""Smaller than the number of any row."""


class Sliceable(Protocol):
    """Rows by slot, as a dataclass that has an array for each column, by the column's name."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice) -> Self: ...


def generation_path(directory: Path, generation: int) -> Path:
    return directory / f"{generation:012d}"


def generations(directory: Path) -> dict[int, Path]:
    """All there are, those included that a writer who died left behind."""
    return {int(path.name): path for path in directory.iterdir() if path.name.isdecimal()}


def start_anew(directory: Path, file: FileIO, identity: bytes, columns: tuple[Column, ...]) -> Header:
    """An empty store of a new life at version 0; what there was is overwritten and deleted."""
    generation = max(generations(directory), default=0) + 1
    create_generation(generation_path(directory, generation), columns, _FIRST_CAPACITY)
    header = Header(
        engine=identity,
        boot=current_boot(),
        writing=False,
        life=secrets.randbits(64),
        generation=generation,
        version=0,
        slots=0,
        count=0,
        capacity=_FIRST_CAPACITY,
        digest=0,
        largest_sample=NO_NUMBER,
        frame_checksum=0,
    )
    write_header(file, header)
    destroy_other_generations(directory, generation)
    return header


def create_generation(directory: Path, columns: tuple[Column, ...], capacity: int) -> None:
    """Makes the files, all slots free, for the eyes of this user only."""
    directory.mkdir(mode=0o700)
    for column in columns:
        with (directory / column.name).open("xb") as file:
            file.truncate(capacity * column.row_bytes)


def destroy_other_generations(directory: Path, generation: int) -> None:
    """Overwrites the rows, for a process may have them mapped until its next search, and deletes the files."""
    for other, path in generations(directory).items():
        if other == generation:
            continue
        for file in path.iterdir():
            overwrite(file)
        shutil.rmtree(path)


def overwrite(path: Path) -> None:
    """With zeros, in place."""
    with path.open("r+b", buffering=0) as file:
        _write_zeros(file.fileno(), 0, os.fstat(file.fileno()).st_size)


class GenerationWriter:
    """Writes rows to a generation's files. Nothing is written through a map, so that a full disk is an OSError and no crash."""

    def __init__(self, directory: Path, columns: tuple[Column, ...]) -> None:
        self._columns = columns
        with ExitStack() as opened:
            self._files = [opened.enter_context((directory / column.name).open("r+b", buffering=0)) for column in self._columns]
            self._opened = opened.pop_all()

    def close(self) -> None:
        self._opened.close()

    def grow(self, capacity: int) -> None:
        for file, column in zip(self._files, self._columns, strict=True):
            file.truncate(capacity * column.row_bytes)

    def write(self, slots: Slots, rows: Sliceable) -> None:
        """Puts rows at ascending slots, their last column last."""
        for file, column in zip(self._files, self._columns, strict=True):
            values = np.ascontiguousarray(getattr(rows, column.name), column.dtype)
            for start, stop in _runs(slots):
                _write(file.fileno(), values[start:stop].data.cast("B"), int(slots[start]) * column.row_bytes)

    def erase(self, slots: Slots) -> None:
        """Overwrites the rows at ascending slots with zeros, their last column first."""
        for file, column in zip(reversed(self._files), reversed(self._columns), strict=True):
            for start, stop in _runs(slots):
                _write_zeros(file.fileno(), int(slots[start]) * column.row_bytes, (int(slots[stop - 1]) + 1) * column.row_bytes)


def map_column(directory: Path, column: Column, capacity: int) -> npt.NDArray[Any]:
    """All its slots, shared with every process that maps them. Raises Damaged where the file is missing or too short."""
    size = capacity * column.row_bytes
    try:
        with (directory / column.name).open("rb") as file:
            if os.fstat(file.fileno()).st_size < size:
                raise Damaged(f"the column {column.name} is too short")
            mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
    except FileNotFoundError as error:
        raise Damaged(f"the column {column.name} is missing") from error
    if hasattr(mmap, "MADV_WILLNEED"):
        mapped.madvise(mmap.MADV_WILLNEED)
    values = np.frombuffer(mapped, column.dtype)
    return values if column.width == 1 else values.reshape(capacity, column.width)


def _runs(slots: Slots) -> Iterator[tuple[int, int]]:
    """Positions from and to which ascending slots follow each other without a gap."""
    ends = [*(np.flatnonzero(np.diff(slots) != 1) + 1).tolist(), len(slots)]
    return zip([0, *ends[:-1]], ends, strict=True) if len(slots) else iter(())


def _write_zeros(descriptor: int, start: int, stop: int) -> None:
    for position in range(start, stop, len(_ZEROS)):
        _write(descriptor, memoryview(_ZEROS)[: stop - position], position)


def _write(descriptor: int, data: memoryview, position: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, position)
        data = data[written:]
        position += written
