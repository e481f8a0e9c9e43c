"""The real server: its ports, what it answers while it stops, and what it survives."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from faces.engines.fake import Behaviour, FakeFace
from tests.faces.conftest import as_base64
from tests.live_server import LiveServer
from tests.media import fake_jpeg


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve") / "data"
    with LiveServer(folder, KIOSK_FACE_ENGINE="fake", KIOSK_ENGINE_WORKERS="2", KIOSK_UPLOAD_MB="3") as running:
        yield running


def children(process_id: int) -> list[int]:
    """Process ids of the engine workers of a server."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "status").read_text(encoding="utf-8")
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"\nPPid:\t{process_id}\n" in status and b"spawn_main" in command:
                found.append(int(entry.name))
    return found


def body(face: FakeFace) -> dict[str, str]:
    return {"photo": as_base64(fake_jpeg(face))}


def test_bootstrap_prints_the_admin_password_once(server):
    assert "password" not in server.manage("bootstrap")


def test_health(server):
    with urllib.request.urlopen(f"{server.url}/healthz") as response:
        assert json.load(response)["status"] == "ok"
    with urllib.request.urlopen(f"{server.url}/readyz") as response:
        assert json.load(response) == {
            "status": "ok",
            "checks": {"database": "ok", "faces": "ok", "speech": "ok", "sightings": "ok"},
        }


FOREIGN = "主机名不在允许之列（KIOSK_ALLOWED_HOSTS）"


