"""Whether a file ends before its container does: a recording that was cut off.

Told by the lengths that the file itself gives, not by the decoder: the last picture before a cut may be whole. What nobody can
know is a cut between two elements of a container that announces nothing ahead: two packets of a transport stream, two fragments
of an MP4, two clusters of a Matroska file written live. The recorder might as well have been stopped there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

MOST_ELEMENTS = 500_000
"""How many are looked at: a file of nothing but empty ones must not take minutes."""

SYNC = 0x47
PACKET_BYTES = 188
PACKET_DISTANCES = (188, 192, 204)
"""From one packet of a transport stream to the next: bare, with a time before it (M2TS), with a checksum behind it."""
PACKETS_COMPARED = 24

BOX = struct.Struct(">I4s")
BOX_LENGTH = struct.Struct(">Q")
BOXES = frozenset(b"ftyp styp moov moof mdat mfra sidx free skip wide uuid udta meta".split())

RIFF = struct.Struct("<4sI")

EBML_ID_BYTES, EBML_LENGTH_BYTES = 4, 8
"""At most."""
EBML_SEGMENT, EBML_CLUSTER = 0x18538067, 0x1F43B675


def is_cut_off(source: Path | BinaryIO, container: str) -> bool:
    """Whether the last element of the file goes on behind its end; False where that can't be known.

    `container` is FFmpeg's name of the format. An open file is left at its position.
    """
    ends_early = _CHECKS.get(container.partition(",")[0])
    if ends_early is None:
        return False
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        position = file.tell()
        try:
            return ends_early(file, file.seek(0, 2))
        finally:
            file.seek(position)


def _packets(file: BinaryIO, size: int) -> bool:
    """MPEG-TS."""
    file.seek(max(0, size - max(PACKET_DISTANCES) * (PACKETS_COMPARED + 1)))
    tail = file.read()
    for distance in PACKET_DISTANCES:
        compared = min(PACKETS_COMPARED, len(tail) // distance)
        lasts = [left for left in range(1, distance + 1) if tail[-left::-distance].startswith(bytes([SYNC]) * compared)]
        if lasts and compared:
            return max(lasts) < PACKET_BYTES
    return False


def _boxes(file: BinaryIO, size: int) -> bool:
    """MP4, MOV. A box of length 0 goes on to the end of the file, wherever that is."""
    at = 0
    for _ in range(MOST_ELEMENTS):
        file.seek(at)
        head = file.read(BOX.size)
        if len(head) < BOX.size:
            return at > size
        length, name = BOX.unpack(head)
        if length == 1:
            (length,) = BOX_LENGTH.unpack(file.read(BOX_LENGTH.size).ljust(BOX_LENGTH.size, b"\xff"))
        if name not in BOXES or length < BOX.size:
            return False
        at += length
    return False


def _riffs(file: BinaryIO, size: int) -> bool:
    """AVI: one or more, of length 0 as long as they are being written."""
    at = 0
    for _ in range(MOST_ELEMENTS):
        file.seek(at)
        head = file.read(RIFF.size)
        if len(head) < RIFF.size:
            return False
        name, length = RIFF.unpack(head)
        if name != b"RIFF":
            return False
        at += RIFF.size + length
        # Some writers count the eight bytes before the length in.
        if at > size + RIFF.size:
            return True
        at += length % 2
    return False


def _elements(file: BinaryIO, size: int) -> bool:
    """Matroska, WebM. Segments and clusters that are written live have no length; what is in them is looked at."""
    at = 0
    for _ in range(MOST_ELEMENTS):
        if at >= size:
            return at > size
        file.seek(at)
        head = file.read(EBML_ID_BYTES + EBML_LENGTH_BYTES)
        id_bytes = _ebml_bytes(head[0])
        if id_bytes > EBML_ID_BYTES:
            return False
        if len(head) <= id_bytes or len(head) < (head_bytes := id_bytes + _ebml_bytes(head[id_bytes])):
            return True
        unknown = (1 << 7 * (head_bytes - id_bytes)) - 1
        length = int.from_bytes(head[id_bytes:head_bytes]) & unknown
        at += head_bytes
        if length != unknown:
            at += length
        elif int.from_bytes(head[:id_bytes]) not in {EBML_SEGMENT, EBML_CLUSTER}:
            return False
    return False


def _ebml_bytes(first: int) -> int:
    """How many bytes a number has, by the first of them; 9 where it is none."""
    return 9 - first.bit_length()


_CHECKS: dict[str, Callable[[BinaryIO, int], bool]] = {"mpegts": _packets, "mov": _boxes, "avi": _riffs, "matroska": _elements}
"""By the first of FFmpeg's names of a format. In FLV and bare streams, it is the decoder that finds the last picture damaged."""
