"""The flow socket, /stt and /tts through the real server: conversations, enrolments, speech, bad input, lost connections."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import threading
import time
from typing import Any

import pytest
import requests

from faces.engines.fake import Behaviour, FakeFace
from tests.flows.speech.recordings import encode, silence, speech, video
from tests.flows.speech.tiny_whisper import save_tiny_whisper
from tests.live_server import LiveServer
from tests.media import as_jpeg, blank, fake_jpeg
from tests.sockets import CLOSED, ask, connect, receive

HASH = "a" * 64
"""Well-formed, and nobody's."""
SHAKE_HANDS = "首条消息应为 JSON 对象，type 为 face_train 或 qna"
NO_VISIT = "尚未握手，或者 hash 与 user_id 不符"
SKIP = "跳过"
IMAGES = 6


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow")
    settings = {
        "KIOSK_FACE_ENGINE": "fake",
        "KIOSK_ENGINE_WORKERS": "1",
        "KIOSK_FACE_TRAIN_IMAGES": str(IMAGES),
        "KIOSK_STT_MODEL_DIR": str(save_tiny_whisper(folder / "whisper")),
        "KIOSK_TTS_ENGINE": "espeak",
    }
    with LiveServer(folder / "data", all_ports=True, **settings) as running:
        yield running
        log = running.log.read_text(encoding="utf-8")
        assert "Traceback" not in log
        assert not re.search("张三|李四|440209", log)


@pytest.fixture
def client(server):
    with connect(server.flow_socket_url) as connected:
        yield connected


_users = iter(range(1, 1000))


@pytest.fixture
def user() -> str:
    """A user_id that no other test uses."""
    return f"citizen-{next(_users)}"


@pytest.fixture
def person(user) -> int:
    """A face that no other test uses."""
    return int(user.partition("-")[2]) % 128


def photo(person: int, variation: int = 0, **options: Any) -> bytes:
    return fake_jpeg(FakeFace(person, variation, **options))


def post(server: LiveServer, kind: str, user: str, **more: Any) -> dict[str, Any]:
    return requests.post(server.flow_url, json={"user_id": user, "type": kind, **more}, timeout=30).json()


def visit(server: LiveServer, user: str) -> str:
    """Shakes hands; the hash."""
    answer = post(server, "handshake", user, input={"type": "text", "text": "我要办身份证"})
    assert answer["classify"] == "身份证", answer
    return answer["hash"]


def qna(user: str, token: str) -> dict[str, str]:
    return {"user_id": user, "type": "qna", "hash": token}


def face_train(user: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user, "type": "face_train", "hash": "", **more}


