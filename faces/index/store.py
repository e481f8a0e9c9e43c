"""The files of one engine's rows, shared by all processes of the machine.

    <directory>/lock            held by the one process that writes
    <directory>/header          see `header`
    <directory>/<generation>/   the rows, see `generation`

A writer puts the rows first, then says in the header how many there are, then up to which gallery version they are complete: what
it has added is found at once, by all processes. It may die at any moment: a header that says a change was going on makes the next
writer check and count all rows, and as the version is written last, the caller applies the same changes again.

Files that are damaged, of another format or of another engine are noticed when they are opened and replaced by an empty store at
version 0. After a start of the machine every row is checked once, because a loss of power may have kept any part of what was
written from the disk. The directory has to be on a disk of this machine: network file systems don't share mapped files.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from faces.index.base import IndexUnavailable
from faces.index.header import Damaged, Header, current_boot, engine_digest, read_header, write_header
from faces.index.quantise import SignFrame, code_width
from faces.index.rows import Rows, blocks, digest
from faces.index.writer import Mapped, StoreWriter, map_generation, start_anew
from faces.types import EngineInfo

logger = logging.getLogger(__name__)

_READ_ATTEMPTS = 20
_READ_PAUSE_SECONDS = 0.001
_LOCK_POLL_SECONDS = 0.005
_WIPED_AT_ONCE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Snapshot:
    """The rows there are at one moment. They may be overwritten while they are read: what is copied has to be checked."""

    key: tuple[int, int]
    rows: Rows
    frame: SignFrame | None
    """None where the rows have no signs."""


class Store:
    """Opens the files, or makes them. All methods may be called from any thread.

    Raises IndexUnavailable where another process holds the lock for too long, and OSError where the files can't be used.
    """

    def __init__(self, directory: Path, engine: EngineInfo, *, lock_timeout_seconds: float) -> None:
        self._directory = directory
        self._engine = engine_digest(engine)
        self.width = code_width(engine.dimension)
        self._lock_timeout_seconds = lock_timeout_seconds
        self._mapped: Mapped | None = None
        self._file: FileIO | None = self._open_header()
        self.header()
        self._check_after_boot()

    def header(self) -> Header:
        """The header as it is now."""
        for _ in range(_READ_ATTEMPTS):
            try:
                return read_header(self._header_file(), self._engine)
            except Damaged:
                if not os.fstat(self._header_file().fileno()).st_size:
                    break  # nobody has made the store yet
                time.sleep(_READ_PAUSE_SECONDS)
        with self._locked():
            return self._usable_header()

    def snapshot(self) -> Snapshot:
        for _ in range(_READ_ATTEMPTS):
            header = self.header()
            try:
                mapped = self._map(header)
            except Damaged:
                time.sleep(_READ_PAUSE_SECONDS)
            else:
                return Snapshot(mapped.key, mapped.rows[: header.slots], mapped.frame)
        with self._locked():
            header = self._usable_header()
            mapped = self._map(header)
            return Snapshot(mapped.key, mapped.rows[: header.slots], mapped.frame)

    @contextmanager
    def writing(self) -> Iterator[StoreWriter]:
        """Waits for the lock and mends what the last holder may have left torn."""
        with self._locked():
            header = self._usable_header()
            writer = StoreWriter(self._directory, self._header_file(), header, self._map(header))
            try:
                yield writer
            finally:
                writer.close()

    def close(self) -> None:
        """The files are closed and unmapped when the last search that goes on ends."""
        self._file = None
        self._mapped = None

    def _open_header(self) -> FileIO:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return FileIO(os.open(self._directory / "header", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")

    def _header_file(self) -> FileIO:
        """To be held by whoever uses it, so that a `close` meanwhile doesn't close it for them."""
        file = self._file
        if file is None:
            raise IndexUnavailable("the index is closed")
        if os.fstat(file.fileno()).st_nlink == 0:  # somebody deleted the files
            file = self._file = self._open_header()
        return file

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(
            self._directory / "lock", timeout=self._lock_timeout_seconds, poll_interval=_LOCK_POLL_SECONDS, mode=0o600
        )
        try:
            lock.acquire()
        except Timeout as error:
            raise IndexUnavailable("another process has been writing the vector index for too long") from error
        try:
            yield
        finally:
            lock.release()

    def _map(self, header: Header) -> Mapped:
        mapped = self._mapped
        if mapped is None or mapped.key != (header.life, header.generation) or len(mapped.rows) < header.capacity:
            mapped = self._mapped = map_generation(self._directory, header, self.width)
        return mapped

    def _usable_header(self) -> Header:
        """With the lock held: the header, of files that are sound as far as a look tells; of an empty store where they aren't."""
        file = self._header_file()
        try:
            header = read_header(file, self._engine)
            self._map(header)
        except Damaged as damage:
            if os.fstat(file.fileno()).st_size:
                logger.warning("The vector index in %s is damaged and will be built anew: %s", self._directory.name, damage)
            return start_anew(self._directory, file, self._engine, self.width)
        return header

    def _check_after_boot(self) -> None:
        boot = current_boot()
        if any(boot) and self.header().boot == boot:
            return
        with self._locked():
            header = self._usable_header()
            if any(boot) and header.boot == boot:
                return
            file = self._header_file()
            if header.writing or not _as_written(self._map(header).rows, header):
                logger.warning("The vector index in %s was not written completely and will be built anew", self._directory.name)
                start_anew(self._directory, file, self._engine, self.width)
            else:
                write_header(file, replace(header, boot=boot))


def wipe(directory: Path, *, lock_timeout_seconds: float) -> None:
    """Overwrites the files of a store with zeros and deletes them. Raises OSError, and IndexUnavailable while another writes."""
    try:
        with FileLock(directory / "lock", timeout=lock_timeout_seconds, poll_interval=_LOCK_POLL_SECONDS, mode=0o600):
            for path in (path for path in directory.rglob("*") if path.is_file() and path.name != "lock"):
                with path.open("r+b") as file:
                    size = file.seek(0, os.SEEK_END)
                    file.seek(0)
                    for start in range(0, size, _WIPED_AT_ONCE):
                        file.write(bytes(min(_WIPED_AT_ONCE, size - start)))
            shutil.rmtree(directory)
    except Timeout as error:
        raise IndexUnavailable("another process has been writing the vector index for too long") from error


def _as_written(rows: Rows, header: Header) -> bool:
    """Whether all slots hold what the header says: whole rows with the right digest, and nothing at all elsewhere."""
    count = total = 0
    for part in blocks(len(rows)):
        block = rows[part]
        intact = block.intact()
        if not block.copy(np.flatnonzero(~intact)).blank().all():
            return False
        count += int(intact.sum())
        total += digest(block.checks[intact])
    return (count, total % (1 << 64)) == (header.count, header.digest)
