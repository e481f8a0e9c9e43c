"""The files of an index, mapped by all processes of the machine, whatever rows they hold.

    <directory>/lock            held by the one process that writes
    <directory>/header          see `header`
    <directory>/<generation>/   the rows, see `generation`

Files that are damaged, of another format or of other rows are noticed when they are opened and replaced by an empty store at
version 0. After a start of the machine every row is checked once, because a loss of power may have kept any part of what was
written from the disk. The directory has to be on a disk of this machine: network file systems don't share mapped files.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from filelock import FileLock, Timeout

from faces.index.base import IndexUnavailable
from faces.index.generation import Sliceable, overwrite, start_anew
from faces.index.header import Damaged, Header, read_header, write_header
from faces.index.rows import Column, Ids

logger = logging.getLogger(__name__)

_READ_ATTEMPTS = 20
_READ_PAUSE_SECONDS = 0.001
_LOCK_POLL_SECONDS = 0.005

RowsT = TypeVar("RowsT", bound=Sliceable)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Snapshot(Generic[RowsT]):
    """The rows there are at one moment. They may be overwritten while they are read: what is copied has to be checked."""

    key: tuple[int, int]
    """`Header.key` of the header they belong to."""
    rows: RowsT

    def upto(self, slots: int) -> Self:
        return replace(self, rows=self.rows[:slots])


class Writer(Protocol):
    """What the holder of the store's lock may do. Makes up for what the last one left undone when it is made."""

    header: Header

    def erase(self, numbers: Ids) -> None:
        """Overwrites these rows with zeros; those that aren't there are no matter."""
        ...

    def finish(self, version: int) -> None:
        """Says that the rows are complete up to this version."""
        ...

    def clear(self) -> None:
        """Forgets all rows and starts another life."""
        ...

    def close(self) -> None: ...


SnapshotT = TypeVar("SnapshotT", bound=Snapshot[Any])
WriterT = TypeVar("WriterT", bound=Writer)


class FileStore(ABC, Generic[SnapshotT, WriterT]):
    """Opens the files, or makes them. All methods may be called from any thread.

    Raises IndexUnavailable where another process holds the lock for too long, and OSError where the files can't be used.
    """

    what: ClassVar[str]
    """What these are the files of, as messages say it."""

    def __init__(
        self, directory: Path, identity: bytes, columns: tuple[Column, ...], *, boot: bytes, lock_timeout_seconds: float
    ) -> None:
        """`identity`: see Header.engine; `boot`: see header.current_boot."""
        self._directory = directory
        self._identity = identity
        self._columns = columns
        self._lock_timeout_seconds = lock_timeout_seconds
        self._mapped: SnapshotT | None = None
        self._file: FileIO | None = self._open_header()
        self.header()
        self._check_after_boot(boot)

    @abstractmethod
    def _map_generation(self, header: Header) -> SnapshotT:
        """All slots of the header's generation. Raises Damaged for files that don't belong to the header, or no longer."""

    @abstractmethod
    def _open_writer(self, header: Header) -> WriterT:
        """With the lock held."""

    @abstractmethod
    def _as_written(self, header: Header) -> bool:
        """Whether the rows are those that the header's digest was made of; looks at every one."""

    def header(self) -> Header:
        """The header as it is now."""
        for _ in range(_READ_ATTEMPTS):
            try:
                return read_header(self._header_file(), self._identity)
            except Damaged:
                if not os.fstat(self._header_file().fileno()).st_size:
                    break  # nobody has made the store yet
                time.sleep(_READ_PAUSE_SECONDS)
        with self._locked():
            return self._usable_header()

    def snapshot(self) -> SnapshotT:
        for _ in range(_READ_ATTEMPTS):
            header = self.header()
            try:
                return self._map(header).upto(header.slots)
            except Damaged:
                time.sleep(_READ_PAUSE_SECONDS)
        with self._locked():
            header = self._usable_header()
            return self._map(header).upto(header.slots)

    @contextmanager
    def writing(self) -> Iterator[WriterT]:
        """Waits for the lock and mends what the last holder may have left torn."""
        with self._locked(), closing(self._open_writer(self._usable_header())) as writer:
            yield writer

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
        with locked(self._directory, self.what, timeout_seconds=self._lock_timeout_seconds):
            yield

    def _map(self, header: Header) -> SnapshotT:
        mapped = self._mapped
        if mapped is None or mapped.key != header.key or len(mapped.rows) < header.capacity:
            mapped = self._mapped = self._map_generation(header)
        return mapped

    def _usable_header(self) -> Header:
        """With the lock held: the header, of files that are sound as far as a look tells; of an empty store where they aren't."""
        file = self._header_file()
        try:
            header = read_header(file, self._identity)
            self._map(header)
        except Damaged as damage:
            if os.fstat(file.fileno()).st_size:
                logger.warning("The %s in %s is damaged and will be built anew: %s", self.what, self._directory.name, damage)
            return start_anew(self._directory, file, self._identity, self._columns)
        return header

    def _check_after_boot(self, boot: bytes) -> None:
        if any(boot) and self.header().boot == boot:
            return
        with self._locked():
            header = self._usable_header()
            if any(boot) and header.boot == boot:
                return
            file = self._header_file()
            if header.writing or not self._as_written(header):
                logger.warning("The %s in %s was not written completely and will be built anew", self.what, self._directory.name)
                start_anew(self._directory, file, self._identity, self._columns)
            else:
                write_header(file, replace(header, boot=boot))


@contextmanager
def locked(directory: Path, what: str, *, timeout_seconds: float) -> Iterator[None]:
    """Holds the lock of the store in `directory`. Raises IndexUnavailable where somebody else does for too long."""
    lock = FileLock(directory / "lock", timeout=timeout_seconds, poll_interval=_LOCK_POLL_SECONDS, mode=0o600)
    try:
        lock.acquire()
    except Timeout as error:
        raise IndexUnavailable(f"another process has been writing the {what} for too long") from error
    try:
        yield
    finally:
        lock.release()


def wipe(directory: Path, what: str, *, lock_timeout_seconds: float) -> None:
    """Overwrites the files of a store with zeros and deletes them. Raises OSError, and IndexUnavailable while another writes."""
    with locked(directory, what, timeout_seconds=lock_timeout_seconds):
        for path in (path for path in directory.rglob("*") if path.is_file() and path.name != "lock"):
            overwrite(path)
        shutil.rmtree(directory)
