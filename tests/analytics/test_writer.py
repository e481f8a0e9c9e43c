"""Writing the processed video: its own thread, its errors, its colours."""

from __future__ import annotations

import threading
from pathlib import Path

import av
import numpy as np
import pytest

from analytics.video.pictures import as_yuv, planes
from analytics.video.writer import MAX_SIDE_PX, VideoWriter
from tests.analytics import clips


def writers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "video-writer"]


def test_what_is_completed_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, clips.WIDTH, clips.HEIGHT, 10) as writer:
        for index in range(30):
            writer.write(clips.pattern(index), index * 100)
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 30
    assert not writers()


def test_what_is_given_up_leaves_no_file_and_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"

    def write() -> None:
        with VideoWriter(path, clips.WIDTH, clips.HEIGHT, 10) as writer:
            for index in range(30):
                writer.write(clips.pattern(index), index * 100)
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert not path.exists()
    assert not writers()


def test_a_folder_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        VideoWriter(tmp_path / "missing" / "a.mp4", clips.WIDTH, clips.HEIGHT, 10)
    assert not writers()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk without room")
def test_a_full_disk_is_told_and_waits_for_nobody(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.symlink_to("/dev/full")
    random = np.random.default_rng(0)

    def write() -> None:
        with VideoWriter(path, 640, 360, 10) as writer:
            for index in range(200):
                writer.write(random.integers(0, 255, (360, 640, 3), dtype=np.uint8), index * 100)

    with pytest.raises(OSError, match="No space left"):
        write()
    assert not path.exists()
    assert not writers()


def test_times_have_to_grow(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", clips.WIDTH, clips.HEIGHT, 10) as writer:
        writer.write(clips.pattern(0), 0)
        with pytest.raises(ValueError, match="can't come after"):
            writer.write(clips.pattern(1), 0)


def test_large_pictures_are_reduced(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, 3000, 1500, 10) as writer:
        writer.write(clips.pattern(0, 3000, 1500), 0)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (MAX_SIDE_PX, MAX_SIDE_PX // 2)


@pytest.mark.parametrize(
    ("pixels", "colour_range"),
    [("yuvj420p", 0), ("yuv420p", 2), ("yuv444p", 0), ("rgb24", 0), ("gray", 0)],
    ids=["phone", "full range by its tag", "fine colours", "rgb", "grey"],
)
def test_every_picture_becomes_one_that_browsers_show(pixels: str, colour_range: int) -> None:
    white = av.VideoFrame.from_ndarray(np.full((64, 96, 3), 255, np.uint8), format="rgb24")
    kwargs = {"dst_color_range": "JPEG"} if colour_range or pixels == "yuvj420p" else {}
    frame = white.reformat(format=pixels, **kwargs)  # type: ignore[arg-type]
    if colour_range:
        frame.color_range = colour_range
    converted = as_yuv(frame, 96, 64)
    assert (converted.format.name, converted.color_range in {0, 1}) == ("yuv420p", True)
    brightness, blue, red = planes(converted)
    assert (brightness.shape, blue.shape, red.shape) == ((64, 96), (32, 48), (32, 48))
    assert int(brightness.max()) == pytest.approx(235, abs=2), "white, in limited range"
