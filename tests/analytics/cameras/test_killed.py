"""Server and watch killed with SIGKILL at random, again and again, while people come and go before a camera."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from faces.engines.fake import FakeFace
from tests.analytics.cameras.films import mjpeg_camera
from tests.analytics.cameras.hall import Hall, until
from tests.analytics.events.returning import ReturningClient
from tests.live_server import ROOT
from tests.media import fake_jpeg, fake_photo

KILLS = int(os.environ.get("KIOSK_TEST_KILLS", "3"))
"""The twenty of the issue take some minutes: KIOSK_TEST_KILLS=20."""
SEED = int(os.environ.get("KIOSK_TEST_SEED", "11"))
COOLDOWN_SECONDS = 6
NAMES = ("安娜", "伯特", "卡拉", "丹")
_FIRST = """
from django.utils import timezone
from analytics.events.recording import NewEvent, record
device = MediaDevice.objects.create(name="别处")
answer = record(NewEvent(device, timezone.now(), 0.0, stranger_id="before")).event_id
"""
_ROWS = "answer = list(RecognitionEvent.objects.order_by('pk').values_list('event_id', 'person__name', 'stranger_id'))[1:]"
_LOOKED = "at = MediaDevice.objects.get(name='大厅').last_seen_at; answer = at and at.timestamp()"


class Hands(AbstractContextManager["Hands"]):
    """Kills the server and the watch, and starts them again at once, as a service manager does."""

    def __init__(self, hall: Hall, chance: random.Random) -> None:
        self._hall = hall
        self._chance = chance
        self.killed = {"server": 0, "watch": 0}
        self._start_watch()

    def __exit__(self, *_reason: object) -> None:
        self._watch.terminate()
        self._watch.wait(timeout=30)

    def kill_one(self) -> None:
        """The server or the watch, now."""
        if self._chance.random() < 0.4:
            self.killed["server"] += 1
            process = self._hall.process
            assert process is not None
            process.kill()
            process.wait()
            self._hall.start(wait=False)
        else:
            self.killed["watch"] += 1
            self._watch.kill()
            self._watch.wait()
            self._start_watch()

    def mend(self) -> None:
        """One that has ended by itself, because processes of the killed one were still there, is started again."""
        if self._watch.poll() is not None:
            self._start_watch()

    def _start_watch(self) -> None:
        with self._hall.log.open("ab") as log:
            command = [sys.executable, "manage.py", "watch"]
            self._watch = subprocess.Popen(command, cwd=ROOT, env=self._hall.environment, stdout=log, stderr=log)


@contextmanager
def following(client: ReturningClient) -> Iterator[None]:
    """The client listens in a thread of its own."""
    done = threading.Event()

    def listen() -> None:
        while not done.is_set():
            client.take(0.5)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class Camera:
    """The hall's camera, and who stands before it."""

    def __init__(self, hall: Hall, hands: Hands, chance: random.Random) -> None:
        self.shown = fake_photo()
        self.visits = 0
        self._hall = hall
        self._hands = hands
        self._chance = chance

    def visit(self) -> None:
        """An enrolled person and a stranger come, are recorded, stay, and leave for longer than the cooldown."""
        chance, hands = self._chance, self._hands
        self.shown = fake_photo(FakeFace(self.visits % len(NAMES)), FakeFace(100 + self.visits))
        self.visits += 1
        for _time in range(chance.randint(1, 2)):
            time.sleep(chance.uniform(0, 4))
            hands.kill_one()
        until(self._all_are_recorded, 60)
        if chance.random() < 0.7:
            time.sleep(chance.uniform(0, 2))
            hands.kill_one()
        self.wait_until_watched()
        time.sleep(chance.uniform(2, COOLDOWN_SECONDS + 2))
        self.shown = fake_photo()
        if chance.random() < 0.3:
            time.sleep(chance.uniform(0, 2))
            hands.kill_one()
        self.wait_until_watched()
        time.sleep(COOLDOWN_SECONDS + 2)

    def wait_until_watched(self) -> None:
        """The watch has written since now that it has looked; it does every ten seconds, and when it has just begun."""
        began = time.time()
        until(lambda: self._hands.mend() or (self._hall.run(_LOOKED) or 0) > began, 60)

    def _all_are_recorded(self) -> bool:
        self._hands.mend()
        return len(self._hall.run(_ROWS)) >= 2 * self.visits


def test_killed_at_random(tmp_path):
    """One event for each person's and each stranger's visit, whatever was killed when; and the client is told of every one once.

    Those who visit stand there while server or watch die, before, while and after they are recorded, and for longer than the
    cooldown. Nobody is to be recorded again because the watch was dead meanwhile.
    """
    chance, began = random.Random(SEED), time.monotonic()
    with Hall(tmp_path / "data", KIOSK_WATCH_WITH_SERVER="false") as hall:
        for number, name in enumerate(NAMES):
            hall.enrol(name, fake_jpeg(FakeFace(number)))
        client = ReturningClient(f"{hall.web_socket_url}/events", hall.run(_FIRST))
        with Hands(hall, chance) as hands, ExitStack() as stack:
            camera = Camera(hall, hands, chance)
            url = stack.enter_context(mjpeg_camera(lambda: camera.shown, "u", "p"))
            stack.enter_context(following(client))
            hall.add_device("大厅", url, username="u", password="p", cooldown_seconds=COOLDOWN_SECONDS)
            camera.wait_until_watched()
            while sum(hands.killed.values()) < KILLS:
                camera.visit()
            rows = hall.run(_ROWS)
            until(lambda: len(client.told) >= len(rows), 30)
            time.sleep(1)
        assert "Traceback" not in hall.log.read_text(encoding="utf-8")
    print(f"{hands.killed}, {camera.visits} visits, {len(rows)} events, {time.monotonic() - began:.0f} s")  # noqa: T201
    assert [name for _event, name, _stranger in rows if name] == [NAMES[visit % len(NAMES)] for visit in range(camera.visits)]
    strangers = [stranger for _event, name, stranger in rows if not name]
    assert len(strangers) == len(set(strangers)) == camera.visits
    assert client.told == [event for event, _name, _stranger in rows]