def rows(server: LiveServer, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{server.data_dir / 'kiosk.sqlite3'}?mode=ro", uri=True) as database:
        return database.execute(query, values).fetchall()


def enrolled(server: LiveServer, user: str) -> list[tuple[str, str, int]]:
    """Name, consent and number of photos of the person with this number."""
    query = (
        "SELECT p.name, p.consent_source, count(s.id) FROM faces_person p LEFT JOIN faces_facesample s ON s.person_id = p.id"
        " WHERE p.number = ? GROUP BY p.id"
    )
    return rows(server, query, user)


def train(client, person: int, *variations: int) -> list[str]:
    return [ask(client, photo(person, variation))["message"] for variation in variations]


def is_served(server: LiveServer, user: str) -> bool:
    """Whether the next client is asked its questions."""
    token = visit(server, f"{user}-next")
    with connect(server.flow_socket_url) as client:
        return isinstance(ask(client, qna(f"{user}-next", token)), str)


class TestTraining:
    def test_to_the_letter(self, server, client, user, person):
        client.send(json.dumps(face_train(user)))
        first, second, third = (ask(client, photo(person, variation)) for variation in range(3))
        assert list(first) == ["user_id", "type", "hash", "message", "detail"]
        assert list(third) == ["user_id", "type", "hash", "message"]
        assert (third["user_id"], third["type"], third["message"]) == (user, "face_train", "success")
        assert first["hash"] == second["hash"] == third["hash"]
        assert first["hash"]
        assert enrolled(server, user) == [(user, "client", 3)]

    def test_recognised_at_once(self, server, client, user, person):
        client.send(json.dumps(face_train(user)))
        train(client, person, 0, 1, 2)
        with connect(f"{server.tool_url}/face_predict") as camera:
            assert ask(camera, photo(person, 3))["user_id"] == user

    @pytest.mark.parametrize(
        ("more", "known"),
        [
            ({"consent": True, "name": "张三"}, ("张三", "kiosk", 3)),
            ({"name": " 张三 "}, ("张三", "client", 3)),
            ({"consent": None, "name": None}, (None, "client", 3)),
        ],
        ids=["both", "name", "null"],
    )
    def test_name_and_consent(self, server, client, user, person, more, known):
        client.send(json.dumps(face_train(user, **more)))
        assert train(client, person, 0, 1, 2)[-1] == "success"
        name, *others = known
        assert enrolled(server, user) == [(name or user, *others)]

    @pytest.mark.parametrize(
        ("more", "detail"),
        [
            ({"consent": False}, "未同意人脸录入，请改用其他方式办理"),
            ({"consent": "yes"}, "consent 应为 true 或 false"),
            ({"name": 5}, "name 应为最多 64 个可显示的字符"),
            ({"name": "x" * 65}, "name 应为最多 64 个可显示的字符"),
            ({"hash": 5}, "hash 应为字符串"),
            ({"user_id": ""}, "缺少 user_id（字符串）"),
            ({"user_id": None}, "缺少 user_id（字符串）"),
            ({"user_id": "x" * 65}, "user_id 应为 1 到 64 个可显示的字符"),
            ({"user_id": " x"}, "user_id 应为 1 到 64 个可显示的字符"),
            ({"user_id": "a\u0000b"}, "user_id 应为 1 到 64 个可显示的字符"),
        ],
        ids=str,
    )
    def test_refused_handshakes(self, server, client, user, person, more, detail):
        answer = ask(client, {**face_train(user), **more})
        assert (answer["type"], answer["detail"]) == ("error", detail)
        assert ask(client, photo(person))["detail"] == SHAKE_HANDS, "nothing has begun"
        assert enrolled(server, user) == []

    def test_the_hash_of_a_visit_is_echoed(self, server, client, user, person):
        token = visit(server, user)
        client.send(json.dumps({**face_train(user), "hash": token}))
        assert ask(client, photo(person))["hash"] == token

    @pytest.mark.parametrize("whose", ["nobody's", "another's", "no hash at all"])
    def test_a_wrong_hash_ends_the_connection(self, server, client, user, whose):
        token = {"nobody's": HASH, "another's": visit(server, f"{user}-other"), "no hash at all": "x"}[whose]
        assert ask(client, {**face_train(user), "hash": token})["detail"] == NO_VISIT
        assert receive(client) == {CLOSED: 1008}

    def test_fails_after_the_last_picture_and_closes(self, server, client, user):
        client.send(json.dumps(face_train(user)))
        answers = [ask(client, as_jpeg(blank()))["message"] for _ in range(IMAGES)]
        assert answers == ["continue"] * (IMAGES - 1) + ["fail"]
        assert receive(client) == {CLOSED: 1000}
        assert enrolled(server, user) == []

    def test_the_face_of_another_is_not_told_whose(self, server, client, user, person):
        with connect(server.flow_socket_url) as other:
            other.send(json.dumps(face_train(f"{user}-first", name="李四")))
            train(other, person, 0, 1, 2)
        client.send(json.dumps(face_train(user)))
        assert train(client, person, 3, 4) == ["continue", "continue"]
        answer = ask(client, photo(person, 5))
        assert (answer["message"], answer["detail"]) == ("fail", "该人脸已录入，请勿重复录入")
        assert f"{user}-first" not in str(answer)
        assert receive(client) == {CLOSED: 1000}
        assert enrolled(server, user) == []

    def test_the_citizen_of_the_same_number_is_linked(self, server, client, user, person):
        token = visit(server, user)
        question = ask(client, qna(user, token))
        while question:
            question = ask(client, "我叫张三" if "叫什么" in question or "姓名" in question else SKIP)
        assert post(server, "storage", user, hash=token)["type"] == "storage"
        client.send(json.dumps({**face_train(user), "hash": token}))
        assert train(client, person, 0, 1, 2)[-1] == "success"
        query = "SELECT p.number, p.name FROM flows_citizen c JOIN faces_person p ON c.person_id = p.id WHERE c.number = ?"
        assert rows(server, query, user) == [(user, "张三")]

    @pytest.mark.parametrize("good", [0, 1, 2], ids=["at once", "after one picture", "after two"])
    def test_who_goes_away_leaves_nothing_behind(self, server, user, person, good):
        with connect(server.flow_socket_url) as gone:
            gone.send(json.dumps(face_train(user)))
            train(gone, person, *range(good))
            gone.send(photo(person, 9, behaviour=Behaviour.DETECTION_SLEEPS, magnitude=1)) if good < 2 else None
            gone.socket.close()
        time.sleep(0.3)
        assert enrolled(server, user) == []
        with connect(server.flow_socket_url) as back:
            back.send(json.dumps(face_train(user)))
            assert train(back, person, 0, 1, 2)[-1] == "success"

    def test_who_goes_away_with_the_last_picture_is_enrolled_or_not_but_never_half(self, server, user, person):
        with connect(server.flow_socket_url) as gone:
            gone.send(json.dumps(face_train(user)))
            train(gone, person, 0, 1)
            gone.send(photo(person, 2))
            gone.socket.close()
        time.sleep(1)
        assert enrolled(server, user) in ([], [(user, "client", 3)])
        with connect(server.flow_socket_url) as back:
            back.send(json.dumps(face_train(user)))
            assert train(back, person, 0, 1, 2)[-1] == "success"


class TestQuestions:
    def test_a_visit(self, server, client, user):
        token = visit(server, user)
        question = ask(client, qna(user, token))
        asked = []
        while question:
            asked.append(question)
            question = ask(client, SKIP)
        assert question == ""
        assert len(asked) >= 5
        assert post(server, "storage", user, hash=token)["type"] == "storage"
        assert post(server, "summary", user, hash=token)["type"] == "summary"

    def test_training_then_questions_on_one_connection(self, server, client, user, person):
        client.send(json.dumps(face_train(user)))
        assert train(client, person, 0, 1, 2)[-1] == "success"
        assert isinstance(ask(client, qna(user, visit(server, user))), str)
        assert ask(client, SKIP)

    def test_the_connection_stays_for_the_next_visit(self, server, client, user):
        for number in range(2):
            other = f"{user}-{number}"
            question = ask(client, qna(other, visit(server, other)))
            while question:
                question = ask(client, SKIP)
            assert question == ""

    def test_after_the_end_an_answer_can_be_corrected(self, server, client, user):
        token = visit(server, user)
        question = ask(client, qna(user, token))
        while question:
            question = ask(client, SKIP)
        assert ask(client, "我刚才说错了，电话是13900139000") == ""
        assert post(server, "storage", user, hash=token)["output"]["phone"] == "13900139000"

    def test_after_the_end_the_answer_is_empty_at_once(self, server, client, user):
        token = visit(server, user)
        question = ask(client, qna(user, token))
        while question:
            question = ask(client, SKIP)
        assert ask(client, qna(user, token)) == ""

    def test_an_answer_by_voice(self, server, client, user):
        question = ask(client, qna(user, visit(server, user)))
        assert question
        assert isinstance(ask(client, encode(speech())), str), "the tiny model always hears: 我要办身份证"

    def test_sound_that_can_not_be_read_leaves_the_question_open(self, server, client, user):
        token = visit(server, user)
        question = ask(client, qna(user, token))
        assert ask(client, b"no sound")["type"] == "error"
        assert ask(client, qna(user, token)) == question
        assert isinstance(ask(client, SKIP), str)

    @pytest.mark.parametrize("dropped", ["after the question", "with an answer on its way"])
    def test_a_lost_connection_goes_on_where_it_stopped(self, server, user, dropped):
        token = visit(server, user)
        with connect(server.flow_socket_url) as lost:
            first = ask(lost, qna(user, token))
            second = ask(lost, SKIP)
            if dropped == "with an answer on its way":
                lost.send(SKIP)
                time.sleep(0.3)
            lost.socket.close()
        with connect(server.flow_socket_url) as back:
            question = ask(back, qna(user, token))
        assert question
        assert not first.endswith(question)
        # What was said before the question, thanks for an answer, is not said again.
        assert second.endswith(question) is (dropped == "after the question")

    def test_two_connections_of_one_visit(self, server, client, user):
        token = visit(server, user)
        with connect(server.flow_socket_url) as other:
            assert ask(client, qna(user, token)) == ask(other, qna(user, token))
            answers = []
            threads = [threading.Thread(target=lambda c=c: answers.append(ask(c, SKIP))) for c in (client, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert all(isinstance(answer, str) or answer["type"] == "error" for answer in answers)

    def test_two_handshakes_at_once(self, server, client, user):
        token = visit(server, user)
        client.send(json.dumps(qna(user, token)))
        client.send(json.dumps(qna(user, token)))
        assert receive(client) == receive(client) != ""
        assert isinstance(ask(client, SKIP), str)

    def test_a_handshake_in_the_middle_takes_the_others_place(self, server, client, user, person):
        token = visit(server, user)
        ask(client, qna(user, token))
        client.send(json.dumps(face_train(user)))
        assert ask(client, photo(person))["type"] == "face_train"
        assert isinstance(ask(client, qna(user, token)), str)
        assert isinstance(ask(client, SKIP), str)
        assert enrolled(server, user) == []


BEGUN = {"nothing": None, "face_train": face_train, "qna": qna}
WRONG = "type 应为 face_train 或 qna"
PICTURES = "请发送图片的二进制数据"


class TestBadInput:
    """Each is answered with an error, and the connection goes on."""

    @pytest.mark.parametrize(
        ("state", "message", "detail"),
        [
            ("nothing", "", SHAKE_HANDS),
            ("nothing", "我要办身份证", SHAKE_HANDS),
            ("nothing", '{"user_id": "a", "type": "qn', SHAKE_HANDS),
            ("nothing", "[]", SHAKE_HANDS),
            ("nothing", '["qna"]', SHAKE_HANDS),
            ("nothing", "null", SHAKE_HANDS),
            ("nothing", "NaN", SHAKE_HANDS),
            ("nothing", '"qna"', SHAKE_HANDS),
            ("nothing", "{}", SHAKE_HANDS),
            ("nothing", '{"user_id": NaN, "type": "qna"}', SHAKE_HANDS),
            ("nothing", '{"type": "qna", "user_id": "\\ud800"}', SHAKE_HANDS),
            ("nothing", "{" * 20_000, SHAKE_HANDS),
            ("nothing", b"", SHAKE_HANDS),
            ("nothing", b"\xff\xd8\xff", SHAKE_HANDS),
            ("nothing", b'{"type": "qna"}', SHAKE_HANDS),
            ("nothing", {"type": "storage", "user_id": "a"}, WRONG),
            ("nothing", {"type": "handshake", "user_id": "a"}, WRONG),
            ("nothing", {"type": "QNA", "user_id": "a"}, WRONG),
            ("nothing", {"type": "", "user_id": "a"}, WRONG),
            ("nothing", {"type": None}, WRONG),
            ("nothing", {"type": ["qna"]}, WRONG),
            ("nothing", {"type": {"qna": 1}}, WRONG),
            ("nothing", {"type": "qna"}, "缺少 user_id（字符串）"),
            ("nothing", {"type": "qna", "user_id": 5}, "缺少 user_id（字符串）"),
            ("nothing", {"type": "qna", "user_id": ""}, "缺少 user_id（字符串）"),
            ("nothing", {"type": "qna", "user_id": "x" * 65}, "user_id 应为 1 到 64 个可显示的字符"),
            ("nothing", {"type": "qna", "user_id": "a", "hash": 7}, "hash 应为字符串"),
            ("nothing", {"type": "qna", "user_id": "a", "hash": {}}, "hash 应为字符串"),
            ("face_train", "text", PICTURES),
            ("face_train", "", PICTURES),
            ("face_train", "{}", PICTURES),
            ("face_train", {"type": "storage"}, WRONG),
            ("qna", {"type": "storage"}, WRONG),
            ("qna", {"type": 5}, WRONG),
            ("qna", "x" * 2001, "文字过长，最多 2000 个字"),
            ("qna", b"", "无法读取音频"),
            ("qna", b"\0" * 1000, "无法读取音频"),
            ("qna", as_jpeg(blank(64, 64)), "无法读取音频"),
        ],
        ids=lambda value: str(value)[:40] if value != b"" else "no byte",
    )
    def test_errors(self, server, client, user, person, state, message, detail):
        token = visit(server, user)
        if state == "face_train":
            client.send(json.dumps(face_train(user)))
        elif state == "qna":
            ask(client, qna(user, token))
        answer = ask(client, message)
        assert set(answer) == {"user_id", "type", "hash", "detail"}
        assert answer["type"] == "error"
        assert detail in answer["detail"]
        assert answer["user_id"] == ("" if state == "nothing" and answer["user_id"] == "" else answer["user_id"])
        if state == "face_train":
            assert ask(client, photo(person))["message"] == "continue", "it goes on"
        else:
            assert isinstance(ask(client, qna(user, token)), str), "the next handshake is taken"

    @pytest.mark.parametrize(
        "body",
        [
            {"hash": ""},
            {},
            {"hash": HASH},
            {"hash": "x" * 10_000},
            {"hash": "\u0000"},
        ],
        ids=["empty", "none", "nobody's", "long", "NUL"],
    )
    def test_a_hash_that_opens_nothing(self, server, client, user, body):
        answer = ask(client, {"user_id": user, "type": "qna", **body})
        assert (answer["user_id"], answer["type"], answer["detail"]) == (user, "error", NO_VISIT)
        assert receive(client) == {CLOSED: 1008}
        assert is_served(server, user)

    def test_the_hash_of_another(self, server, client, user):
        answer = ask(client, qna(user, visit(server, f"{user}-other")))
        assert answer["detail"] == NO_VISIT
        assert receive(client) == {CLOSED: 1008}

    def test_questions_before_the_request_is_clear(self, server, client, user):
        answer = post(server, "handshake", user, input={"type": "text", "text": "今天天气怎么样"})
        if not answer["hash"]:
            pytest.skip("a request that is no service has no visit")
        assert ask(client, qna(user, answer["hash"]))["type"] == "error"
        assert ask(client, "text")["detail"] == SHAKE_HANDS


class TestTranscription:
    @pytest.fixture
    def stt(self, server):
        with connect(f"{server.tool_url}/stt") as connected:
            yield connected

    @pytest.mark.parametrize("kind", ["wav", "mp3"])
    def test_the_text_is_a_json_string(self, stt, kind):
        stt.send(encode(speech(), kind))
        assert stt.recv(30) == '"我要办身份证"'

    @pytest.mark.parametrize("how", ["query", "message"])
    def test_partial_results_for_who_asks(self, server, how):
        recording = encode(speech("我要办身份证。" * 3, seconds=20))
        with connect(f"{server.tool_url}/stt{'?partial=1' if how == 'query' else ''}") as stt:
            if how == "message":
                stt.send('{"type": "stt", "partial": true}')
            stt.send(recording)
            told = [receive(stt, 60)]
            while isinstance(told[-1], dict):
                told.append(receive(stt, 60))
        assert json.loads(told[-1])
        for part in told[:-1]:
            assert (part["type"], part["message"]) == ("stt", "partial")

    @pytest.mark.parametrize(
        ("message", "detail"),
        [
            (b"", "无法读取音频"),
            (b"no sound", "无法读取音频"),
            (b"RIFF\xff\xff\xff\xffWAVEfmt ", "无法读取音频"),
            (as_jpeg(blank(64, 64)), "无法读取音频"),
            (encode(silence()), "没有听到说话"),
            (video(None), "没有声音"),
            ("", "请发送音频的二进制数据"),
            ("text", "请发送音频的二进制数据"),
            ('{"type": "stt"}', "请发送音频的二进制数据"),
            ('{"type": "stt", "partial": 1}', "请发送音频的二进制数据"),
            ('{"type": "tts", "partial": true}', "请发送音频的二进制数据"),
            ('{"half', "请发送音频的二进制数据"),
            ("[true]", "请发送音频的二进制数据"),
        ],
        ids=[
            "no byte",
            "no sound",
            "half a head",
            "a picture",
            "silence",
            "a silent video",
            "no text",
            "a text",
            "nothing asked",
            "no boolean",
            "another type",
            "half JSON",
            "a list",
        ],
    )
    def test_bad_input(self, server, stt, message, detail):
        answer = ask(stt, message)
        assert (answer["type"], answer["message"]) == ("stt", "error")
        assert detail in answer["detail"]
        stt.send(encode(speech()))
        assert stt.recv(30) == '"我要办身份证"'

    def test_goes_away_while_it_is_heard(self, server, stt):
        stt.send(encode(speech(seconds=20)))
        stt.socket.close()
        with connect(f"{server.tool_url}/stt") as other:
            other.send(encode(speech()))
            assert other.recv(60) == '"我要办身份证"'


class TestSpeaking:
    @pytest.fixture
    def tts(self, server):
        with connect(f"{server.tool_url}/tts") as connected:
            yield connected

    @pytest.mark.parametrize("text", ["您好", '"您好"', '"\\u60a8\\u597d"', '"half', "12", "true"])
    def test_sound(self, tts, text):
        import av

        sound = ask(tts, text)
        with av.open(io.BytesIO(sound)) as container:
            assert container.format.name == "mp3"

    def test_a_json_string_is_the_text_in_it(self, tts):
        in_json, bare = ask(tts, '"您好，欢迎光临"'), ask(tts, "您好，欢迎光临")
        assert len(in_json) == len(bare)

    @pytest.mark.parametrize(
        ("message", "detail"),
        [
            ("", "没有可以朗读的文字"),
            ("   ", "没有可以朗读的文字"),
            ('""', "没有可以朗读的文字"),
            ("。。。", "没有可以朗读的文字"),
            ("{}", "请发送文本或 JSON 字符串"),
            ('["您好"]', "请发送文本或 JSON 字符串"),
            ("好" * 2001, "文字过长，请控制在 2000 字以内"),
            (b"", "请发送要朗读的文本"),
            ("您好".encode(), "请发送要朗读的文本"),
        ],
        ids=["empty", "blank", "an empty JSON string", "dots", "an object", "a list", "long", "no byte", "bytes"],
    )
    def test_bad_input(self, tts, message, detail):
        assert ask(tts, message) == {"type": "tts", "message": "error", "detail": detail}
        assert isinstance(ask(tts, "您好"), bytes)


def test_a_whole_visit_with_all_doors(server, user, person):
    with connect(server.flow_socket_url) as flow:
        flow.send(json.dumps(face_train(user, consent=True)))
        assert train(flow, person, 0, 1, 2)[-1] == "success"
        with connect(f"{server.tool_url}/face_predict") as camera:
            assert ask(camera, photo(person, 1))["user_id"] == user
        with connect(f"{server.tool_url}/stt") as stt:
            stt.send(encode(speech()))
            words = json.loads(stt.recv(30))
        token = post(server, "handshake", user, input={"type": "text", "text": words})["hash"]
        question = ask(flow, qna(user, token))
        with connect(f"{server.tool_url}/tts") as tts:
            assert ask(tts, question)
        while question:
            question = ask(flow, SKIP)
    assert post(server, "storage", user, hash=token)["type"] == "storage"
    assert post(server, "summary", user, hash=token)["output"]["classify"] == "身份证"
