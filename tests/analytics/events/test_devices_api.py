"""GET /getmediadevices."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.cache import cache

from analytics.models import MediaDevice
from kiosk.models import ApiToken

PATH = "/getmediadevices"


@pytest.fixture(autouse=True)
def _tokens_are_looked_up_anew():
    cache.clear()


@pytest.fixture
def devices(db):
    return [
        MediaDevice.objects.create(
            name="门口",
            ip="192.168.1.101",
            zone="一楼",
            address="rtsp://192.168.1.101/1",
            username="viewer",
            password="hidden-word",
            last_seen_at=datetime.fromtimestamp(1566016554, UTC),
        ),
        MediaDevice.objects.create(name="旧", device_type="file", enabled=False, error="no such file"),
    ]


def token(scope):
    _token, key = ApiToken.objects.create_key(name="x", scopes=[scope])
    return {"Authorization": f"Bearer {key}"}


def test_every_field(client, devices):
    answer = client.get(PATH)
    assert answer.status_code == 200
    assert answer.json() == {
        "type": "getmediadevices",
        "message": "success",
        "media_devices": [
            {
                "media_device_id": str(devices[0].device_id),
                "media_device_name": "门口",
                "media_device_ip": "192.168.1.101",
                "media_device_type": "rtsp",
                "zone": "一楼",
                "enabled": True,
                "working": True,
                "last_seen": 1566016554000,
            },
            {
                "media_device_id": str(devices[1].device_id),
                "media_device_name": "旧",
                "media_device_ip": "",
                "media_device_type": "file",
                "zone": "",
                "enabled": False,
                "working": False,
                "last_seen": None,
            },
        ],
    }
    assert "hidden-word" not in answer.content.decode()
    assert "viewer" not in answer.content.decode()


def test_one_query(client, devices, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        client.get(PATH)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_other_methods(client, db, method):
    answer = getattr(client, method)(PATH, data="{}", content_type="application/json")
    assert answer.status_code == 405
    assert answer.json() == {"type": "getmediadevices", "message": "error", "detail": "仅支持 GET 请求"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (lambda: token("events:follow"), 200),
        (lambda: token("faces:recognise"), 403),
        (lambda: token("events:follow") | {"Authorization": "Bearer nobody.nothing"}, 401),
        (lambda: token("events:follow") | {"Authorization": "Bearer"}, 401),
        (lambda: token("events:follow") | {"Authorization": "Basic eDp5"}, 401),
        (lambda: (token("events:follow"), {})[1], 401),
    ],
    ids=["good", "another scope", "unknown", "empty", "another scheme", "none"],
)
def test_tokens(client, db, headers, status):
    answer = client.get(PATH, headers=headers())
    assert answer.status_code == status
    assert answer.json()["message"] == ("success" if status == 200 else "error")


@pytest.mark.parametrize("query", ["?enabled=maybe", "?limit=-1", "?%FF=%00", "?a=1&a=2"])
def test_unknown_parameters_are_ignored(client, devices, query):
    assert len(client.get(PATH + query).json()["media_devices"]) == 2


@pytest.mark.parametrize("path", ["/getmediadevices/", "/getMediaDevices", "/events"])
def test_other_paths(client, db, path):
    assert client.get(path).status_code == 404
