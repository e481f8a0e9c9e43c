"""Fixtures of the flows tests: visits as a client makes them, over HTTP and through the conversation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from flows import speech
from flows.dialogue import handshake as handshaking
from flows.dialogue import reading
from flows.dialogue.conversation import answer, begin
from flows.models import ServiceItem
from flows.speech import SpeechError, Transcript
from flows.understanding.builtin import BuiltIn
from flows.understanding.catalogue import LearntCatalogue, services_of
from flows.understanding.retrieval import ServiceWords
from tests.flows.factories import words

FlowPost = Callable[..., Any]
USER = "citizen-1"


CATALOGUE = (
    words(
        "id-card",
        name="身份证",
        aliases=["居民身份证", "二代证"],
        examples=["我要办身份证", "办一张身份证"],
        guidance="办理身份证呢，请带上户口簿，到派出所办理。",
        required_slots=["address"],
        family_questions=[],
    ),
    words(
        "marriage",
        name="结婚登记",
        aliases=["领结婚证", "结婚证"],
        examples=["我们要登记结婚", "我要领结婚证"],
        guidance="结婚登记要双方亲自到场。",
        materials=["双方户口簿", "三张合照"],
        required_slots=["education", "marital_status"],
        family_questions=["spouse"],
    ),
    words(
        "license-renewal",
        name="驾驶证换证",
        aliases=["驾照换证", "驾驶证"],
        examples=["我的驾驶证到期了要换证"],
        required_slots=[],
        family_questions=[],
    ),
    words(
        "license-replacement",
        name="驾驶证补证",
        aliases=["驾照补办", "驾驶证"],
        examples=["我的驾驶证丢了要补一个"],
        required_slots=[],
        family_questions=[],
    ),
)
"""One service that asks little, one that asks a lot and about family, two that are easily confused."""


class _Catalogue:
    """CATALOGUE as a source that never changes, so that it is learnt once for all tests."""

    def version(self) -> tuple[object, ...]:
        return ()

    def services(self) -> list[ServiceWords]:
        return services_of(ServiceItem(**entry) for entry in CATALOGUE)


@pytest.fixture(scope="session")
def engine() -> BuiltIn:
    """The real understanding of CATALOGUE."""
    return BuiltIn(LearntCatalogue(source=_Catalogue()))


@pytest.fixture
def services(db: None, engine: BuiltIn, monkeypatch: pytest.MonkeyPatch) -> dict[str, ServiceItem]:
    """CATALOGUE in the database, and understood."""
    for user in (handshaking, reading):
        monkeypatch.setattr(user, "understanding", lambda: engine)
    return {entry["code"]: ServiceItem.objects.create(**entry) for entry in CATALOGUE}


@pytest.fixture
def flow_post(client: Client) -> FlowPost:
    """Posts a value as JSON, or text or bytes as they are, to a path of the flow; the decoded body of the answer, always 200."""

    def send(path: str, body: Any, *, content_type: str = "application/json", **headers: str) -> Any:
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        response = client.post(path, data, content_type=content_type, headers=headers)
        assert response.status_code == 200, response.content[:300]
        return json.loads(response.content)

    return send


def handshake(text: str = "我要办身份证", user_id: str = USER, **more: Any) -> dict[str, Any]:
    """The body of a handshake by text."""
    return {"user_id": user_id, "type": "handshake", "input": {"type": "text", "text": text}, **more}


@pytest.fixture
def visit(services: dict[str, ServiceItem], flow_post: FlowPost) -> Callable[..., str]:
    """Makes a handshake that must be clear; the hash."""

    def make(text: str = "我要办身份证", user_id: str = USER, **more: Any) -> str:
        body = flow_post("/handshake", handshake(text, user_id, **more))
        assert body["type"] == "handshake", body
        assert body["classify"], body
        token: str = body["hash"]
        return token

    return make


ANSWERS = {
    "name": "我叫张三",
    "gender": "男的",
    "nationality": "汉族",
    "phone": "13800138000",
    "id_card": "440103199003072817",
    "address": "广东省广州市番禺区大学城外环西路100号",
    "marital_status": "未婚",
    "education": "本科",
    "spouse.name": "李丽",
    "spouse.id_card": "440103199103072822",
}
"""By Turn.slot."""


def talk(token: str, user_id: str = USER, **changes: str) -> list[str]:
    """Answers every question of a visit to its end; the questions. `changes`: other answers, by slot."""
    from flows.models import Turn

    answers = ANSWERS | changes
    questions = []
    question = begin(user_id, token)
    while question:
        questions.append(question)
        slot = Turn.objects.filter(session__user_id=user_id, speaker="kiosk").order_by("-pk").values_list("slot", flat=True)[0]
        question = answer(user_id, token, answers[slot])
        assert len(questions) < 40, questions
    return questions


@pytest.fixture
def hears(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what the speech engine hears in any sound: a text, a SpeechError, or a function of the sound that says which."""

    def set_heard(heard: str | SpeechError | Callable[[bytes], str]) -> None:
        def transcribe(audio: bytes, **_more: Any) -> Transcript:
            if isinstance(heard, SpeechError):
                raise heard
            text = heard(audio) if callable(heard) else heard
            return Transcript(text, "zh", 1.0, 0.9)

        monkeypatch.setattr(speech, "transcribe", transcribe)

    return set_heard
