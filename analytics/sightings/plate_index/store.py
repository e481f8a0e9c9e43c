"""The files of the embedded index of plates, mapped by all processes of the machine.

    <directory>/lock            held by the one process that writes
    <directory>/header          see faces.index.header, of which the fields of signs and samples are unused
    <directory>/<generation>/   heads, tails: the words of each plate; sightings: its number. A free slot is all zeros

Rows are only added at the end, and overwritten with zeros when they go; when most slots are free, the rest moves to a new
generation. A writer that dies has not said its version, so that its changes are applied again. What a reader sees of a row that
is just being written is a wrong candidate at worst, and candidates are read again from the database. After a start of the machine
a digest of all rows is compared once, because a loss of power may have kept any part of them from the disk.
"""

from __future__ import annotations

import hashlib
import logging
import mmap
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from analytics.sightings.plate_index.alphabet import Words, encode
from faces.index.base import IndexUnavailable
from faces.index.generation import runs
from faces.index.header import Damaged, Header, current_boot, read_header, write_header
from faces.index.rows import Ids, slots_where

logger = logging.getLogger(__name__)

_FORMAT: Final = hashlib.sha256(b"plates 1 " + encode(["0123456789ABCDEF", "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁"]).tobytes()).digest()
"""Another alphabet makes another index."""
_COLUMNS: Final = ("heads", "tails", "sightings")
_WORD_BYTES: Final = 8
_CAPACITY_STEP: Final = 64 * 1024
_READ_ATTEMPTS: Final = 20
_READ_PAUSE_SECONDS: Final = 0.001
_LOCK_POLL_SECONDS: Final = 0.005
_ZEROS: Final = bytes(1 << 20)
_MIX: Final = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PlateRows:
    """All slots in use at one moment."""

    heads: npt.NDArray[np.uint64]
    tails: npt.NDArray[np.uint64]
    sightings: Ids

    def __len__(self) -> int:
        return len(self.heads)

    def __getitem__(self, part: slice) -> PlateRows:
        return PlateRows(self.heads[part], self.tails[part], self.sightings[part])

    def words(self, slots: npt.NDArray[np.intp]) -> Words:
        return np.stack([self.heads[slots], self.tails[slots]], axis=1)


