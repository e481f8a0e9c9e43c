"""One set of files that holds rows: a file for each column, mapped read-only by those who search, written in place by one writer.

The files only grow, and only those of a whole set are ever given up, after being overwritten with zeros: a mapping of them never
becomes invalid under a reader.
"""

from __future__ import annotations

import mmap
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faces.index.header import Damaged
from faces.index.quantise import SIGN_BITS, SignFrame, Slots
from faces.index.rows import Column, Rows, columns

_FRAME_FILE = "frame"
_ZEROS = bytes(1 << 20)


def map_rows(directory: Path, width: int, capacity: int) -> Rows:
    """All `capacity` slots, shared with every process that maps them. Raises Damaged where a file is missing or too short."""
    return Rows(*(_map_column(directory, column, capacity) for column in columns(width)))


def read_frame(directory: Path, width: int, checksum: int) -> SignFrame:
    """Raises Damaged for anything but the frame that was written with this checksum."""
    try:
        packed = (directory / _FRAME_FILE).read_bytes()
    except FileNotFoundError as error:
        raise Damaged("the sign frame is missing") from error
    if zlib.crc32(packed) != checksum or len(packed) != width * (1 + SIGN_BITS) * 4:
        raise Damaged("the sign frame's checksum is wrong")
    numbers = np.frombuffer(packed, "<f4")
    return SignFrame(mean=numbers[:width], axes=numbers[width:].reshape(width, SIGN_BITS))


def create_generation(directory: Path, width: int, capacity: int, frame: SignFrame | None) -> int:
    """Makes the files, all slots free, for the eyes of this user only; returns the frame's checksum."""
    directory.mkdir(mode=0o700)
    for column in columns(width):
        with (directory / column.name).open("xb") as file:
            file.truncate(capacity * column.row_bytes)
    if frame is None:
        return 0
    packed = frame.mean.astype("<f4").tobytes() + frame.axes.astype("<f4").tobytes()
    with (directory / _FRAME_FILE).open("xb") as file:
        file.write(packed)
    return zlib.crc32(packed)


def destroy_generation(directory: Path) -> None:
    """Overwrites the rows, for a process may have them mapped until its next search, and deletes the files."""
    for path in directory.iterdir():
        if path.name == _FRAME_FILE:
            continue
        with path.open("r+b", buffering=0) as file:
            _write_zeros(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    shutil.rmtree(directory)


class GenerationWriter:
    """Writes rows to a generation's files. Nothing is written through a map, so that a full disk is an OSError and no crash."""

    def __init__(self, directory: Path, width: int) -> None:
        self._columns = columns(width)
        with ExitStack() as opened:
            self._files = [opened.enter_context((directory / column.name).open("r+b", buffering=0)) for column in self._columns]
            self._opened = opened.pop_all()

    def close(self) -> None:
        self._opened.close()

    def grow(self, capacity: int) -> None:
        for file, column in zip(self._files, self._columns, strict=True):
            file.truncate(capacity * column.row_bytes)

    def write(self, slots: Slots, rows: Rows) -> None:
        """Puts rows at ascending slots, and seals them last."""
        for file, column in zip(self._files, self._columns, strict=True):
            values = np.ascontiguousarray(getattr(rows, column.name), column.dtype)
            for start, stop in runs(slots):
                _write(file.fileno(), values[start:stop].data.cast("B"), int(slots[start]) * column.row_bytes)

    def erase(self, slots: Slots) -> None:
        """Overwrites the rows at ascending slots with zeros; they are unsealed first."""
        for file, column in zip(reversed(self._files), reversed(self._columns), strict=True):
            for start, stop in runs(slots):
                _write_zeros(file.fileno(), int(slots[start]) * column.row_bytes, (int(slots[stop - 1]) + 1) * column.row_bytes)


def _map_column(directory: Path, column: Column, capacity: int) -> npt.NDArray[Any]:
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


def runs(slots: Slots) -> Iterator[tuple[int, int]]:
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
