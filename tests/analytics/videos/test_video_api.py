"""POST /video and its job URLs through the real server (protocol 003, 1)."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest
import requests
from django.test import Client

from kiosk.api.scopes import Scope
from kiosk.models import ApiToken
from tests.analytics import clips
from tests.analytics.videos.doors import job, rows, submit, upload, wait_for
from tests.live_server import LiveServer
from tests.media import shared

DOCUMENTED = ["processed_video_url", "pedestrian_counts", "vehicle_counts", "pedestrians_per_interval", "vehicles_per_interval"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clips.write(tmp_path_factory.mktemp("clips") / "clip.mp4", count=30)


@pytest.mark.parametrize(("name", "people", "vehicles"), [("car-detection", 0, 4), ("people-3", 3, 0)], ids=["cars", "people"])
def test_counts_are_those_of_the_video(server: LiveServer, name: str, people: int, vehicles: int) -> None:
    source = shared(f"testdata/video/{name}.mp4")
    body = upload(server, source, interval=2000).json()
    assert list(body)[: len(DOCUMENTED)] == DOCUMENTED
    assert sum(body["pedestrians_per_interval"]) == people
    assert sum(body["vehicles_per_interval"]) == vehicles
    lengths = {len(body[key]) for key in DOCUMENTED[1:]}
    assert lengths == {-(-body["duration_ms"] // 2000)}
    with (
        av.open(str(source)) as original,
        av.open(io.BytesIO(requests.get(body["processed_video_url"], timeout=60).content)) as made,
    ):
        assert made.streams.video[0].codec_context.name == "h264"
        assert made.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert sum(1 for _ in made.decode(video=0)) == sum(1 for _ in original.decode(video=0))


def test_who_does_not_want_to_wait_gets_a_job(server: LiveServer, clip: Path) -> None:
    url = submit(server, clip, interval=500)
    done = wait_for(url, "done")
    assert done["progress"] == 1
    assert len(done["result"]["pedestrian_counts"]) == 6
    assert done["result"]["interval"] == 500


def test_the_same_video_again_is_not_analysed_again(server: LiveServer, clip: Path) -> None:
    first = upload(server, clip, interval=700).json()
    again = upload(server, clip, interval=700).json()
    other = upload(server, clip, interval=600).json()
    assert again == first
    assert other["id"] != first["id"]
    assert rows(server, "SELECT count(*) FROM analytics_video WHERE interval_ms = 700") == [(1,)]


def test_a_video_broken_in_the_middle_is_analysed_as_far_as_it_goes(server: LiveServer, tmp_path: Path) -> None:
    broken = clips.cut_off(clips.write(tmp_path / "clip.mp4", count=60, options={"movflags": "+faststart"}), 0.6)
    answer = upload(server, broken)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert 0 < body["broken_at_ms"] < body["duration_ms"] < 6000
    assert len(body["pedestrian_counts"]) == -(-body["duration_ms"] // 1000)


LINE = '[{"name": "门口", "start": [0.0, 0.5], "end": [1.0, 0.5]}]'
ZONE = '[{"name": "全部", "corners": [[0, 0], [1, 0], [1, 1], [0, 1]]}]'


def test_lines_and_zones_of_the_request_are_counted(server: LiveServer) -> None:
    body = upload(server, shared("testdata/video/car-detection.mp4"), interval=5000, lines=LINE, zones=ZONE).json()
    passed = body["passages"]["lines"]["门口"]
    # Two drive each way. Looking along the line, what is below lies to the right.
    assert passed == {"in": 2, "out": 2}
    assert body["passages"]["zones"]["全部"]["visits"] == 4
    assert all(500 < dwell < 6000 for dwell in body["passages"]["zones"]["全部"]["dwell_ms"])


@pytest.mark.parametrize(
    ("asked", "status", "length", "content_range"),
    [
        ("bytes=0-99", 206, 100, "bytes 0-99/{size}"),
        ("bytes=-10", 206, 10, "bytes {late}-{last}/{size}"),
        ("bytes=10-", 206, None, "bytes 10-{last}/{size}"),
        ("bytes=99999999-", 416, 0, "bytes */{size}"),
        ("bytes=0-0", 200, None, None),
        ("lines=1-2", 200, None, None),
        (None, 200, None, None),
    ],
    ids=["first", "last", "rest", "beyond", "one byte", "other unit", "whole"],
)
def test_a_player_may_ask_for_a_range(
    server: LiveServer, clip: Path, asked: str | None, status: int, length: int | None, content_range: str | None
) -> None:
    url = upload(server, clip).json()["processed_video_url"]
    whole = requests.get(url, timeout=30).content
    answer = requests.get(url, headers={"Range": asked} if asked else {}, timeout=30)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "video/mp4" or status == 416
    expected = content_range and content_range.format(size=len(whole), last=len(whole) - 1, late=len(whole) - 10)
    assert answer.headers.get("Content-Range") == expected
    if status == 206:
        start = int(expected.split()[1].split("-")[0]) if expected else 0
        assert answer.content == whole[start : start + (length or len(whole))]
    head = requests.head(url, timeout=30)
    assert (head.status_code, head.content, int(head.headers["Content-Length"])) == (200, b"", len(whole))


def test_a_link_that_nobody_was_given_leads_nowhere(server: LiveServer) -> None:
    for kind, suffix in (("videos", "mp4"), ("faces", "jpg"), ("cars", "jpg")):
        missing = f"{server.url}/media/{kind}/00000000-0000-4000-8000-000000000000.{suffix}"
        assert requests.get(missing, timeout=30).status_code == 404
        assert requests.get(f"{server.url}/media/{kind}/../../secret_key", timeout=30).status_code == 404


def test_a_waiting_job_is_cancelled_at_once_and_a_finished_one_is_not(server: LiveServer, clip: Path) -> None:
    busy = submit(server, shared("testdata/video/people-3.mp4"), interval=1234)
    waiting = submit(server, clip, interval=1234)
    answer = requests.delete(waiting, timeout=30)
    assert (answer.status_code, answer.json()["state"], answer.json()["code"]) == (200, "cancelled", "cancelled")
    wait_for(busy, "running", "done")
    assert requests.delete(busy, timeout=30).status_code == 200
    assert wait_for(busy, "cancelled")["code"] == "cancelled"
    done = submit(server, clip, interval=1111)
    wait_for(done, "done")
    assert (requests.delete(done, timeout=30).status_code, requests.delete(done, timeout=30).json()["code"]) == (409, "finished")
    assert job(done)["state"] == "done"


@pytest.mark.parametrize(
    ("scope", "status", "code"),
    [(None, 401, "unauthenticated"), (Scope.FACES_LIST, 403, "forbidden"), (Scope.VIDEOS, 400, "malformed")],
    ids=["no token", "another scope", "the scope"],
)
@pytest.mark.parametrize("path", ["/video", "/video-streaming"])
def test_only_tokens_with_the_scope_may(db: None, client: Client, path: str, scope: Scope | None, status: int, code: str) -> None:
    _token, key = ApiToken.objects.create_key(name="test", scopes=[scope or Scope.VIDEOS])
    headers = {"Authorization": f"Bearer {key}"} if scope else {}
    answer = client.post(path, {}, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
