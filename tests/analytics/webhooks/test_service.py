"""The delivering part of the real server."""

from __future__ import annotations

import json
import signal
import time

import pytest

from tests.analytics.events.conftest import FAST
from tests.analytics.events.recorder import Recorder
from tests.analytics.webhooks.receiver import Receiver
from tests.live_server import LiveServer, free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with LiveServer(tmp_path_factory.mktemp("webhooks") / "data", **FAST) as running:
        yield running
        assert "Traceback" not in running.log.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def recorder(server):
    with Recorder(server.environment) as process:
        yield process


def add_webhook(server, url):
    made = f"Webhook.objects.create(name='x', url='{url}', secret=new_secret())"
    server.manage(
        "shell",
        "-v",
        "0",
        "-c",
        f"from analytics.models import Webhook\nfrom analytics.webhooks.signing import new_secret\n{made}",
    )


def test_all_arrive_whatever_other_receivers_do(server, recorder):
    def sleeps(_post):
        time.sleep(8)
        return 200

    with Receiver() as good, Receiver(sleeps) as slow:
        for url in (slow.url, "http://127.0.0.1:1/", good.url):
            add_webhook(server, url)
        recorded = [recorder.record()["event_id"] for _ in range(20)]
        began = time.monotonic()
        posts = good.wait_for(20)
        assert time.monotonic() - began < 5
        assert [json.loads(post.body)["data"]["event_id"] for post in posts] == recorded


def test_survives_the_server_s_death(server, recorder):
    port = free_port()
    add_webhook(server, f"http://127.0.0.1:{port}/")
    recorded = recorder.record()["event_id"]
    time.sleep(1.5)
    server.stop(signal.SIGKILL)
    with Receiver(port=port) as receiver:
        server.start()
        assert json.loads(receiver.wait_for(1, seconds=60)[0].body)["data"]["event_id"] == recorded
