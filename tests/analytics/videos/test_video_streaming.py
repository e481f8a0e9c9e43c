"""POST /video-streaming through the real server (protocol 003, 2)."""

from __future__ import annotations

import base64
import time
from contextlib import closing
from pathlib import Path

import av
import pytest

from tests.analytics import clips
from tests.analytics.videos.doors import files_of, rows, stream, upload
from tests.live_server import LiveServer
from tests.media import shared

DOCUMENTED = ["frame_base64", "people_count", "vehicle_count", "pedestrians_per_interval", "vehicles_per_interval"]
FIRST_OBJECT_SECONDS = 1.0
"""After the upload, on a machine that does nothing else."""
PREFIX = "data:image/jpeg;base64,"


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of half an hour: car-detection.mp4 again and again, its packets copied."""
    source, path = shared("testdata/video/car-detection.mp4"), tmp_path_factory.mktemp("clips") / "long.mp4"
    with av.open(str(path), "w") as output:
        made = None
        offset = 0
        for _ in range(60):
            with av.open(str(source)) as original:
                video = original.streams.video[0]
                made = made or output.add_stream_from_template(video)
                last = 0
                for packet in original.demux(video):
                    if packet.dts is None:
                        continue
                    last = max(last, packet.pts + (packet.duration or 1))
                    packet.pts += offset
                    packet.dts += offset
                    packet.stream = made
                    output.mux(packet)
                offset += last
    return path


def wait_until_idle(server: LiveServer) -> None:
    """Returns once nothing is worked on any more."""
    deadline = time.monotonic() + 20
    while files_of(server):
        assert time.monotonic() < deadline, "the upload is still there"
        time.sleep(0.05)


def test_objects_add_up_to_the_counts_of_the_video(server: LiveServer) -> None:
    objects = list(stream(server, shared("testdata/video/car-detection.mp4"), interval=2000))
    assert list(objects[0])[: len(DOCUMENTED)] == DOCUMENTED
    assert sum(body["vehicles_per_interval"] for body in objects) == 4
    assert sum(body["pedestrians_per_interval"] for body in objects) == 0
    times = [body["time"] for body in objects]
    assert times == [body["timestamp"] for body in objects] == sorted(times)
    assert all(abs(time_ms - index * 2000) <= 80 for index, time_ms in enumerate(times[:-1]))
    for body in objects:
        assert body["frame_base64"].startswith(PREFIX)
        assert base64.b64decode(body["frame_base64"].removeprefix(PREFIX))[:2] == b"\xff\xd8"
    wait_until_idle(server)
    assert rows(server, "SELECT count(*) FROM analytics_video") == [(0,)]


def seconds_to_first(server: LiveServer, video: Path) -> float:
    with closing(stream(server, video)) as under_way:
        objects = iter(under_way)
        first = next(objects)
        took = time.monotonic() - under_way.sent_at
        assert [first["time"], next(objects)["time"]] == [0, 1040]
    wait_until_idle(server)
    return took


def test_the_first_object_comes_at_once_and_a_client_that_leaves_stops_the_work(server: LiveServer, long_clip: Path) -> None:
    assert long_clip.stat().st_size > 20_000_000
    # Four of each, more than there are processes for streams: each is given back.
    short = min(seconds_to_first(server, shared("testdata/video/car-detection.mp4")) for _ in range(4))
    long = min(seconds_to_first(server, long_clip) for _ in range(4))
    # On a machine that does much else, a short video tells how long "at once" takes.
    assert long < max(FIRST_OBJECT_SECONDS, 4 * short)


def test_one_stream_too_many_is_told_so(server: LiveServer, long_clip: Path, tmp_path: Path) -> None:
    with closing(stream(server, long_clip)) as one, closing(stream(server, long_clip)) as other:
        assert next(iter(one))["time"] == next(iter(other))["time"] == 0
        answer = upload(server, clips.write(tmp_path / "clip.mp4"), path="/video-streaming")
        assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "busy", "5")
    wait_until_idle(server)


def test_a_video_that_breaks_says_where(server: LiveServer, tmp_path: Path) -> None:
    broken = clips.cut_off(clips.write(tmp_path / "clip.mp4", count=60, options={"movflags": "+faststart"}), 0.6)
    objects = list(stream(server, broken, interval=500))
    assert list(objects[-1]) == ["broken_at_ms"]
    assert objects[-2]["time"] - 500 <= objects[-1]["broken_at_ms"] <= objects[-2]["time"]


def test_a_video_longer_than_its_header_said_ends_with_an_error(tmp_path: Path) -> None:
    settings = {"KIOSK_FACE_ENGINE": "fake", "KIOSK_VIDEO_SECONDS": "3"}
    clip = clips.write(tmp_path / "clip.mkv", count=60, container="matroska", options={"live": "1"})
    with LiveServer(tmp_path / "data", **settings) as server:
        objects = list(stream(server, clip, interval=500))
        assert (objects[-1]["code"], objects[-1]["time"]) == ("too_long", 3000)
        assert len(objects) > 5
