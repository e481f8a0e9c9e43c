"""Small videos made on the spot, whole and damaged in every way an upload can be."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from analytics.video.types import ImageBGR

WIDTH, HEIGHT, FPS = 160, 96, 10


def pattern(index: int, width: int = WIDTH, height: int = HEIGHT) -> ImageBGR:
    """A frame whose number can be read from it: a grey level that grows, and a red corner at the upper left."""
    image = np.full((height, width, 3), 40 + 2 * (index % 80), np.uint8)
    image[: height // 4, : width // 4] = (0, 0, 255)
    return image


def write(
    path: Path,
    *,
    count: int = 30,
    fps: int = FPS,
    width: int = WIDTH,
    height: int = HEIGHT,
    codec: str = "libx264",
    container: str | None = None,
    times_ms: Iterable[int] | None = None,
    options: dict[str, str] | None = None,
    gop: int = 10,
    frame: Callable[[int, int, int], ImageBGR] = pattern,
) -> Path:
    """A video of `count` frames, at even times or at `times_ms`."""
    with av.open(str(path), "w", format=container, options=options or {}) as output:
        stream: Any = output.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"g": str(gop), "bf": "0"} if codec == "libx264" else {}
        times = list(times_ms) if times_ms is not None else [round(index * 1000 / fps) for index in range(count)]
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for index, time_ms in enumerate(times):
            video_frame = av.VideoFrame.from_ndarray(frame(index, width, height), format="bgr24")
            if times_ms is not None:
                video_frame.pts, video_frame.time_base = time_ms, Fraction(1, 1000)
            output.mux(stream.encode(video_frame))
        output.mux(stream.encode())
    return path


def sound_only(path: Path) -> Path:
    """A second of silence in MP4."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=16_000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 16_000
        output.mux(stream.encode(silence))
        output.mux(stream.encode())
    return path


def box(data: bytes, name: bytes) -> int:
    """Where the contents of the first MP4 box of this name begin."""
    return data.index(name) + 4


def without_timestamps(path: Path) -> Path:
    """Says of every frame but the last that it takes no time: all have the timestamp of the first."""
    data = bytearray(path.read_bytes())
    at = box(bytes(data), b"stts")
    entries = struct.unpack(">I", data[at + 4 : at + 8])[0]
    count, delta = struct.unpack(">II", data[at + 8 : at + 16])
    assert entries == 1, "an even frame rate has one entry"
    two = struct.pack(">IIII", count - 1, 0, 1, delta)
    # The table grows by one entry: every box around it does, and the frames lie before it.
    data[at + 4 : at + 16] = struct.pack(">I", 2) + two
    for name in (b"stts", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        start = data.index(name) - 4
        data[start : start + 4] = struct.pack(">I", struct.unpack(">I", data[start : start + 4])[0] + 8)
    path.write_bytes(data)
    return path


def turned(path: Path) -> Path:
    """Marks the video as filmed with the camera on its side: to be shown turned by 90 degrees clockwise."""
    data = bytearray(path.read_bytes())
    at = box(bytes(data), b"tkhd") + 40
    data[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def cut_off(path: Path, share: float) -> Path:
    """Leaves the first `share` of the file, an odd number of bytes: never whole packets of a transport stream alone."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share) | 1])
    return path


def cut_off_behind(path: Path, pictures: int, rest: int) -> Path:
    """Leaves `pictures` and, from where the container has the next one, `rest` bytes."""
    with av.open(str(path)) as video:
        positions = [packet.pos for packet in video.demux(video=0) if packet.size]
    data = path.read_bytes()
    path.write_bytes(data[: (positions[pictures] or 0) + rest])
    return path


def header_only(path: Path) -> Path:
    """A video in fragments, of which the first has not come yet."""
    data = write(path, options={"movflags": "frag_keyframe+empty_moov"}).read_bytes()
    path.write_bytes(data[: data.index(b"moof") - 4])
    return path


def without_frames(path: Path) -> Path:
    """Overwrites all of the frames' data; the index is whole."""
    data = bytearray(path.read_bytes())
    at = box(bytes(data), b"mdat")
    size = struct.unpack(">I", data[at - 8 : at - 4])[0] - 8
    data[at : at + size] = bytes(size)
    path.write_bytes(data)
    return path


def scribbled(path: Path, start: float, end: float) -> Path:
    """Overwrites the frames' data between two shares of the file with noise."""
    data = bytearray(path.read_bytes())
    first, last = int(len(data) * start), int(len(data) * end)
    data[first:last] = np.random.default_rng(0).bytes(last - first)
    path.write_bytes(data)
    return path
