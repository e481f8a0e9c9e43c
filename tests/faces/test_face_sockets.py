"""/face_predict through the real server: what it answers, what it is not to be sent, who goes away in the middle."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
import time

import pytest

from faces.engines.fake import Behaviour, FakeFace
from tests.faces.conftest import as_base64
from tests.kiosk.test_serve import children
from tests.live_server import LiveServer
from tests.media import Placed, as_jpeg, as_png, blank, fake_jpeg, fake_photo
from tests.sockets import CLOSED, ask, connect, receive

IMAGES = 5
KNOWN, SURE, ALMOST = FakeFace(1), fake_jpeg(FakeFace(1, 1)), fake_jpeg(FakeFace(1, 10))  # 0.5 similar: seen once, not sure
STRANGER = fake_jpeg(FakeFace(50))
NO_FACE = as_jpeg(blank())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = {"KIOSK_FACE_ENGINE": "fake", "KIOSK_ENGINE_WORKERS": "1", "KIOSK_FACE_PREDICT_IMAGES": str(IMAGES)}
    with LiveServer(tmp_path_factory.mktemp("predict") / "data", all_ports=True, **settings) as running:
        running.post("/face", {"type": "face", "action": "add", "name": "张三", "image": as_base64(fake_jpeg(KNOWN))})
        yield running
        log = running.log.read_text(encoding="utf-8")
        assert "Traceback" not in log
        assert "张三" not in log


@pytest.fixture(params=["tool_url", "web_socket_url"])
def url(server, request):
    return f"{getattr(server, request.param)}/face_predict"


@pytest.fixture
def client(server):
    with connect(f"{server.tool_url}/face_predict") as connected:
        yield connected


def is_served(server: LiveServer) -> bool:
    """Whether the next client is recognised."""
    with connect(f"{server.tool_url}/face_predict") as client:
        return ask(client, SURE)["message"] == "success"


def test_success_to_the_letter(url):
    with connect(url) as client:
        answer = ask(client, SURE)
    assert list(answer) == ["user_id", "type", "hash", "message"]
    assert re.fullmatch(r"person_[a-z0-9]{8}", answer["user_id"])
    assert re.fullmatch(r"[0-9a-f]{24}", answer["hash"])
    assert (answer["type"], answer["message"]) == ("face_predict", "success")


@pytest.mark.parametrize(
    ("photo", "box"),
    [
        pytest.param(fake_jpeg(Placed(FakeFace(1, 1), 60, 80, 200)), (60, 80, 200, 200), id="known"),
        pytest.param(fake_jpeg(Placed(FakeFace(50), 300, 100, 160)), (300, 100, 160, 160), id="stranger"),
        pytest.param(fake_jpeg(Placed(FakeFace(1), 300, 100, 60)), (300, 100, 60, 60), id="too small"),
        pytest.param(NO_FACE, None, id="no face"),
    ],
)
def test_the_box_for_who_asks_for_it(url, photo, box):
    with connect(f"{url}?box=1") as client, connect(url) as plain:
        found = ask(client, photo).get("box")
        assert "box" not in ask(plain, photo)
    assert (found is None) == (box is None)
    if box is not None:
        assert (found["x"], found["y"], found["w"], found["h"]) == pytest.approx(box, abs=4)


def test_continue_until_it_is_sure(client):
    first, second = ask(client, ALMOST), ask(client, ALMOST)
    assert (first["message"], first["user_id"], first["detail"]) == ("continue", "", "已匹配，请保持不动以确认")
    assert second["message"] == "success"
    assert first["hash"] == second["hash"]


def test_hash_names_the_connection(server):
    with connect(f"{server.tool_url}/face_predict") as one, connect(f"{server.tool_url}/face_predict") as other:
        assert ask(one, SURE)["hash"] != ask(other, SURE)["hash"]


def test_fails_after_the_last_picture_and_closes(client):
    answers = [ask(client, STRANGER) for _ in range(IMAGES)]
    assert [answer["message"] for answer in answers] == ["continue"] * (IMAGES - 1) + ["fail"]
    assert {answer["user_id"] for answer in answers} == {""}
    assert receive(client) == {CLOSED: 1000}


def test_success_leaves_the_connection_open(client):
    assert [ask(client, SURE)["message"] for _ in range(IMAGES)] == ["success"] * IMAGES


@pytest.mark.parametrize(
    ("message", "answer", "detail"),
    [
        (b"", "continue", "图像数据存在异常"),
        (b"\xff\xd8\xff\xe0 no picture", "continue", "图片格式不支持"),
        (SURE[: len(SURE) // 2], "continue", "图片格式不支持"),
        (b"GIF89a" + b"\0" * 100, "continue", "图片格式不支持"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "continue", "图片格式不支持"),
        (as_base64(SURE).encode(), "continue", "图片格式不支持"),
        (b'{"type": "face_predict"}', "continue", "图片格式不支持"),
        (as_jpeg(blank(1, 1)), "continue", "未检测到人脸，请正对摄像头"),
        (NO_FACE, "continue", "未检测到人脸，请正对摄像头"),
        (fake_jpeg(FakeFace(1), width=60, height=60), "continue", "人脸像素过小"),
        (STRANGER, "continue", "未找到匹配的人物（相似度低于阈值）"),
        (fake_jpeg(FakeFace(1, behaviour=Behaviour.DETECTION_FAILS)), "continue", "人脸检测服务内部错误"),
        (fake_jpeg(FakeFace(1, behaviour=Behaviour.EMBEDDING_FAILS)), "continue", "人脸特征提取失败"),
        (fake_jpeg(FakeFace(1, behaviour=Behaviour.CRASHES)), "continue", "识别进程意外中断，请重试"),
        ("", "error", "请发送图片的二进制数据"),
        ("text", "error", "请发送图片的二进制数据"),
        (as_base64(SURE)[:60_000], "error", "请发送图片的二进制数据"),
        ('{"type": "face_predict"}', "error", "请发送图片的二进制数据"),
        ('{"half', "error", "请发送图片的二进制数据"),
        ("\0", "error", "请发送图片的二进制数据"),
    ],
    ids=[
        "no byte",
        "no picture",
        "half a picture",
        "GIF",
        "SVG",
        "base64",
        "JSON as bytes",
        "one pixel",
        "nobody",
        "small",
        "a stranger",
        "the detector fails",
        "the network fails",
        "the engine crashes",
        "no text",
        "a text",
        "base64 as text",
        "JSON",
        "half JSON",
        "NUL",
    ],
)
def test_bad_input(server, client, message, answer, detail):
    told = ask(client, message)
    assert (told["user_id"], told["type"], told["message"]) == ("", "face_predict", answer)
    assert detail in told["detail"]
    assert ask(client, SURE)["message"] == "success", "the connection goes on"
    assert is_served(server)


def test_large_pictures_are_told_apart_from_large_messages(client):
    assert ask(client, as_png(fake_photo(KNOWN, width=8000, height=6300)))["detail"] == "图像数据存在异常"  # over 50 megapixels


def test_texts_are_no_attempts(client):
    assert {ask(client, "x")["message"] for _ in range(IMAGES + 1)} == {"error"}
    assert ask(client, SURE)["message"] == "success"


def test_a_picture_whose_client_has_gone_costs_nobody_else(server):
    slow = fake_jpeg(FakeFace(1, behaviour=Behaviour.DETECTION_SLEEPS, magnitude=3))
    for _ in range(3):
        with connect(f"{server.tool_url}/face_predict") as gone:
            gone.send(slow)
            gone.socket.close()
    assert is_served(server)


def test_a_worker_that_is_killed(server, client):
    slow = fake_jpeg(FakeFace(1, behaviour=Behaviour.DETECTION_SLEEPS, magnitude=6))  # 6.4 s
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(ask(client, slow)))
    waiting.start()
    time.sleep(0.5)
    for worker in children(server.process.pid):
        os.kill(worker, signal.SIGKILL)
    waiting.join(timeout=20)
    assert answers[0]["message"] == "continue"
    assert "识别进程意外中断" in answers[0]["detail"]
    assert is_served(server)


def test_busy(tmp_path):
    settings = {"KIOSK_FACE_ENGINE": "fake", "KIOSK_ENGINE_WORKERS": "1", "KIOSK_ENGINE_QUEUE": "1"}
    slow = fake_jpeg(FakeFace(1, behaviour=Behaviour.DETECTION_SLEEPS, magnitude=4))  # 1.6 s
    with LiveServer(tmp_path / "data", all_ports=True, **settings) as server, contextlib.ExitStack() as opened:
        clients = [opened.enter_context(connect(f"{server.tool_url}/face_predict")) for _ in range(5)]
        for client in clients:
            client.send(slow)
        details = [receive(client)["detail"] for client in clients]
    assert details.count("服务繁忙，请稍后重试") == 3
