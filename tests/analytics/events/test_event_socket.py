"""The event socket of the real server (protocol 001), events recorded by another process."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from faces.engines.fake import FakeFace
from tests.analytics.events.conftest import FAST
from tests.analytics.events.recorder import DEVICE, FACE, Recorder
from tests.faces.conftest import as_base64
from tests.live_server import LiveServer
from tests.media import fake_jpeg
from tests.sockets import CLOSED, RawSocket, ask, connect, frame, receive, refusal

OTHER_DEVICE = "f9f0768f-497c-45f3-9307-ae80a9d89390"
PHOTO = fake_jpeg(FakeFace(1))
PICTURES = {"register_image", "recognize_face_image"}


@contextmanager
def following(server, **configuration):
    """A client whose configuration is in force: it has been sent its first heartbeat."""
    # Who leaves with much unread can't close in order.
    with connect(server.event_url, close_timeout=0.1) as client:
        configure(client, **configuration)
        yield client


def configure(client, **configuration):
    assert ask(client, {"heartbeat": 3600, **configuration})["message"] == "heartbeat"


def is_silent(client, seconds=0.4):
    try:
        message = client.recv(seconds)
    except TimeoutError:
        return True
    raise AssertionError(message)


@pytest.fixture(scope="module")
def number(server):
    """Of an enrolled person, 张三."""
    answer = server.post("/face", {"type": "face", "action": "add", "name": "张三", "image": as_base64(PHOTO)})
    return answer["data"]["entity_id"]


class TestEvent:
    def test_every_field(self, server, recorder, number):
        with following(server, with_face_image=True, with_register_image=True) as client:
            attributes = {"gender": "male", "age": 34}
            recorded = recorder.record(number=number, timestamp=1566016554020, score=82.05, attributes=attributes)
            event = receive(client)
        photo = event.pop("register_image")
        assert photo.startswith("data:image/jpeg;base64,/9j/")
        assert event.pop("reg_pic") == photo
        assert base64.b64decode(event.pop("recognize_face_image").removeprefix("data:image/jpeg;base64,")) == FACE
        assert event == {
            "event_id": recorded["event_id"],
            "timestamp": 1566016554020,
            "identity_id": number,
            "identity_name": "张三",
            "user_type": "visitor",
            "score": 82.05,
            "media_device_ip": "192.168.1.101",
            "media_device_id": DEVICE,
            "media_device_type": "rtsp",
            "recognize_face_attr": attributes,
        }

    def test_whole_score_is_a_float(self, server, recorder):
        with following(server) as client:
            recorder.record(score=82)
            assert '"score":82.0,' in client.recv(5)

    def test_stranger(self, server, recorder):
        with following(server, with_register_image=True) as client:
            recorder.record(stranger="stranger-7", face_bytes=0)
            event = receive(client)
        assert (event["identity_id"], event["identity_name"], event["user_type"]) == ("stranger-7", "", "stranger")
        assert event["register_image"] == event["reg_pic"] == ""

    @pytest.mark.parametrize(
        ("configuration", "pictures"),
        [
            ({}, set()),
            ({"with_face_image": False, "with_register_image": False}, set()),
            ({"with_face_image": True}, {"recognize_face_image"}),
            ({"with_register_image": True}, {"register_image"}),
            ({"with_face_image": True, "with_register_image": True}, PICTURES),
        ],
        ids=["default", "none", "face", "registered", "both"],
    )
    def test_pictures(self, server, recorder, number, configuration, pictures):
        with following(server, **configuration) as client:
            recorder.record(number=number)
            event = receive(client)
        assert PICTURES & set(event) == pictures
        assert all(event[picture].startswith("data:image/jpeg;base64,/9j/") for picture in pictures)
        assert bool(event["reg_pic"]) is ("register_image" in pictures)

    @pytest.mark.parametrize(
        ("configuration", "told"),
        [
            ({}, ["a", "b", "c"]),
            ({"media_device_ids": []}, ["a", "b", "c"]),
            ({"media_device_ids": [DEVICE]}, ["a", "c"]),
            ({"media_device_ids": [OTHER_DEVICE.upper()]}, ["b"]),
            ({"media_device_ids": [DEVICE, OTHER_DEVICE, DEVICE]}, ["a", "b", "c"]),
            ({"media_device_ids": ["804b1218-218e-4465-8e1f-c305a5981001"]}, []),
            ({"user_types": ["vip", "blacklist"]}, ["b", "c"]),
            ({"user_types": ["vip"], "media_device_ids": [DEVICE]}, ["c"]),
        ],
        ids=["default", "empty", "one", "capitals", "both", "unknown device", "types", "type and device"],
    )
    def test_filters(self, server, recorder, request, configuration, told):
        name = request.node.callspec.id
        with following(server, **configuration) as client:
            recorder.record(event_id=f"{name} a", user_type="visitor")
            recorder.record(event_id=f"{name} b", device=OTHER_DEVICE, user_type="blacklist")
            recorder.record(event_id=f"{name} c", user_type="vip")
            assert [receive(client)["event_id"] for _ in told] == [f"{name} {letter}" for letter in told]
            assert is_silent(client)


class TestConfiguration:
    def test_nothing_comes_before_it(self, server, recorder):
        with connect(server.event_url) as client:
            recorder.record()
            assert is_silent(client)
            configure(client)
            assert is_silent(client)
            recorded = recorder.record()
            assert receive(client)["event_id"] == recorded["event_id"]

    @pytest.mark.parametrize("path", ["", "events"])
    def test_paths(self, server, recorder, path):
        with connect(server.event_url + path) as client:
            configure(client)
            recorder.record()
            assert "event_id" in receive(client)

    def test_on_the_port_of_the_pages(self, server, recorder):
        with connect(f"{server.web_socket_url}/events") as client:
            configure(client)
            recorder.record()
            assert "event_id" in receive(client)

    def test_changes_at_any_time(self, server, recorder):
        with following(server, media_device_ids=[OTHER_DEVICE]) as client, following(server) as witness:
            recorder.record()
            receive(witness)
            configure(client, with_face_image=True)
            recorder.record()
            assert "recognize_face_image" in receive(client)
            configure(client, with_face_image=False)
            recorder.record()
            assert "recognize_face_image" not in receive(client)

    def test_nothing_is_lost_or_repeated_while_it_changes(self, server, recorder):
        with following(server) as client, ThreadPoolExecutor() as threads:
            recording = threads.submit(lambda: [recorder.record()["event_id"] for _ in range(150)])
            told = []
            changes = 0
            while len(told) < 150:
                if not recording.done():
                    client.send(json.dumps({"heartbeat": 3600, "with_face_image": bool(changes % 2)}))
                    changes += 1
                message = receive(client)
                told += [message["event_id"]] if "event_id" in message else []
            assert told == recording.result()
            assert changes > 5

    def test_as_binary(self, server, recorder):
        with connect(server.event_url) as client:
            assert ask(client, b'{"heartbeat": 1}')["message"] == "heartbeat"

    def test_heartbeat(self, server):
        with following(server, heartbeat=1) as client:
            first, second = receive(client), receive(client)
            assert 900 <= second["timestamp"] - first["timestamp"] <= 1500
            configure(client)
            assert is_silent(client, 1.5)


WRONG = {
    "empty": "",
    "no JSON": "你好",
    "half a JSON": '{"with_face_image": tr',
    "python's own": "{'with_face_image': True}",
    "a list": "[]",
    "a text": '"with_face_image"',
    "a number": "5",
    "null": "null",
    "NaN": '{"heartbeat": NaN}',
    "two objects": "{}{}",
    "a lone surrogate": '{"since": "\\ud800"}',
    "deep": "[" * 20_000,
    "not UTF-8": b"\xff\xfe\x00",
    "a picture": FACE,
    "face image 1": {"with_face_image": 1},
    "face image a text": {"with_face_image": "true"},
    "face image null": {"with_face_image": None},
    "register image 0": {"with_register_image": 0},
    "register image a list": {"with_register_image": []},
    "devices null": {"media_device_ids": None},
    "devices a text": {"media_device_ids": DEVICE},
    "devices an object": {"media_device_ids": {DEVICE: True}},
    "device a number": {"media_device_ids": [1]},
    "device null": {"media_device_ids": [DEVICE, None]},
    "device no uuid": {"media_device_ids": ["door"]},
    "device empty": {"media_device_ids": [""]},
    "types a text": {"user_types": "vip"},
    "type unknown": {"user_types": ["vip", "boss"]},
    "type in capitals": {"user_types": ["VIP"]},
    "since a list": {"since": []},
    "since true": {"since": True},
    "since empty": {"since": ""},
    "since negative": {"since": -1},
    "since a fraction": {"since": 1.5},
    "since too far": {"since": 10**18},
    "since unknown": {"since": "nobody"},
    "since too long": {"since": "x" * 65},
    "since with a zero byte": {"since": "a\0b"},
    "heartbeat 0": {"heartbeat": 0},
    "heartbeat negative": {"heartbeat": -5},
    "heartbeat too rare": {"heartbeat": 3601},
    "heartbeat a text": {"heartbeat": "30"},
    "heartbeat true": {"heartbeat": True},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_wrong_configuration(server, recorder, wrong):
    """It is told what is wrong; what held before holds, and the connection stays."""
    with following(server, user_types=["vip"]) as client:
        answer = ask(client, wrong)
        assert (answer["type"], answer["message"]) == ("event", "error")
        keys = set(wrong) if isinstance(wrong, dict) else {"配置"}
        assert any(key in answer["detail"] for key in keys), answer
        recorder.record(user_type="visitor")
        recorded = recorder.record(user_type="vip")
        assert receive(client)["event_id"] == recorded["event_id"]


@pytest.fixture(scope="module")
def past(recorder):
    """Events at 1000, 2000, … ms, alternately of two devices."""
    return [
        recorder.record(timestamp=(position + 1) * 1000, device=OTHER_DEVICE if position % 2 else DEVICE)["event_id"]
        for position in range(250)
    ]


class TestSince:
    def replayed(self, server, count, **configuration):
        with following(server, **configuration) as client:
            return [receive(client)["event_id"] for _ in range(count)]

    def test_event(self, server, past):
        assert self.replayed(server, 249, since=past[0])[:249] == past[1:]

    def test_newest_event(self, server, recorder):
        recorded = recorder.record()
        with following(server, since=recorded["event_id"]) as client:
            assert is_silent(client)

    def test_time(self, server, past):
        found = self.replayed(server, 20, since=3000, with_face_image=True)
        assert found == [event for event in self.replayed(server, 250, since=0) if event not in past[:2]][:20]

    def test_future(self, server, recorder):
        with following(server, since=4_000_000_000_000) as client:
            recorded = recorder.record()
            assert receive(client)["event_id"] == recorded["event_id"]

    def test_filters(self, server, past):
        assert self.replayed(server, 124, since=past[0], media_device_ids=[DEVICE], user_types=["stranger"]) == past[2::2]

    def test_no_gap_and_no_repetition_before_the_live_ones(self, server, recorder):
        first = recorder.record()["event_id"]
        with ThreadPoolExecutor() as threads:
            recording = threads.submit(lambda: [recorder.record()["event_id"] for _ in range(300)])
            for _ in range(5):
                time.sleep(0.05)
                with following(server, since=first) as client:
                    told = [receive(client)["event_id"] for _ in range(100)]
            expected = recording.result()
        assert told == expected[:100]
        with following(server, since=first) as client:
            assert [receive(client)["event_id"] for _ in range(300)] == expected
            assert is_silent(client)

    def test_again_on_the_same_connection(self, server, recorder):
        first, *others = [recorder.record()["event_id"] for _ in range(3)]
        with following(server) as client:
            for _ in range(2):
                configure(client, since=first)
                assert [receive(client)["event_id"] for _ in others] == others


class TestSlowClient:
    def test_is_told_what_it_lost(self, server, recorder):
        """One that does not read keeps the newest, and nobody else waits for it."""
        with following(server) as quick, RawSocket(server.event_url, receive_buffer=4096) as slow:
            slow.send(frame(1, b'{"with_face_image": true, "heartbeat": 3600}'))
            assert json.loads(slow.frame()[1])["message"] == "heartbeat"
            recorded, late = [], []
            for _ in range(200):
                began = time.monotonic()
                recorded.append(recorder.record(face_bytes=20_000)["event_id"])
                assert receive(quick)["event_id"] == recorded[-1]
                late.append(time.monotonic() - began)
            assert sorted(late)[190] < 0.5
            told, lost = [], 0
            while not told or told[-1] != recorded[-1]:
                message = json.loads(slow.frame()[1])
                if message.get("message") == "lost":
                    assert message["after"] == told[-1]
                    told += recorded[len(told) : len(told) + message["lost"]]
                    lost += message["lost"]
                else:
                    told.append(message["event_id"])
            assert told == recorded
            assert 50 < lost < 150

    def test_replay_waits_for_it(self, server, recorder):
        """What is read from the table is never lost, however slowly it is read."""
        first, *others = [recorder.record(face_bytes=20_000)["event_id"] for _ in range(150)]
        with RawSocket(server.event_url, receive_buffer=4096) as slow:
            slow.send(frame(1, json.dumps({"with_face_image": True, "since": first}).encode()))
            time.sleep(1)
            assert [json.loads(slow.frame()[1])["event_id"] for _ in others] == others


class TestWhoMayConnect:
    @pytest.fixture(scope="class")
    def guarded(self, tmp_path_factory):
        with LiveServer(tmp_path_factory.mktemp("guarded") / "data", all_ports=True, **FAST) as running:
            yield running

    @pytest.fixture(scope="class")
    def tokens(self, guarded):
        return {
            scope: guarded.manage("token", "create", scope, "--scope", scope).split()[-1]
            for scope in ("events:follow", "flows:converse")
        } | {"bad": "nobody.nothing"}

    @pytest.mark.parametrize(("token", "status"), [("events:follow", 101), ("flows:converse", 403), ("bad", 401), (None, 401)])
    def test_tokens(self, guarded, tokens, token, status):
        headers = {} if token is None else {"Authorization": f"Bearer {tokens[token]}"}
        assert refusal(guarded.event_url, additional_headers=headers) == status

    def test_networks(self, guarded, tokens, tmp_path):
        """An installation that has tokens, but trusts this machine."""
        settings = {**FAST, "KIOSK_EVENT_NETWORKS": "127.0.0.0/8"}
        with LiveServer(tmp_path / "data", all_ports=True, **settings) as trusting:
            trusting.manage("token", "create", "somebody")
            with following(trusting):
                assert refusal(f"{trusting.flow_socket_url}") == 401

    def test_is_noted(self, server, tmp_path):
        with following(server):
            pass
        shell = "from auditlog.models import LogEntry; print(LogEntry.objects.filter(additional_data__use='follow').count())"
        assert int(server.manage("shell", "-v", "0", "-c", shell)) >= 1


class TestLimits:
    def test_silence(self, tmp_path):
        """A client that has configured may be silent; one that has not, may not."""
        with LiveServer(tmp_path / "data", all_ports=True, **FAST, KIOSK_SOCKET_IDLE_SECONDS="1") as server:
            with connect(server.event_url) as client:
                assert receive(client) == {CLOSED: 1001}
            with following(server) as client, Recorder(server.environment) as recorder:
                time.sleep(2)
                recorder.record()
                assert "event_id" in receive(client)

    def test_stop(self, tmp_path):
        with LiveServer(tmp_path / "data", all_ports=True, **FAST) as server, following(server) as client:
            began = time.monotonic()
            assert server.stop() == 0
            assert receive(client) == {CLOSED: 1001}
            assert time.monotonic() - began < 10


def test_latency(server, recorder):
    """Without Redis, from another process: commit to receipt."""
    late = []
    with following(server) as client:
        for _ in range(20):
            recorded = recorder.record()
            receive(client)
            late.append(time.time() - recorded["committed"])
    assert sorted(late)[10] < 0.1
