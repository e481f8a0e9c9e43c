"""The first page of a store: which engine's rows these are, how far they go and up to which gallery version they are complete.

It is written with one `pwrite` and read with one `pread`, and carries a checksum: a reader sees a whole header or knows that it
does not.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from dataclasses import astuple, dataclass
from io import FileIO
from pathlib import Path
from typing import Self

from faces.types import EngineInfo

_MAGIC = b"KIOSKVEC"
_FORMAT = 1
_LAYOUT = struct.Struct("<8sI32s16s?QQQQQQQqI")
_CHECKSUM = struct.Struct("<I")
SIZE = _LAYOUT.size + _CHECKSUM.size

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Damaged(Exception):
    """The files are not what this format says they are; the message says in what."""


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a store at one moment."""

    engine: bytes
    """See `engine_digest`."""
    boot: bytes
    """The run of the machine in which the rows were last known to be as written; see `current_boot`."""
    writing: bool
    """A writer is changing rows, or died while it did."""
    life: int
    """Another one after each `clear`."""
    generation: int
    """Which set of files holds the rows."""
    version: int
    """The gallery version up to which the rows are complete."""
    slots: int
    """All rows are at slots below this one."""
    count: int
    """How many rows there are."""
    capacity: int
    """How many slots the files have room for."""
    digest: int
    """`rows.digest` of all checks."""
    largest_sample: int
    """No sample_id is larger."""
    frame_checksum: int
    """Of the file that keeps the SignFrame; 0 where there is none yet."""

    @property
    def key(self) -> tuple[int, int]:
        """Another one whenever other files hold the rows."""
        return self.life, self.generation

    def packed(self) -> bytes:
        packed = _LAYOUT.pack(_MAGIC, _FORMAT, *astuple(self))
        return packed + _CHECKSUM.pack(zlib.crc32(packed))

    @classmethod
    def unpacked(cls, packed: bytes, engine: bytes) -> Self:
        """Raises Damaged for anything but a header of this format, of this engine's store."""
        if len(packed) != SIZE:
            raise Damaged(f"the header has {len(packed)} of {SIZE} bytes")
        if _CHECKSUM.unpack_from(packed, _LAYOUT.size) != (zlib.crc32(packed[: _LAYOUT.size]),):
            raise Damaged("the header's checksum is wrong")
        magic, layout, *values = _LAYOUT.unpack_from(packed)
        if (magic, layout) != (_MAGIC, _FORMAT):
            raise Damaged("the header is of another format")
        header = cls(*values)
        if header.engine != engine:
            raise Damaged("the header is of another engine's store")
        return header


def engine_digest(engine: EngineInfo) -> bytes:
    """32 bytes that differ where engines differ in anything that makes their embeddings differ."""
    return hashlib.sha256(f"{engine.identity}\n{engine.dimension}\n{engine.metric.value}".encode()).digest()


def current_boot() -> bytes:
    """16 bytes that name this run of the machine; zeros where the system doesn't tell."""
    try:
        return bytes.fromhex(_BOOT_ID.read_text(encoding="ascii").strip().replace("-", ""))
    except FileNotFoundError:
        return bytes(16)


def read_header(file: FileIO, engine: bytes) -> Header:
    """Raises Damaged, which may pass when somebody is just writing it."""
    return Header.unpacked(os.pread(file.fileno(), SIZE, 0), engine)


def write_header(file: FileIO, header: Header) -> None:
    os.pwrite(file.fileno(), header.packed(), 0)
