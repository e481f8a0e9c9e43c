"""Fixtures of the searches: indexes that forget what the last test's rows were."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pydantic import SecretStr

Ask = Callable[..., Any]


@pytest.fixture(autouse=True)
def _empty_indexes(db: None) -> Iterator[None]:
    """Each test's rows are rolled back behind the indexes' backs, and its tokens behind the cache's."""
    yield
    forget_indexes()
    cache.clear()


def forget_indexes() -> None:
    from analytics.sightings import indexes

    if indexes._faces is not None:
        indexes._faces.vectors.clear()
    if indexes._plates is not None:
        indexes._plates.plates.clear()
    if indexes._faces is None or indexes._plates is None:
        # A test closed them with what they had learnt.
        indexes.close_indexes()
        shutil.rmtree(settings.KIOSK.data_dir / "sightings", ignore_errors=True)


@pytest.fixture
def elasticsearch_url() -> str:
    """Of a real server, whose indexes of this test's database are deleted in the end."""
    url = os.environ.get("ELASTICSEARCH_TEST_URL", "")
    if not url:
        pytest.skip("needs a server in ELASTICSEARCH_TEST_URL: deploy/elasticsearch/run.sh start")
    return url


@pytest.fixture(params=["embedded", "elasticsearch"])
def either_index(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The searches on the one index and on the other."""
    if request.param == "embedded":
        yield
        return
    from analytics.sightings.indexes import close_indexes, face_index, plate_index

    url = SecretStr(request.getfixturevalue("elasticsearch_url"))
    monkeypatch.setattr(settings, "KIOSK", settings.KIOSK.model_copy(update={"elasticsearch_url": url}))
    close_indexes()
    face_index().vectors.clear()
    plate_index().plates.clear()
    yield
    forget_indexes()
    close_indexes()


def lines_of(response: Any) -> list[dict[str, Any]]:
    assert response["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in read(response).splitlines()]


def read(response: Any) -> bytes:
    if not response.streaming:
        return bytes(response.content)

    async def gather() -> bytes:
        return b"".join([piece async for piece in response])

    return async_to_sync(gather)()


@pytest.fixture
def detect(client: Client) -> Ask:
    """Posts a photo to /face-detect; the lines of the answer, or with another status its body."""

    def ask(photo: bytes, *, status: int = 200, **fields: Any) -> Any:
        upload = SimpleUploadedFile("photo.jpg", photo, content_type="image/jpeg")
        response = client.post("/face-detect", {"image": upload, **fields})
        assert response.status_code == status, read(response)[:300]
        return lines_of(response) if status == 200 else json.loads(response.content)

    return ask


@pytest.fixture
def ask(client: Client) -> Ask:
    """Posts JSON; the lines or the body of the answer."""

    def send(path: str, body: Any, *, status: int = 200) -> Any:
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        response = client.post(path, data, content_type="application/json")
        assert response.status_code == status, read(response)[:300]
        return lines_of(response) if response.streaming else json.loads(response.content)

    return send
