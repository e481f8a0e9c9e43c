"""A job's worker, or the whole server, ends in the middle: the video is worked on again, its result is right and there once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.analytics.videos.conftest import QUICK
from tests.analytics.videos.doors import files_of, rows, submit, wait_for
from tests.live_server import LiveServer
from tests.media import shared

RESULT = "SELECT count(*), sum(people_passed), sum(vehicles_passed) FROM analytics_videointerval"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    with LiveServer(tmp_path / "data", **QUICK) as running:
        yield running


@pytest.fixture
def people() -> Path:
    return shared("testdata/video/people-3.mp4")


def worker_of(server: LiveServer) -> int:
    """The process that works on the only video."""
    ((name,),) = rows(server, "SELECT worker FROM analytics_video WHERE state = 'running'")
    return int(name.split(":")[1])


def assert_right_and_single(server: LiveServer, attempts: int) -> None:
    assert rows(server, RESULT) == [(15, 3, 0)]
    assert rows(server, "SELECT state, attempts, worker FROM analytics_video") == [("done", attempts, "")]
    # The upload and the processed video, no more.
    assert len(files_of(server)) == 2


def test_a_worker_that_is_killed_is_replaced_and_its_video_done_again(server: LiveServer, people: Path) -> None:
    url = submit(server, people, interval=5000)
    wait_for(url, "running")
    os.kill(worker_of(server), signal.SIGKILL)
    wait_for(url, "done")
    assert_right_and_single(server, attempts=2)


def test_a_server_that_is_stopped_goes_on_after_its_start(server: LiveServer, people: Path) -> None:
    url = submit(server, people, interval=5000)
    wait_for(url, "running")
    worker = worker_of(server)
    server.stop()
    assert not Path(f"/proc/{worker}").exists()
    assert rows(server, "SELECT state, attempts, worker FROM analytics_video") == [("queued", 0, "")]
    assert len(files_of(server)) == 1
    server.start()
    wait_for(url, "done")
    assert_right_and_single(server, attempts=1)


def test_a_server_that_is_killed_takes_its_workers_along(server: LiveServer, people: Path) -> None:
    url = submit(server, people, interval=5000)
    wait_for(url, "running")
    worker = worker_of(server)
    server.stop(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists():
        assert time.monotonic() < deadline, "the worker goes on without its server"
        time.sleep(0.1)
    server.start()
    link = wait_for(url, "done")["result"]["processed_video_url"]
    assert_right_and_single(server, attempts=1)
    server.stop()
    server.start()
    assert requests.get(link, timeout=30).status_code == 200, "a permanent link works after a restart"


def test_a_video_that_kills_every_worker_is_given_up(tmp_path: Path, people: Path) -> None:
    with LiveServer(tmp_path / "data", **QUICK, KIOSK_VIDEO_ATTEMPTS="2") as server:
        url = submit(server, people, interval=5000)
        for _ in range(2):
            wait_for(url, "running")
            os.kill(worker_of(server), signal.SIGKILL)
            time.sleep(1)
        failed = wait_for(url, "failed")
        assert (failed["code"], failed["error"]) == ("worker_died", "处理进程意外中断")
        assert rows(server, RESULT) == [(0, None, None)]


def test_two_workers_never_take_one_video(tmp_path: Path, people: Path) -> None:
    with LiveServer(tmp_path / "data", **{**QUICK, "KIOSK_VIDEO_WORKERS": "2"}) as server:
        urls = [submit(server, people, interval=5000 + number) for number in range(3)]
        for url in urls:
            wait_for(url, "done")
        assert rows(server, "SELECT DISTINCT attempts FROM analytics_video") == [(1,)]
        assert rows(server, RESULT) == [(45, 9, 0)]
