"""Two servers over Redis, and what happens when Redis goes away."""

from __future__ import annotations

import shutil
import subprocess
import time

import pytest

from tests.analytics.events.conftest import FAST
from tests.analytics.events.recorder import Recorder
from tests.analytics.events.test_event_socket import following
from tests.live_server import LiveServer, free_port
from tests.sockets import receive


@pytest.fixture
def redis(tmp_path):
    command = shutil.which("redis-server")
    if command is None:
        pytest.skip("needs redis-server, which is not installed here")
    port = free_port()
    process = subprocess.Popen(
        [command, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", tmp_path], stdout=subprocess.DEVNULL
    )
    process.url = f"redis://127.0.0.1:{port}/0"
    yield process
    process.kill()
    process.wait()


def test_two_servers_with_and_without_redis(redis, tmp_path):
    settings = {**FAST, "REDIS_URL": redis.url}
    data = tmp_path / "data"
    with (
        LiveServer(data, all_ports=True, **settings) as one,
        LiveServer(data, all_ports=True, **settings) as two,
        Recorder(one.environment) as recorder,
        following(one) as first,
        following(two) as second,
    ):
        late = []
        for _ in range(20):
            recorded = recorder.record()
            for client in (first, second):
                assert receive(client)["event_id"] == recorded["event_id"]
            late.append(time.time() - recorded["committed"])
        assert sorted(late)[10] < 0.25
        redis.kill()
        redis.wait()
        for _ in range(5):
            recorded = recorder.record()
            for client in (first, second):
                assert receive(client)["event_id"] == recorded["event_id"]
        for server in (one, two):
            assert "Redis does not tell" in server.log.read_text(encoding="utf-8")
