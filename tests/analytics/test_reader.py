"""Reading videos: good ones, bad ones, and those that are both."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analytics.video.errors import VideoError, VideoErrorCode
from analytics.video.reader import VideoReader, probe
from analytics.video.types import VideoLimits
from tests.analytics import clips
from tests.media import shared

TRICKS = [0, 40, 80, 500, 510, 1200, 1240]


def read(path: Path, limits: VideoLimits | None = None) -> tuple[VideoReader, list[int]]:
    with VideoReader(path, limits) as reader:
        return reader, [frame.time_ms for frame in reader]


def test_a_video_is_described_and_read_frame_by_frame(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "clip.mp4")
    with VideoReader(path) as reader:
        assert (reader.info.width, reader.info.height, reader.info.fps) == (clips.WIDTH, clips.HEIGHT, clips.FPS)
        assert (reader.info.duration_ms, reader.info.codec, reader.info.rotation_degrees) == (3000, "h264", 0)
        frames = list(reader)
    assert [frame.index for frame in frames] == list(range(30))
    assert [frame.time_ms for frame in frames] == [100 * index for index in range(30)]
    for frame in frames:
        assert frame.image_bgr.shape == (clips.HEIGHT, clips.WIDTH, 3)
        assert np.allclose(frame.image_bgr[80, 100], 40 + 2 * frame.index, atol=6)
        assert frame.image_bgr.flags["C_CONTIGUOUS"]
    red = frames[0].image_bgr[5, 5]
    assert red[2] > 200, "BGR"
    assert red[0] < 60, "BGR"
    assert reader.broken_at_ms is None


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [
        pytest.param("a.mkv", "libx264", None, id="matroska"),
        pytest.param("a.avi", "mpeg4", None, id="avi"),
        pytest.param("a.webm", "libvpx-vp9", None, id="webm"),
        pytest.param("a.ts", "libx264", None, id="mpegts"),
        pytest.param("a.flv", "libx264", None, id="flv"),
        pytest.param("a.bin", "libx264", "mp4", id="mp4 under another name"),
        pytest.param("a.h264", "libx264", "h264", id="raw stream without timestamps"),
    ],
)
def test_containers(tmp_path: Path, name: str, codec: str, container: str | None) -> None:
    _, times_ms = read(clips.write(tmp_path / name, codec=codec, container=container, fps=25, count=25))
    assert len(times_ms) == 25
    assert times_ms[0] == 0
    assert 900 <= times_ms[-1] <= 1000


def test_a_variable_frame_rate_keeps_its_times(tmp_path: Path) -> None:
    _, times_ms = read(clips.write(tmp_path / "vfr.mkv", times_ms=TRICKS))
    assert times_ms == pytest.approx(TRICKS, abs=1)


def test_frames_without_times_come_at_the_nominal_rate(tmp_path: Path) -> None:
    path = clips.without_timestamps(clips.write(tmp_path / "clip.mp4"))
    reader, times_ms = read(path)
    assert times_ms == [100 * index for index in range(30)]
    assert reader.info.duration_ms == pytest.approx(3000, abs=100), "the header's own length is 0.1 seconds"


def test_a_rotation_is_applied(tmp_path: Path) -> None:
    path = clips.turned(clips.write(tmp_path / "phone.mp4", count=3))
    with VideoReader(path) as reader:
        assert (reader.info.width, reader.info.height) == (clips.HEIGHT, clips.WIDTH)
        assert reader.info.rotation_degrees == 90
        frame = next(iter(reader)).image_bgr
    assert frame.shape == (clips.WIDTH, clips.HEIGHT, 3)
    assert frame[5, -5][2] > 200, "what was at the upper left is at the upper right"
    assert frame[5, 5][2] < 100


def test_an_open_file_is_read_and_left_open(tmp_path: Path) -> None:
    file = io.BytesIO(clips.write(tmp_path / "clip.mp4").read_bytes())
    with VideoReader(file) as reader:
        assert len(list(reader)) == 30
    assert not file.closed


def test_who_stops_early_leaves_nothing_open(tmp_path: Path) -> None:
    reader = VideoReader(clips.write(tmp_path / "clip.mp4"))
    frames = iter(reader)
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    with pytest.raises(Exception, match=r"(?i)closed|memory|argument|container"):
        next(reader._container.demux(reader._stream))


def _picture(path: Path) -> Path:
    Image.new("RGB", (64, 64)).save(path, "JPEG")
    return path


def _zeros(path: Path) -> Path:
    path.write_bytes(bytes(2_000_001))
    return path


def _text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


BAD: dict[str, tuple[Callable[[Path], Path], VideoErrorCode]] = {
    "empty file": (lambda p: _text(p, ""), VideoErrorCode.NOT_A_VIDEO),
    "text": (lambda p: _text(p, "not a video at all\n" * 100), VideoErrorCode.NOT_A_VIDEO),
    "picture": (_picture, VideoErrorCode.NOT_A_VIDEO),
    "playlist that names a file": (
        lambda p: _text(p, "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
        VideoErrorCode.NOT_A_VIDEO,
    ),
    "list of files": (lambda p: _text(p, "ffconcat version 1.0\nfile /etc/hostname\n"), VideoErrorCode.NOT_A_VIDEO),
    "subtitles": (lambda p: _text(p, "1\n00:00:00,000 --> 00:00:02,000\nhello\n"), VideoErrorCode.NOT_A_VIDEO),
    "sound only": (clips.sound_only, VideoErrorCode.NO_VIDEO_STREAM),
    "index missing": (lambda p: clips.cut_off(clips.write(p), 0.5), VideoErrorCode.NOT_A_VIDEO),
    "a header and nothing behind it": (clips.header_only, VideoErrorCode.NO_FRAMES),
    "no frame": (lambda p: clips.without_frames(clips.write(p)), VideoErrorCode.NO_FRAMES),
    "a thin line": (lambda p: clips.write(p, width=640, height=36, count=2), VideoErrorCode.BAD_DIMENSIONS),
    "a stamp": (lambda p: clips.write(p, width=24, height=24, count=2), VideoErrorCode.BAD_DIMENSIONS),
    "too many pixels": (lambda p: clips.write(p, width=700, height=600, count=2), VideoErrorCode.BAD_DIMENSIONS),
    "too long": (lambda p: clips.write(p, count=70), VideoErrorCode.TOO_LONG),
    "too large": (_zeros, VideoErrorCode.TOO_LARGE),
}


@pytest.mark.parametrize("case", BAD, ids=list(BAD))
def test_bad_videos_are_refused_with_a_code(tmp_path: Path, case: str) -> None:
    make, code = BAD[case]
    path = make(tmp_path / "upload.mp4")
    limits = VideoLimits(max_bytes=2_000_000, max_seconds=6, max_pixels=400_000)
    with pytest.raises(VideoError) as caught:
        probe(path, limits)
    assert caught.value.code is code


def test_a_header_that_lies_about_the_length_does_not_help(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "live.h264", count=200)
    with VideoReader(path, VideoLimits(max_seconds=6)) as reader:
        times_ms: list[int] = []
        with pytest.raises(VideoError) as caught:
            times_ms.extend(frame.time_ms for frame in reader)
    assert caught.value.code is VideoErrorCode.TOO_LONG
    assert caught.value.at_ms == times_ms[-1] <= 6000


FASTSTART = {"movflags": "+faststart"}


@pytest.mark.parametrize(
    ("share", "least_ms", "most_ms"),
    [pytest.param(0.5, 500, 2900, id="in the middle"), pytest.param(0.75, 1500, 4000, id="near the end")],
)
def test_what_is_cut_off_is_read_up_to_there(tmp_path: Path, share: float, least_ms: int, most_ms: int) -> None:
    path = clips.cut_off(clips.write(tmp_path / "clip.mp4", count=50, options=FASTSTART), share)
    reader, times_ms = read(path)
    assert reader.broken_at_ms is not None
    assert least_ms <= reader.broken_at_ms <= most_ms
    assert times_ms[-1] <= reader.broken_at_ms + 200


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        pytest.param("a.mp4", "libx264", FASTSTART, id="mp4"),
        pytest.param("a.mkv", "libx264", {}, id="matroska"),
        pytest.param("a.avi", "mpeg4", {}, id="avi"),
        pytest.param("a.webm", "libvpx-vp9", {}, id="webm"),
        pytest.param("a.ts", "libx264", {}, id="mpegts"),
        pytest.param("a.flv", "libx264", {}, id="flv"),
    ],
)
def test_every_container_cut_off(tmp_path: Path, name: str, codec: str, options: dict[str, str]) -> None:
    path = clips.write(tmp_path / name, codec=codec, count=50, options=options, frame=_noise_that_moves)
    reader, times_ms = read(clips.cut_off(path, 0.6))
    assert 10 <= len(times_ms) <= 35
    assert reader.broken_at_ms == times_ms[-1]


FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
CONTAINERS = {
    "fragmented mp4": ("a.mp4", "libx264", FRAGMENTED),
    "matroska": ("a.mkv", "libx264", {}),
    "matroska written live": ("a.mkv", "libx264", {"live": "1"}),
    "webm": ("a.webm", "libvpx-vp9", {}),
    "avi": ("a.avi", "mpeg4", {}),
    "mpegts": ("a.ts", "libx264", {}),
    "mpegts of a Blu-ray": ("a.ts", "libx264", {"mpegts_m2ts_mode": "1"}),
}


@pytest.mark.parametrize("pictures", [31, 49], ids=["in the middle", "before the last picture"])
@pytest.mark.parametrize("case", CONTAINERS)
def test_cut_off_where_every_picture_left_is_whole(tmp_path: Path, case: str, pictures: int) -> None:
    name, codec, options = CONTAINERS[case]
    path = clips.write(tmp_path / name, codec=codec, count=50, options=options, frame=_noise_that_moves)
    reader, times_ms = read(clips.cut_off_behind(path, pictures, rest=9))
    assert len(times_ms) == pictures
    assert reader.broken_at_ms == times_ms[-1]


def test_stopped_between_two_packets_is_not_told_from_an_end(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.ts", count=50, frame=_noise_that_moves)
    reader, times_ms = read(clips.cut_off_behind(path, 31, rest=0))
    assert (len(times_ms), reader.broken_at_ms) == (31, None)


@pytest.mark.parametrize("turns", [0, 1, 2, 3], ids=lambda turns: f"{turns * 90} degrees")
@pytest.mark.parametrize(("width", "height"), [(160, 96), (161, 97)], ids=["even", "odd"])
def test_planes_and_pixels_stand_upright_alike(tmp_path: Path, width: int, height: int, turns: int) -> None:
    path = clips.write(tmp_path / "a.avi", codec="ffv1", width=width, height=height, count=1)
    with VideoReader(path) as reader:
        reader._turns = turns
        across, down = (height, width) if turns % 2 else (width, height)
        reader.info = replace(reader.info, width=across, height=down)
        (frame,) = reader
    assert frame.image_bgr.shape == (down, across, 3)
    assert frame.reduced_bgr(40, 24).shape == (24, 40, 3)
    copy = frame.yuv_copy()
    assert (copy.width, copy.height) == (across, down)
    from_planes = copy.to_ndarray(format="bgr24").astype(int)
    assert np.abs(from_planes - frame.image_bgr).mean() < 4
    red = [(5, 5), (5, -5), (-5, -5), (-5, 5)][turns]
    assert from_planes[red][2] > 200
    assert frame.image_bgr[red][2] > 200


def test_one_frame_is_a_video(tmp_path: Path) -> None:
    reader, times_ms = read(clips.write(tmp_path / "a.mp4", count=1))
    assert (times_ms, reader.broken_at_ms) == ([0], None)


def _noise_that_moves(index: int, width: int, height: int) -> np.ndarray:
    """Something to encode, so that every frame has data to lose."""
    noise = np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return np.roll(noise, index, axis=1)


def test_damage_in_the_middle_is_left_out_and_named(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "clip.mp4", count=60, frame=_noise_that_moves)
    reader, times_ms = read(clips.scribbled(path, 0.45, 0.5))
    assert reader.broken_at_ms is not None
    assert 1500 <= reader.broken_at_ms <= 3500
    assert len(times_ms) < 60, "frames were left out"
    assert times_ms[-1] == 5900, "and it went on behind the damage"


@pytest.mark.parametrize("case", [*CONTAINERS, "mp4", "flv"])
def test_a_whole_video_is_not_called_broken(tmp_path: Path, case: str) -> None:
    name, codec, options = CONTAINERS.get(case, (f"a.{case}", "libx264", {}))
    reader, times_ms = read(clips.write(tmp_path / name, codec=codec, options=options))
    assert (len(times_ms), reader.broken_at_ms) == (30, None)


@pytest.mark.parametrize(
    ("name", "frames", "last_ms"),
    [
        pytest.param("car-detection", 377, 30_080, id="car-detection"),
        pytest.param("people-3", 720, 71_900, id="people-3, all timestamps 0"),
        pytest.param("hamilton_clip", 275, 9_142, id="hamilton_clip, starts at 0.85 s"),
    ],
)
def test_real_videos(name: str, frames: int, last_ms: int) -> None:
    reader, times_ms = read(shared(f"testdata/video/{name}.mp4"))
    assert (len(times_ms), times_ms[0]) == (frames, 0)
    assert times_ms[-1] == pytest.approx(last_ms, abs=1)
    assert reader.broken_at_ms is None
