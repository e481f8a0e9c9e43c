"""manage.py relay: events of another box recorded as our own."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from websockets.sync.server import serve

from analytics.events.box import NoEvent, read_event
from analytics.events.relay import pause_seconds
from faces.engines.fake import FakeFace
from tests.analytics.events.conftest import FAST
from tests.analytics.events.recorder import FACE, Recorder
from tests.analytics.events.test_event_socket import configure
from tests.faces.conftest import as_base64
from tests.live_server import ROOT, LiveServer, free_port
from tests.media import fake_jpeg
from tests.sockets import connect, receive

DOCUMENTED = {
    "reg_pic": "",
    "media_device_ip": "192.168.1.243",
    "media_device_type": "rtsp",
    "recognize_face_image": "data:image/jpeg;base64," + base64.b64encode(FACE).decode(),
    "identity_id": "666666",
    "media_device_id": "04f98265-1fad-47e5-9dda-66e191272055",
    "score": 0.6231614351272583,
    "timestamp": 1566016554020,
    "identity_name": "小明",
}
"""The document's example of a message: without event_id and user_type, and the score as a share."""


@contextmanager
def relay(server, url, **environment):
    process = subprocess.Popen(
        [sys.executable, "manage.py", "relay", url], cwd=ROOT, env=server.environment | environment, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0, process.stderr.read().decode()


class Box:
    """A box of the test's own, which says what it is told to say, and notes what it is asked."""

    def __init__(self):
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}"
        self.asked = []
        self.say = lambda _connection, _asked: None

    @contextmanager
    def running(self):
        over = threading.Event()

        def handle(connection):
            asked = json.loads(connection.recv())
            self.asked.append(asked)
            self.say(connection, asked)
            over.wait(30)

        with serve(handle, "127.0.0.1", self.port, close_timeout=1) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield self
            finally:
                over.set()

    def wait_for_question(self, number, seconds=30):
        deadline = time.monotonic() + seconds
        while len(self.asked) < number and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.asked[number - 1]


def send(*events):
    return lambda connection, _asked: [connection.send(json.dumps(event)) for event in events]


def test_the_document_s_own_example(server):
    answer = server.post("/face", {"type": "face", "action": "add", "name": "小明", "image": as_base64(fake_jpeg(FakeFace(5)))})
    number = answer["data"]["entity_id"]
    events = [
        DOCUMENTED,
        DOCUMENTED,
        {**DOCUMENTED, "identity_id": number, "event_id": "known", "user_type": "employee"},
        {**DOCUMENTED, "identity_id": "", "identity_name": "", "user_type": "stranger", "event_id": "stranger", "score": 12},
    ]
    box = Box()
    box.say = send(
        "?", ["list"], {"timestamp": "now"}, {"event_id": 1, "score": 101, "timestamp": 5, "media_device_id": "x"}, *events
    )
    with connect(server.event_url) as client, box.running(), relay(server, box.url):
        configure(client, with_face_image=True)
        unknown, known, stranger = (receive(client) for _ in range(3))
        with pytest.raises(TimeoutError):
            client.recv(0.5)
    assert len(unknown["event_id"]) == 64
    assert unknown["score"] == pytest.approx(62.31614351272583)
    assert unknown["recognize_face_image"] == DOCUMENTED["recognize_face_image"]
    same = ("media_device_ip", "media_device_type", "media_device_id", "identity_id", "identity_name", "timestamp")
    assert {key: unknown[key] for key in same} == {key: DOCUMENTED[key] for key in same}
    assert (known["event_id"], known["identity_id"], known["user_type"]) == ("known", number, "employee")
    assert (stranger["event_id"], stranger["user_type"], stranger["score"]) == ("stranger", "stranger", 12)
    assert box.asked[0] == {"with_face_image": True, "with_register_image": False, "media_device_ids": []}


def test_comes_back_and_asks_for_what_it_missed(server):
    box = Box()
    event = {**DOCUMENTED, "user_type": "vip"}
    with connect(server.event_url) as client, relay(server, box.url):
        configure(client)
        time.sleep(1)
        box.say = send({**event, "event_id": "before"})
        with box.running():
            assert receive(client)["event_id"] == "before"
        # It loses the connection, and nobody is there for a while.
        box.say = send({**event, "event_id": "before"}, {**event, "event_id": "after"})
        with box.running():
            assert receive(client)["event_id"] == "after"
            assert box.asked[1]["since"] == "before"
    with relay(server, box.url), box.running():
        assert box.wait_for_question(3)["since"] == "after"


