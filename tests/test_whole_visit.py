"""Whole visits, over every port of the real server: enrolled and recognised by face, understood, asked, stored, shown."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from bench.dialogue import Citizen
from faces.engines.fake import FakeFace
from tests.flows.speech.recordings import encode, speech
from tests.flows.speech.tiny_whisper import save_tiny_whisper
from tests.live_server import LiveServer
from tests.media import fake_jpeg
from tests.sockets import ask, connect, receive

AT_ONCE = 8
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("visit")
    whisper = save_tiny_whisper(folder / "whisper")  # whatever it hears, it hears 我要办身份证
    settings = {"KIOSK_FACE_ENGINE": "fake", "KIOSK_STT_MODEL_DIR": str(whisper), "KIOSK_TTS_ENGINE": "espeak"}
    with LiveServer(folder / "data", all_ports=True, **settings) as running:
        yield running
        assert "Traceback" not in running.log.read_text(encoding="utf-8")


class Visit:
    """One citizen at one kiosk."""

    def __init__(self, server: LiveServer, number: int) -> None:
        self.server = server
        self.citizen = Citizen(number)
        self.face = number + 1

    def enrol(self) -> list[str]:
        """What face_train says to each picture."""
        with connect(self.server.flow_socket_url) as socket:
            socket.send(json.dumps({"user_id": self.citizen.user_id, "hash": "", "type": "face_train", "consent": True}))
            said = []
            for variation in range(6):
                answer = ask(socket, fake_jpeg(FakeFace(self.face, variation=variation)))
                assert answer["user_id"] == self.citizen.user_id
                said.append(answer["message"])
                if answer["message"] != "continue":
                    break
            return said

    def recognise(self) -> str:
        """The user_id that /face_predict names."""
        with connect(f"{self.server.tool_url}/face_predict") as socket:
            answer = ask(socket, fake_jpeg(FakeFace(self.face, variation=9)))
            assert answer["message"] == "success"
            return str(answer["user_id"])

    def post(self, kind: str, **fields) -> dict:
        """The answer to a flow POST; processing and busy are asked again, as the protocol says."""
        body = {"user_id": self.citizen.user_id, "type": kind, **fields}
        for _attempt in range(PATIENCE_SECONDS):
            answer = requests.post(self.server.flow_url, json=body, timeout=PATIENCE_SECONDS).json()
            if answer["type"] not in {"processing", "busy"}:
                assert answer["type"] == kind, answer
                return answer
        raise AssertionError("always processing")

    def answer_questions(self, token: str) -> None:
        with connect(self.server.flow_socket_url) as socket:
            question = ask(socket, {"user_id": self.citizen.user_id, "type": "qna", "hash": token})
            assert question
            while question:
                socket.send(self.citizen.answer(question))
                question = receive(socket, PATIENCE_SECONDS)


@pytest.mark.parametrize("by", ["text", "audio"])
def test_a_whole_visit(server, by):
    visit = Visit(server, 1 if by == "text" else 2)
    citizen = visit.citizen
    assert visit.enrol() == ["continue", "continue", "success"]
    assert visit.recognise() == citizen.user_id

    said = {"type": "text", "text": "我要办身份证"}
    if by == "audio":
        said = {"type": "audio", "media": base64.b64encode(encode(speech())).decode()}
    shaken = visit.post("handshake", info={}, input=said)
    assert shaken["classify"] == "身份证"
    assert "身份证" in shaken["flow"]
    assert shaken["info"]["phone"] is None

    visit.answer_questions(shaken["hash"])

    stored = visit.post("storage", hash=shaken["hash"])["output"]
    assert (stored["name"], stored["gender"], stored["nationality"]) == ("王小明", citizen.gender, "汉")
    assert (stored["phone"], stored["id_card"]) == (citizen.phone, citizen.id_card)
    assert stored["birth"] == f"{int(citizen.id_card[6:10])}年{int(citizen.id_card[10:12])}月{int(citizen.id_card[12:14])}日"
    shown = visit.post("summary", hash=shaken["hash"])["output"]
    assert shown["classify"] == "身份证"
    assert shown["tables"][0]["id_card"] == citizen.id_card
    assert {column["key"] for column in shown["header"]} >= {"name", "phone", "id_card"}

    again = visit.post("handshake", info={}, input={"type": "text", "text": "我想办居住证"})
    assert again["hash"] != shaken["hash"]
    assert again["info"]["name"] == "王小明", "what the database knows comes back"


def test_many_visits_at_once_are_not_mixed_up(server):
    def whole(number: int) -> tuple[Visit, str, dict]:
        visit = Visit(server, number)
        visit.enrol()
        token = visit.post("handshake", info={}, input={"type": "text", "text": "我要办身份证"})["hash"]
        visit.answer_questions(token)
        visit.post("storage", hash=token)
        return visit, visit.recognise(), visit.post("summary", hash=token)["output"]["tables"][0]

    with ThreadPoolExecutor(AT_ONCE) as kiosks:
        for visit, recognised, row in kiosks.map(whole, range(10, 10 + 2 * AT_ONCE)):
            assert recognised == visit.citizen.user_id
            assert (row["phone"], row["id_card"]) == (visit.citizen.phone, visit.citizen.id_card)
