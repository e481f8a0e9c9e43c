"""Where a file was cut off, and how it is known."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest

from analytics.video.endings import is_cut_off
from tests.analytics import clips


def _cuts(data: bytes, container: str) -> list[int]:
    """The lengths at which the file, cut off there, is taken for a whole one."""
    return [length for length in range(1, len(data) + 1) if not is_cut_off(io.BytesIO(data[:length]), container)]


def _box(name: bytes, length: int) -> bytes:
    return struct.pack(">I4s", length, name) + bytes(length - 8)


PACKET = b"\x47" + bytes(187)


@pytest.mark.parametrize(
    ("before", "behind", "whole"),
    [
        pytest.param(0, 0, [0], id="bare"),
        pytest.param(4, 0, [0, 1, 2, 3, 4], id="time before"),
        pytest.param(0, 16, [0, *range(188, 204)], id="checksum behind"),
    ],
)
def test_transport_stream(before: int, behind: int, whole: list[int]) -> None:
    packet = bytes(before) + PACKET + bytes(behind)
    for count in (5, 40):
        found = [more for more in range(len(packet)) if not is_cut_off(io.BytesIO(packet * count + packet[:more]), "mpegts")]
        assert found == whole


def test_transport_stream_padded_to_a_sector() -> None:
    assert not is_cut_off(io.BytesIO(PACKET * 40 + bytes(100)), "mpegts")


def test_boxes() -> None:
    first, second = _box(b"ftyp", 24) + _box(b"moov", 40), _box(b"moof", 32) + _box(b"mdat", 64)
    assert _cuts(first + second, "mov,mp4") == [*range(1, 8), *range(24, 32), *range(64, 72), *range(96, 104), 160]


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(struct.pack(">I4s", 0, b"mdat") + bytes(9), id="up to the end of the file"),
        pytest.param(struct.pack(">I4sQ", 1, b"mdat", 20) + bytes(4), id="long length"),
        pytest.param(b"\xff" * 50, id="what is no box"),
        pytest.param(bytes(50), id="zeros"),
    ],
)
def test_boxes_of_all_kinds_that_are_whole(rest: bytes) -> None:
    assert not is_cut_off(io.BytesIO(_box(b"ftyp", 24) + rest), "mov,mp4")


def test_a_box_with_a_long_length_is_cut_off() -> None:
    assert is_cut_off(io.BytesIO(struct.pack(">I4sQ", 1, b"mdat", 21) + bytes(4)), "mov,mp4")
    assert is_cut_off(io.BytesIO(struct.pack(">I4sI", 1, b"mdat", 0)), "mov,mp4")


@pytest.mark.parametrize("lies", [0, 8], ids=["true length", "length with the header"])
def test_riffs(lies: int) -> None:
    riffs = b"RIFF" + struct.pack("<I", 50) + bytes(50) + b"RIFF" + struct.pack("<I", 41 + lies) + bytes(41)
    assert not is_cut_off(io.BytesIO(riffs), "avi")
    assert is_cut_off(io.BytesIO(riffs[:90]), "avi")
    assert is_cut_off(io.BytesIO(riffs[:40]), "avi")
    assert not is_cut_off(io.BytesIO(b"RIFF" + bytes(50)), "avi"), "still being written"


SEGMENT, CLUSTER, BLOCK, UNKNOWN = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75", b"\xa3", b"\x01" + b"\xff" * 7
HEADER = b"\x1a\x45\xdf\xa3\x84" + bytes(4)


def test_matroska_with_lengths() -> None:
    data = HEADER + SEGMENT + b"\x40\x64" + bytes(100)
    assert _cuts(data, "matroska,webm") == [len(HEADER), len(data)]


def test_matroska_written_live() -> None:
    block = BLOCK + b"\x8a" + bytes(10)
    opened, cluster = HEADER + SEGMENT + UNKNOWN, CLUSTER + UNKNOWN + block + block
    data = opened + cluster + cluster
    ends = [len(HEADER), len(opened)]
    for start in (len(opened), len(opened) + len(cluster)):
        ends += [start + 12, start + 24, start + 36]
    assert _cuts(data, "matroska,webm") == ends
    assert not is_cut_off(io.BytesIO(data + bytes(30)), "matroska,webm"), "zeros behind it"


@pytest.mark.parametrize("container", ["flv", "h264", "mpeg"])
def test_other_containers_are_not_known(container: str) -> None:
    assert not is_cut_off(io.BytesIO(b"RIFF\xff\xff\xff\x7f"), container)


def test_a_path_and_an_open_file_that_stays_where_it_is(tmp_path: Path) -> None:
    path = clips.cut_off(clips.write(tmp_path / "a.ts"), 0.5)
    assert is_cut_off(path, "mpegts")
    with path.open("rb") as file:
        file.seek(77)
        assert is_cut_off(file, "mpegts")
        assert file.tell() == 77