def test_a_box_that_refuses_since(server):
    box = Box()
    event = {**DOCUMENTED, "user_type": "vip"}

    def say(connection, asked):
        if "since" in asked:
            connection.send(json.dumps({"type": "event", "message": "error", "detail": "?"}))
        else:
            connection.send(json.dumps({**event, "event_id": f"refusing {len(box.asked)}"}))
            time.sleep(0.3)
            connection.close()

    box.say = say
    with connect(server.event_url) as client, box.running(), relay(server, box.url):
        configure(client)
        assert receive(client)["event_id"] == "refusing 1"
        assert receive(client)["event_id"] == "refusing 3"


def test_from_our_own_server_with_a_token(server, tmp_path):
    """Killed in the middle of a run, both of them: every event once, in order."""
    with LiveServer(tmp_path / "box", all_ports=True, **FAST) as box, Recorder(box.environment) as recorder:
        token = box.manage("token", "create", "hall", "--scope", "events:follow").split()[-1]
        url = box.event_url.rstrip("/")
        with connect(server.event_url) as client:
            configure(client)
            with relay(server, url, KIOSK_RELAY_TOKEN=token):
                recorded, first = [recorder.record(event_id="box first")["event_id"]], ""
                deadline = time.monotonic() + 30
                # Before its first event the relay has nothing to ask for with since.
                while time.monotonic() < deadline:
                    try:
                        first = receive(client, 0.5)["event_id"]
                        break
                    except TimeoutError:
                        recorded.append(recorder.record()["event_id"])
                box.stop(signal.SIGKILL)
                recorded += [recorder.record()["event_id"] for _ in range(20)]
                box.start()
                # Twenty, and any that were recorded while the first one was on its way.
                missed = recorded[recorded.index(first) + 1 :]
                assert [receive(client)["event_id"] for _ in missed] == missed


BAD_EVENTS = {
    "no device": {"media_device_id": None},
    "device empty": {"media_device_id": ""},
    "device a list": {"media_device_id": []},
    "no time": {"timestamp": None},
    "time a text": {"timestamp": "1566016554020"},
    "time true": {"timestamp": True},
    "time negative": {"timestamp": -1},
    "time too far": {"timestamp": 10**18},
    "time no number": {"timestamp": float("nan")},
    "no score": {"score": None},
    "score a text": {"score": "82"},
    "score negative": {"score": -0.1},
    "score too high": {"score": 100.1},
    "score infinite": {"score": float("inf")},
    "event_id an object": {"event_id": {}},
    "identity a list": {"identity_id": ["1"]},
}


@pytest.mark.parametrize("wrong", BAD_EVENTS.values(), ids=BAD_EVENTS.keys())
def test_events_that_can_t_be_recorded(wrong):
    assert read_event(DOCUMENTED).score
    with pytest.raises(NoEvent):
        read_event(DOCUMENTED | wrong)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"score": 1}, {"score": 100}),
        ({"score": 82.05}, {"score": 82.05}),
        ({"score": 0}, {"score": 0}),
        ({"user_type": "boss"}, {"user_type": ""}),
        ({"media_device_ip": "door"}, {"device_ip": None}),
        ({"recognize_face_image": "data:image/jpeg;base64,????"}, {"face_jpeg": None}),
        ({"recognize_face_image": "PHN2Zz4="}, {"face_jpeg": None}),
        ({"recognize_face_image": 5}, {"face_jpeg": None}),
        ({"recognize_face_attr": "male"}, {"attributes": {}}),
        ({"identity_id": 100000}, {"identity_id": "100000"}),
        ({"event_id": "short"}, {"event_id": "short"}),
        ({"identity_name": "名" * 100}, {"identity_name": "名" * 64}),
    ],
    ids=lambda value: next(iter(value)),
)
def test_what_is_made_of_it(given, read):
    event = read_event(DOCUMENTED | given)
    assert {key: getattr(event, key) for key in read} == read


def test_ids_that_are_too_long_stay_different():
    first, second = (read_event(DOCUMENTED | {"event_id": "x" * 100 + end}).event_id for end in "ab")
    assert first != second
    assert len(first) == 64


def test_pauses_grow():
    assert [round(pause_seconds(failures)) for failures in (1, 20)] == pytest.approx([1, 60], rel=0.3)


@pytest.mark.parametrize("url", ["http://127.0.0.1", "127.0.0.1:5679", "ws://", "ws://user:secret@127.0.0.1"])
def test_bad_addresses(url):
    command = [sys.executable, "manage.py", "relay", url]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "kiosk.settings", "KIOSK_ENV_FILE": os.devnull}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: The address")