def by_another_name(server, path: str) -> tuple[int, str]:
    """Status and body of a POST to this server under a host name that is not its own."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", path, b"{}", {"Content-Type": "application/json", "Host": "other.example"})
    with connection.getresponse() as response:
        return response.status, response.read().decode()


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/recognize", 200, {"statusCode": 400, "message": FOREIGN, "data": None}),
        ("/recognize/batch", 200, {"statusCode": 400, "message": FOREIGN, "data": None}),
        ("/face", 400, {"type": "face", "status": "error", "message": FOREIGN}),
        ("/handshake", 200, {"user_id": "", "type": "error", "hash": "", "detail": FOREIGN}),
        ("/video", 400, {"error": FOREIGN, "code": "host"}),
        ("/licence-plate", 400, {"error": FOREIGN, "code": "host"}),
        ("/getmediadevices", 400, {"type": "getmediadevices", "message": "error", "detail": FOREIGN}),
    ],
)
def test_another_host_name_is_refused_in_the_words_of_the_protocol(server, path, status, body):
    told, text = by_another_name(server, path)
    assert (told, json.loads(text)) == (status, body)
    log = server.log.read_text(encoding="utf-8")
    assert "'other.example'" in log
    assert "Traceback" not in log


def test_pages_know_no_other_host_name(server):
    status, text = by_another_name(server, "/admin/")
    assert (status, "<html" in text) == (400, True)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_load_balancer_need_not_know_the_host_name(server, path):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path, headers={"Host": "10.0.0.7:8000"})
    with connection.getresponse() as response:
        assert (response.status, json.load(response)["status"]) == (200, "ok")


def test_the_first_page_names_each_language_in_itself_and_its_icon_is_there(server):
    asked = urllib.request.Request(f"{server.url}/", headers={"Accept-Language": "zh-hans"})
    with urllib.request.urlopen(asked) as response:
        page = response.read().decode()
    assert ">English</button>" in page
    icon = re.search(r'rel="icon" href="([^"]+)"', page)
    assert icon is not None
    with urllib.request.urlopen(server.url + icon[1]) as response:
        assert response.headers["Content-Type"] == "image/svg+xml"


def test_enrol_and_recognise(server):
    added = server.post("/face", {"type": "face", "action": "add", "name": "张三", "image": as_base64(fake_jpeg(FakeFace(1)))})
    assert added["status"] == "success"
    assert server.post("/recognize", body(FakeFace(1, variation=1)))["data"]["match"][0]["name"] == "张三"


def test_another_process_enrols_and_this_one_finds(server, tmp_path):
    (tmp_path / "T042_李四.jpg").write_bytes(fake_jpeg(FakeFace(42)))
    assert "1 enrolled" in server.manage("enrol", str(tmp_path), "--consent", "staff", "--report", str(tmp_path / "report.csv"))
    deadline = time.monotonic() + 1
    answer = server.post("/recognize", body(FakeFace(42)))
    assert time.monotonic() < deadline
    assert answer["data"]["match"][0]["number"] == "T042"


def test_sigkill_of_a_worker_costs_one_request(server):
    answers: list[dict] = []
    slow = body(FakeFace(1, behaviour=Behaviour.DETECTION_SLEEPS, magnitude=6))  # 6.4 s
    request = threading.Thread(target=lambda: answers.append(server.post("/recognize", slow)))
    request.start()
    time.sleep(1)
    for worker in children(server.process.pid):
        os.kill(worker, signal.SIGKILL)
    request.join(timeout=20)

    assert answers == [{"statusCode": 501, "message": "人脸检测服务内部错误: 识别进程意外中断，请重试", "data": None}]
    assert server.post("/recognize", body(FakeFace(1)))["statusCode"] in {200, 251, 252}


def test_body_over_the_hard_limit_is_cut_off(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest("POST", "/recognize")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(50 * 1024 * 1024))
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_chunked_body_over_the_hard_limit_is_cut_off(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(b"POST /recognize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        answer = b""
        try:
            for _ in range(5):
                raw.sendall(chunk)
            answer = raw.recv(1000)
        except ConnectionError:
            answer = answer or raw.recv(1000)
    assert answer.startswith(b"HTTP/1.1 413")


def test_chunked_body_is_read(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/face", iter([b'{"type": "face", ', b'"action": "dance"}']), {"Content-Type": "application/json"})
    assert json.load(connection.getresponse())["message"] == "未知操作类型：dance"


def test_half_a_request_and_goodbye(server):
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(b'POST /recognize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"photo"')
    assert server.post("/face", {"type": "face", "action": "list"})["status"] == "success"


def test_websocket_without_a_route_is_refused(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(
            b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 404")


@pytest.fixture
def own_server(tmp_path):
    """A server that a test may stop."""
    with LiveServer(tmp_path / "data", KIOSK_FACE_ENGINE="fake", KIOSK_ENGINE_WORKERS="1") as running:
        yield running


def test_sigterm_answers_what_is_under_way_and_loses_nothing(own_server):
    answers: list[dict] = []
    photo = as_base64(fake_jpeg(FakeFace(7, behaviour=Behaviour.EMBEDDING_SLEEPS, magnitude=4)))  # 1.6 s
    enrolment = {"type": "face", "action": "add", "name": "王五", "image": photo}
    request = threading.Thread(target=lambda: answers.append(own_server.post("/face", enrolment)))
    request.start()
    time.sleep(0.7)
    workers = children(own_server.process.pid)

    assert own_server.stop(signal.SIGTERM) == 0

    request.join(timeout=10)
    assert answers[0]["status"] == "success"
    assert workers
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    own_server.start()
    assert own_server.post("/face", {"type": "face", "action": "list"})["data"]["people"][0]["name"] == "王五"


def test_sigkill_of_the_server_ends_its_workers(own_server):
    own_server.post("/recognize", body(FakeFace(1)))
    workers = children(own_server.process.pid)
    own_server.process.kill()
    own_server.process.wait()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert workers
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_port_in_use_is_named_with_its_setting(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = LiveServer(tmp_path / "data", KIOSK_FACE_ENGINE="fake", KIOSK_PORT=str(port))
        server.manage("bootstrap")
        server.start(wait=False)
        assert server.process.wait(timeout=30) == 1
    log = server.log.read_text(encoding="utf-8")
    assert f"127.0.0.1:{port}" in log
    assert "KIOSK_PORT" in log
    assert "Traceback" not in log


PRODUCTION = {"KIOSK_MODE": "production", "KIOSK_SECRET_KEY": "s" * 40, "KIOSK_ENCRYPTION_KEYS": "k" * 40}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"KIOSK_PORT": "ninety"}, "KIOSK_PORT"),
        ({"KIOSK_FACE_ENGINE": "magic"}, "KIOSK_FACE_ENGINE"),
        ({"KIOSK_FACE_THRESHOLD": "1.5"}, "KIOSK_FACE_THRESHOLD"),
        ({"KIOSK_TOOL_NETWORKS": "10.0.0.0/8,hall"}, "KIOSK_TOOL_NETWORKS"),
        ({"KIOSK_MODE": "production"}, "KIOSK_SECRET_KEY"),
        ({"KIOSK_MODE": "production", "KIOSK_SECRET_KEY": "s" * 40}, "KIOSK_ENCRYPTION_KEYS"),
        ({**PRODUCTION, "KIOSK_ENCRYPTION_KEYS": "short"}, "KIOSK_ENCRYPTION_KEYS"),
        ({**PRODUCTION, "KIOSK_ENCRYPTION_KEYS": f"{'k' * 40},short"}, "KIOSK_ENCRYPTION_KEYS"),
        (PRODUCTION, "KIOSK_ALLOWED_HOSTS"),
        ({**PRODUCTION, "KIOSK_ALLOWED_HOSTS": "*"}, "KIOSK_ALLOWED_HOSTS"),
        (
            {
                **PRODUCTION,
                "KIOSK_ALLOWED_HOSTS": "hall.example",
                "KIOSK_FACE_ENGINE": "dlib",
            },
            "token create",
        ),
        ({"KIOSK_FACE_ENGINE": "insightface", "KIOSK_INSIGHTFACE_PACK": "nosuch"}, "models pull nosuch"),
        ({"KIOSK_MEDIA_STORAGE": "s3"}, "KIOSK_S3_BUCKET"),
        ({"KIOSK_LLM_URL": "http://127.0.0.1:8080/v1"}, "KIOSK_LLM_MODEL"),
        ({"KIOSK_LLM_URL": "127.0.0.1:8080/v1", "KIOSK_LLM_MODEL": "m"}, "KIOSK_LLM_URL"),
        ({"KIOSK_LLM_URL": "file:///etc/hosts", "KIOSK_LLM_MODEL": "m"}, "KIOSK_LLM_URL"),
        ({"KIOSK_FACE_INDEX": "elasticsearch"}, "ELASTICSEARCH_URL"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)
def test_refuses_to_start(tmp_path, settings, named):
    server = LiveServer(tmp_path / "data", **settings)
    if "token" in named or "models" in named:
        server.manage("bootstrap")
    server.start(wait=False)
    assert server.process.wait(timeout=60) != 0
    log = server.log.read_text(encoding="utf-8")
    assert named in log
    assert "Traceback" not in log
