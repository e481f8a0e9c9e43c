"""Fixtures of the faces tests: requests as a client sends them, people as a client enrols them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from faces.engines.fake import FakeFace
from faces.enrolment import NewPerson, enrol_person
from faces.models import Person
from tests.media import fake_jpeg

Post = Callable[..., Any]


def as_base64(photo: bytes) -> str:
    return base64.b64encode(photo).decode()


@pytest.fixture
def post(client: Client) -> Post:
    """Posts a value as JSON, or a text or bytes as they are; the decoded answer."""

    def send(path: str, body: Any, *, status: int = 200, content_type: str = "application/json", **headers: str) -> Any:
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        response = client.post(path, data, content_type=content_type, headers=headers)
        assert response.status_code == status, response.content[:300]
        return json.loads(response.content)

    return send


@pytest.fixture
def enrol(db: None) -> Callable[..., Person]:
    """Enrols the fake engine's person of this number."""

    def make(person: int, name: str = "张三", number: str = "", variation: int = 0) -> Person:
        return enrol_person(NewPerson(name, number), fake_jpeg(FakeFace(person, variation))).person

    return make