class PlateStore:
    """Raises IndexUnavailable where another process holds the lock for too long, and OSError where the files can't be used."""

    def __init__(self, directory: Path, *, lock_timeout_seconds: float = 30.0) -> None:
        self._directory = directory
        self._lock_timeout_seconds = lock_timeout_seconds
        self._mapped: tuple[tuple[int, int], int, PlateRows] | None = None
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file: FileIO | None = FileIO(os.open(directory / "header", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
        self.header()
        self._check_after_boot()

    def header(self) -> Header:
        """The header as it is now; of a new, empty store where there was none or a damaged one."""
        for _ in range(_READ_ATTEMPTS):
            try:
                return read_header(self._header_file(), _FORMAT)
            except Damaged:
                if not os.fstat(self._header_file().fileno()).st_size:
                    break
                time.sleep(_READ_PAUSE_SECONDS)
        with self._locked():
            return self._usable_header()

    def rows(self) -> PlateRows:
        """All slots in use now, mapped."""
        for _ in range(_READ_ATTEMPTS):
            header = self.header()
            try:
                return self._map(header)
            except Damaged:
                time.sleep(_READ_PAUSE_SECONDS)
        with self._locked():
            return self._map(self._usable_header())

    @contextmanager
    def writing(self) -> Iterator[PlateWriter]:
        """Waits for the lock. What is written is there for others when `PlateWriter.finish` says the version."""
        with self._locked():
            yield PlateWriter(self, self._usable_header())

    def close(self) -> None:
        """The files are closed when the last search that goes on ends."""
        self._file = None
        self._mapped = None

    def generation_path(self, header: Header) -> Path:
        return self._directory / f"{header.generation:012d}"

    def publish(self, header: Header) -> None:
        write_header(self._header_file(), header)

    def start_anew(self, header: Header | None, rows: PlateRows | None = None) -> Header:
        """Another generation with these rows, or with none, and then in a new life; what there was is overwritten and deleted."""
        old = [path for path in self._directory.iterdir() if path.name.isdecimal()]
        generation = max((int(path.name) for path in old), default=0) + 1
        fresh = Header(
            engine=_FORMAT, boot=current_boot(), writing=False, life=secrets.randbits(64), generation=generation, version=0,
            slots=0, count=0, capacity=_CAPACITY_STEP, digest=0, largest_sample=0, frame_checksum=0,
        )  # fmt: skip
        path = self.generation_path(fresh)
        path.mkdir(mode=0o700)
        if header is not None and rows is not None:
            slots = len(rows)
            fresh = replace(
                header, generation=generation, slots=slots, count=slots, capacity=_rounded_up(slots + 1), digest=digest(rows)
            )
        for column in _COLUMNS:
            with (path / column).open("xb") as file:
                if rows is not None:
                    file.write(np.ascontiguousarray(getattr(rows, column)).tobytes())
                file.truncate(fresh.capacity * _WORD_BYTES)
        self.publish(fresh)
        for leftover in old:
            _destroy(leftover)
        return fresh

    def _map(self, header: Header) -> PlateRows:
        key = (header.life, header.generation)
        mapped = self._mapped
        if mapped is None or mapped[0] != key or mapped[1] < header.slots:
            path = self.generation_path(header)
            columns = [_map_column(path / column, header.capacity) for column in _COLUMNS]
            rows = PlateRows(columns[0].view("<u8"), columns[1].view("<u8"), columns[2].view("<i8"))
            mapped = self._mapped = (key, header.capacity, rows)
        return mapped[2][: header.slots]

    def _header_file(self) -> FileIO:
        file = self._file
        if file is None:
            raise IndexUnavailable("the index is closed")
        return file

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            with FileLock(
                self._directory / "lock", timeout=self._lock_timeout_seconds, poll_interval=_LOCK_POLL_SECONDS, mode=0o600
            ):
                yield
        except Timeout as error:
            raise IndexUnavailable("another process has been writing the index of plates for too long") from error

    def _usable_header(self) -> Header:
        """With the lock held."""
        file = self._header_file()
        try:
            header = read_header(file, _FORMAT)
            self._map(header)
        except Damaged as damage:
            if os.fstat(file.fileno()).st_size:
                logger.warning("The index of plates is damaged and will be built anew: %s", damage)
            return self.start_anew(None)
        return header

    def _check_after_boot(self) -> None:
        boot = current_boot()
        if any(boot) and self.header().boot == boot:
            return
        with self._locked():
            header = self._usable_header()
            if header.writing or digest(self._map(header)) != header.digest:
                logger.warning("The index of plates was not written completely and will be built anew")
                self.start_anew(None)
            else:
                self.publish(replace(header, boot=boot))


class PlateWriter:
    """What the holder of the store's lock may do."""

    def __init__(self, store: PlateStore, header: Header) -> None:
        self._store = store
        if header.writing:
            # The last writer died: what is beyond its slots was never said, what was erased is erased again.
            rows = store._map(header)  # noqa: SLF001 - this module owns both
            header = replace(header, digest=digest(rows), count=int(np.count_nonzero(rows.heads)))
        self.header = replace(header, writing=True)
        store.publish(self.header)

    def put(self, sightings: Ids, words: Words) -> None:
        """Adds rows, which must not be there yet."""
        start, stop = self.header.slots, self.header.slots + len(sightings)
        capacity = self.header.capacity
        if stop > capacity:
            capacity = _rounded_up(max(stop, capacity + capacity // 8))
        rows = PlateRows(np.ascontiguousarray(words[:, 0]), np.ascontiguousarray(words[:, 1]), sightings)
        path = self._store.generation_path(self.header)
        for column in _COLUMNS:
            with (path / column).open("r+b", buffering=0) as file:
                if capacity > self.header.capacity:
                    file.truncate(capacity * _WORD_BYTES)
                _write(file.fileno(), getattr(rows, column).tobytes(), start * _WORD_BYTES)
        self.header = replace(
            self.header,
            slots=stop,
            capacity=capacity,
            count=self.header.count + len(sightings),
            digest=(self.header.digest + digest(rows)) % (1 << 64),
            largest_sample=max(self.header.largest_sample, int(sightings.max())),
        )
        self._store.publish(self.header)

    def erase(self, sightings: Ids) -> None:
        """Overwrites the rows of these sightings with zeros; those that aren't there are no matter."""
        if not len(sightings) or int(sightings.min()) > self.header.largest_sample:
            return
        rows = self._store._map(self.header)  # noqa: SLF001 - this module owns both
        slots = slots_where(rows.sightings, sightings)
        slots = slots[rows.sightings[slots] != 0]
        gone = PlateRows(rows.heads[slots], rows.tails[slots], rows.sightings[slots])
        gone_digest = digest(gone)
        path = self._store.generation_path(self.header)
        for column in _COLUMNS:
            with (path / column).open("r+b", buffering=0) as file:
                for start, stop in runs(slots):
                    _write(file.fileno(), bytes((stop - start) * _WORD_BYTES), int(slots[start]) * _WORD_BYTES)
        self.header = replace(
            self.header, count=self.header.count - len(slots), digest=(self.header.digest - gone_digest) % (1 << 64)
        )
        self._store.publish(self.header)

    def finish(self, version: int) -> None:
        """Says that the rows are complete up to this version, and gives up free slots where they are most."""
        self.header = replace(self.header, version=version, writing=False)
        self._store.publish(self.header)
        if self.header.slots > 2 * self.header.count + _CAPACITY_STEP:
            rows = self._store._map(self.header)  # noqa: SLF001 - this module owns both
            kept = np.flatnonzero(rows.heads)
            self.header = self._store.start_anew(self.header, PlateRows(rows.heads[kept], rows.tails[kept], rows.sightings[kept]))

    def clear(self) -> None:
        self.header = self._store.start_anew(None)


def digest(rows: PlateRows) -> int:
    """One number for many rows, whatever their order; those of free slots add nothing, and digests add up modulo 2**64."""
    mixed = rows.heads * _MIX[0] ^ rows.tails * _MIX[1] ^ rows.sightings.view(np.uint64) * _MIX[2]
    return int((mixed * (mixed >> np.uint64(32) | np.uint64(1))).sum(dtype=np.uint64))


def _rounded_up(slots: int) -> int:
    return -(-slots // _CAPACITY_STEP) * _CAPACITY_STEP


def _map_column(path: Path, capacity: int) -> npt.NDArray[Any]:
    size = capacity * _WORD_BYTES
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < size:
                raise Damaged(f"the column {path.name} is too short")
            return np.frombuffer(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ), np.uint8)
    except FileNotFoundError as error:
        raise Damaged(f"the column {path.name} is missing") from error


def _write(descriptor: int, data: bytes, position: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, position)
        view = view[written:]
        position += written


def _destroy(directory: Path) -> None:
    """Overwrites what a process may still have mapped, and deletes it."""
    for path in directory.iterdir():
        with path.open("r+b", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            for start in range(0, size, len(_ZEROS)):
                _write(file.fileno(), _ZEROS[: size - start], start)
    shutil.rmtree(directory)
