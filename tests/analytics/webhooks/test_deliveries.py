"""Webhooks as their receivers see them: signed, repeated until they arrive, never anywhere they must not go."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from analytics.events.recording import NewEvent, record
from analytics.models import MediaDevice, Webhook, WebhookDelivery
from analytics.webhooks.deliveries import GIVE_UP, LEASE, deliver_next, due_webhooks, pause_seconds, try_again
from analytics.webhooks.sending import NotSent, check_url, post
from analytics.webhooks.signing import new_secret, signature
from tests.analytics.webhooks.receiver import Receiver

JPEG = b"\xff\xd8\xff\xe0face"


@pytest.fixture
def device(db):
    return MediaDevice.objects.create(name="门口", ip="192.168.1.101")


@pytest.fixture
def make_event(device, django_capture_on_commit_callbacks):
    def make(**more):
        return record(NewEvent(more.pop("device", device), timezone.now(), 50, stranger_id="s", **more))

    return make


def webhook(url, **more):
    return Webhook.objects.create(name="接收方", url=url, secret=new_secret(), **more)


def test_signature_is_that_of_standard_webhooks():
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_arrives(make_event):
    with Receiver() as receiver:
        to = webhook(receiver.url, with_face_image=True)
        event = make_event(face_jpeg=JPEG)
        assert deliver_next(to.pk) is True
        assert deliver_next(to.pk) is None
        (came,) = receiver.posts
    assert came.path == "/hook?a=1"
    body = json.loads(came.body)
    assert body["type"] == "recognition"
    assert body["data"]["event_id"] == event.event_id
    assert body["data"]["recognize_face_image"] == "data:image/jpeg;base64," + base64.b64encode(JPEG).decode()
    signed = f"{came.headers['webhook-id']}.{came.headers['webhook-timestamp']}.".encode() + came.body
    digest = hmac.new(base64.b64decode(to.secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert came.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.error, delivery.next_attempt_at) == (204, 1, "", None)


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, True),
        ({"enabled": False}, False),
        ({"user_types": ["vip", "stranger"]}, True),
        ({"user_types": ["vip"]}, False),
    ],
    ids=["all", "switched off", "type", "another type"],
)
def test_who_wants_it(make_event, more, wanted):
    webhook("http://127.0.0.1/", **more)
    make_event()
    assert WebhookDelivery.objects.exists() is wanted


def test_devices(make_event, device):
    other = MediaDevice.objects.create(name="后门")
    to = webhook("http://127.0.0.1/")
    to.devices.add(device)
    make_event(device=other)
    assert not WebhookDelivery.objects.exists()
    make_event()
    assert WebhookDelivery.objects.count() == 1


def test_without_face_unless_asked(make_event):
    with Receiver() as receiver:
        to = webhook(receiver.url)
        make_event(face_jpeg=JPEG)
        deliver_next(to.pk)
        assert not {"recognize_face_image", "register_image"} & set(json.loads(receiver.posts[0].body)["data"])


@pytest.mark.parametrize("status", [500, 404, 301, 302, 307])
def test_whatever_is_no_2xx_is_tried_again(make_event, status):
    answers = iter([status, 200])
    with Receiver(lambda _post: next(answers)) as receiver:
        to = webhook(receiver.url)
        make_event()
        assert deliver_next(to.pk) is False
        delivery = WebhookDelivery.objects.get()
        assert (delivery.status, delivery.error) == (status, f"HTTP {status}")
        wait = (delivery.next_attempt_at - timezone.now()).total_seconds()
        assert 4 < wait < 6
        assert deliver_next(to.pk) is None
        assert try_again(WebhookDelivery.objects.all()) == 1
        assert deliver_next(to.pk) is True
        assert [post.headers["webhook-id"] for post in receiver.posts] == [f"evt_{delivery.pk}"] * 2


def test_pauses_grow():
    pauses = [pause_seconds(attempts) for attempts in range(1, 12)]
    assert pauses[:4] == [5, 20, 80, 320]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 7200


def test_is_given_up_after_a_day(make_event):
    to = webhook("http://127.0.0.1:1/")
    event = make_event()
    event.created_at = timezone.now() - GIVE_UP + timedelta(seconds=1)
    event.save()
    assert deliver_next(to.pk) is False
    delivery = WebhookDelivery.objects.get()
    assert (delivery.next_attempt_at, delivery.delivered_at, delivery.status) == (None, None, None)
    assert delivery.error == "Connection refused"


def test_one_that_was_interrupted_is_tried_again_after_its_lease(make_event, monkeypatch):
    to = webhook("http://127.0.0.1:1/")
    make_event()

    def killed(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("analytics.webhooks.deliveries.post", killed)
        with pytest.raises(KeyboardInterrupt):
            deliver_next(to.pk)
    assert due_webhooks(timezone.now()) == []
    assert due_webhooks(timezone.now() + LEASE) == [to.pk]


BAD_URLS = {
    "empty": "",
    "no scheme": "127.0.0.1/hook",
    "ftp": "ftp://127.0.0.1/",
    "file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/_SET",
    "javascript": "javascript:alert(1)",
    "no host": "http:///hook",
    "port of letters": "http://127.0.0.1:http/",
    "port too large": "http://127.0.0.1:70000/",
    "port 0": "http://127.0.0.1:0/",
    "user": "http://user:secret@127.0.0.1/",
    "fragment": "http://127.0.0.1/#x",
    "blank": "http://127.0.0.1/a b",
    "new line": "http://127.0.0.1/\r\nX: y",
    "broken IPv6": "http://[::1/",
}


@pytest.mark.parametrize("url", BAD_URLS.values(), ids=BAD_URLS.keys())
def test_bad_addresses(url):
    with pytest.raises(ValidationError):
        check_url(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/x?y=z", "https://receiver/", "http://[::1]:9000/"])
def test_good_addresses(url):
    check_url(url)


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest/", "http://0.0.0.0/", "http://8.8.8.8/", "http://[::ffff:8.8.8.8]/", "http://[fe80::1]/"],
)
def test_networks_it_never_goes_to(url):
    with pytest.raises(NotSent, match="KIOSK_WEBHOOK_NETWORKS"):
        post(url, b"{}", {})


def test_networks_are_a_setting(settings):
    settings.KIOSK = settings.KIOSK.model_copy(update={"webhook_networks": ("10.0.0.0/8",)})
    with Receiver() as receiver, pytest.raises(NotSent, match="KIOSK_WEBHOOK_NETWORKS"):
        post(receiver.url, b"{}", {})


def test_no_redirect_is_followed():
    with Receiver(lambda post: 302) as receiver:
        assert post(receiver.url, b"{}", {}) == 302
        assert len(receiver.posts) == 1


def test_answers_that_are_none(monkeypatch):
    """Whoever says nothing, or something that is no HTTP, or goes on talking for ever."""
    monkeypatch.setattr("analytics.webhooks.sending._SILENCE_SECONDS", 0.5)
    monkeypatch.setattr("analytics.webhooks.sending._WHOLE_SECONDS", 1.5)

    def talk(connection, piece, pause):
        try:
            while True:
                connection.sendall(piece)
                time.sleep(pause)
        except OSError:
            connection.close()

    for piece, pause in ((b"", 5), (b"hello\r\n", 5), (b"H", 0.2)):
        with socket.create_server(("127.0.0.1", 0)) as server:

            def accept(server=server, piece=piece, pause=pause):
                talk(server.accept()[0], piece, pause)

            threading.Thread(target=accept, daemon=True).start()
            began = time.monotonic()
            with pytest.raises(NotSent):
                post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {})
            assert time.monotonic() - began < 4
