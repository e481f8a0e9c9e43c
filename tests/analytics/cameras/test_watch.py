"""`manage.py watch`, started by the real server: films, an MJPEG camera, cameras that break, kills in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from itertools import pairwise

import pytest

from faces.engines.fake import FakeFace
from tests.analytics.cameras.films import hall_film, mjpeg_camera
from tests.analytics.cameras.hall import Hall, until
from tests.media import Placed, fake_jpeg, fake_photo

ANNA, STRANGER, OTHER = FakeFace(1), FakeFace(50), FakeFace(60)
PASSWORD = "mj:p@ss/Zq82"


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    with Hall(tmp_path_factory.mktemp("watch") / "data") as running:
        running.enrol("安娜", fake_jpeg(ANNA))
        yield running
        log = running.log.read_text(encoding="utf-8")
        assert "Traceback" not in log
        assert PASSWORD not in log
        assert "Zq82" not in log


@pytest.fixture
def device(hall):
    """Adds devices that are gone again after the test."""
    yield hall.add_device
    hall.run("MediaDevice.objects.all().delete()")


def who(events):
    return [event["identity_name"] or event["identity_id"] for event in events]


def child_of(hall):
    """The process id of the watch that the server started."""
    found = subprocess.run(
        ["pgrep", "-P", str(hall.process.pid), "-f", "manage.py watch"], capture_output=True, text=True, check=False
    )
    return int(found.stdout.split()[0]) if found.stdout.split() else 0


def test_a_looped_film_gives_one_event_a_cooldown(hall, device, tmp_path):
    film = hall_film(tmp_path / "film.mp4", (2.5, (ANNA,)), (1, ()))
    with hall.follow() as client:
        device("影片", str(film), "file", cooldown_seconds=9, ip="10.0.0.9")
        events = client.wait(60, enough=3)
    assert who(events) == ["安娜"] * 3
    gaps = [(second["timestamp"] - first["timestamp"]) / 1000 for first, second in pairwise(events)]
    assert all(9 <= gap < 9 + 2 * 3.5 for gap in gaps), gaps
    assert {event["media_device_type"] for event in events} == {"file"}
    assert {event["media_device_ip"] for event in events} == {"10.0.0.9"}
    assert all(0 <= event["score"] <= 100 for event in events)


def test_strangers_are_events_and_one_stranger_stays_one(hall, device, tmp_path):
    """Two strangers, each gone for a moment and back; on a second camera later, one of them is still the same."""
    film = hall_film(tmp_path / "film.mp4", (3, (STRANGER, OTHER)), (1.5, ()), (3, (OTHER, STRANGER)), (60, ()))
    again = hall_film(tmp_path / "again.mp4", (4, (STRANGER,)), (60, ()))
    with hall.follow() as client:
        device("影片", str(film), "file", cooldown_seconds=60)
        events = list(client.wait(12))
        assert len(events) == len(set(who(events))) == 2
        assert {event["user_type"] for event in events} == {"stranger"}
        device("另一处", str(again), "file", cooldown_seconds=60)
        client.wait(15, enough=3)
    assert len(client.events) == 3
    assert client.events[2]["identity_id"] in who(events)


def test_mjpeg_over_http_with_a_password(hall, device):
    shown = [fake_photo()]
    with mjpeg_camera(lambda: shown[0], "viewer", PASSWORD) as url, hall.follow() as client:
        device("网页摄像头", url, username="viewer", password=PASSWORD)
        device("密码错误", url, username="viewer", password="wrong")
        until(lambda: hall.device("网页摄像头")["last_seen_at"])
        shown[0], began = fake_photo(ANNA), time.time()
        events = client.wait(10, enough=1)
        assert who(events) == ["安娜"]
        assert events[0]["received"] - began < 2.0
        until(lambda: hall.device("密码错误")["error"] == "unauthorized")
        assert hall.device("网页摄像头")["error"] == ""
        assert hall.device("网页摄像头")["snapshot"]


def test_a_broken_camera_is_tried_again_and_mends(hall, device, tmp_path):
    film = tmp_path / "later.mp4"
    with hall.follow() as client:
        device("迟到", str(film), "file")
        until(lambda: hall.device("迟到")["error"] == "not_found")
        since = hall.device("迟到")["error_since"]
        time.sleep(2)
        assert hall.device("迟到")["error_since"] == since
        hall_film(tmp_path / "made.mp4", (4, (ANNA,))).rename(film)
        assert who(client.wait(20, enough=1)) == ["安娜"]
        state = until(lambda: (found := hall.device("迟到"))["error"] == "" and found)
    assert state["error_since"] is None
    assert state["last_seen_at"]


def test_a_device_that_is_changed_or_switched_off_needs_no_restart(hall, device, tmp_path):
    empty = hall_film(tmp_path / "empty.mp4", (2, ()))
    film = hall_film(tmp_path / "film.mp4", (3, (ANNA,)))
    with hall.follow() as client:
        device("影片", str(empty), "file", cooldown_seconds=3)
        until(lambda: hall.device("影片")["last_seen_at"])
        watch = child_of(hall)
        hall.run(f"MediaDevice.objects.update(address={str(film)!r})")
        assert client.wait(15, enough=2)
        hall.run("MediaDevice.objects.update(enabled=False)")
        time.sleep(2.5)
        count = len(client.wait(0.5))
        assert len(client.wait(8)) == count
    assert child_of(hall) == watch


def test_each_device_has_its_own_threshold_and_smallest_face(hall, device, tmp_path):
    """Somebody a little like Anna: a stranger at 0.4, Anna at 0.25; nobody while the face is too small. Changes count at once."""
    film = hall_film(tmp_path / "film.mp4", (60, (Placed(FakeFace(1, variation=12), 200, 100, size_px=100),)))
    with hall.follow() as client:
        device("门口", str(film), "file")
        device("大厅", str(film), "file", threshold=0.25, min_face=120)
        assert [event["user_type"] for event in client.wait(20, enough=1)] == ["stranger"]
        assert len(client.wait(2)) == 1
        hall.run("MediaDevice.objects.update(min_face=None)")
        assert who(client.wait(10, enough=2))[1:] == ["安娜"]
        hall.run("MediaDevice.objects.update(threshold=0.25)")
        assert who(client.wait(10, enough=3))[1:] == ["安娜"] * 2
    assert [round(event["score"]) for event in client.events] == [31] * 3
    assert len({event["media_device_id"] for event in client.events}) == 2


def test_killed_in_the_middle_nothing_is_repeated(hall, device, tmp_path):
    """The visit goes on: its person is not told again, however long they stay and however often the watch dies."""
    film = hall_film(tmp_path / "film.mp4", (120, (ANNA, STRANGER)))
    with hall.follow() as client:
        device("影片", str(film), "file", cooldown_seconds=30)
        assert len(client.wait(20, enough=2)) == 2
        for _time in range(3):
            time.sleep(6)
            os.kill(until(lambda: child_of(hall)), signal.SIGKILL)
        client.wait(12)
    assert len({event["event_id"] for event in client.events}) == len(client.events) == 2
    assert hall.run("answer = RecognitionEvent.objects.filter(device__name='影片').count()") == 2


def test_another_watch_is_refused_and_the_server_takes_its_own_along(hall, device, tmp_path):
    film = hall_film(tmp_path / "film.mp4", (30, ()))
    device("影片", str(film), "file")
    watch = until(lambda: child_of(hall))
    with pytest.raises(RuntimeError, match="runs already"):
        hall.manage("watch")
    hall.stop(signal.SIGKILL)

    def is_gone():
        try:
            os.kill(watch, 0)
        except ProcessLookupError:
            return True
        return False

    until(is_gone)
    hall.start()
