"""Server and recorder killed in the middle of it: no event twice, and a client that asks with `since` has every one."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.analytics.events.conftest import FAST
from tests.analytics.events.recorder import Recorder
from tests.analytics.events.returning import ReturningClient
from tests.live_server import LiveServer

KILLS = int(os.environ.get("KIOSK_TEST_KILLS", "3"))
"""The twenty of the issue take some minutes: KIOSK_TEST_KILLS=20."""
EVENTS_A_ROUND = 25


def record_some(recorder, names, chance):
    """Records events under their names until the recorder is killed; those that are left, of which the first may be there."""
    victim = chance.randrange(len(names))
    for number, name in enumerate(names):
        if number == victim:
            recorder.process.stdin.write(f'{{"event_id": "{name}"}}\n')
            recorder.process.stdin.flush()
            time.sleep(chance.uniform(0, 0.004))
            recorder.kill()
            return names[number:]
        recorder.record(event_id=name)
    return []


@pytest.mark.parametrize("seed", [7])
def test_killed_at_random(tmp_path, seed):
    chance = random.Random(seed)
    with LiveServer(tmp_path / "data", all_ports=True, **FAST) as server:
        recorder = Recorder(server.environment)
        client = ReturningClient(server.event_url, recorder.record(event_id="first")["event_id"])
        names = [f"event {number:05d}" for number in range(EVENTS_A_ROUND * KILLS)]
        for kill in range(KILLS):
            left = names[kill * EVENTS_A_ROUND : (kill + 1) * EVENTS_A_ROUND]
            client.take(0.2)
            if kill % 2:
                server.process.send_signal(signal.SIGKILL)
                server.process.wait()
            while left:
                # Whoever comes back does not know whether the last one arrived, and records it again.
                left = record_some(recorder, left, chance)
                if left:
                    recorder = Recorder(server.environment)
                    recorder.record(event_id=left[0])
                    left = left[1:]
                client.take(chance.uniform(0, 0.3))
            if kill % 2:
                server.start()
        deadline = time.monotonic() + 60
        while (not client.told or client.told[-1] != names[-1]) and time.monotonic() < deadline:
            client.take(0.5)
        recorder.stop()
        assert client.told == names
        count = "from analytics.models import RecognitionEvent as E; print(E.objects.count())"
        assert int(server.manage("shell", "-v", "0", "-c", count)) == len(names) + 1
