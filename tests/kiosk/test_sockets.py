"""The websockets of the real server, whatever they are for: ports, who may connect, limits, floods, slow clients, the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from faces.engines.fake import Behaviour, FakeFace
from kiosk.api.message_rate import MessageRate
from kiosk.api.sockets import is_near
from kiosk.listeners import PEER
from tests.live_server import ROOT, LiveServer
from tests.media import fake_jpeg
from tests.sockets import BINARY, CLOSE, CLOSED, CONTINUATION, PING, TEXT, RawSocket, ask, connect, frame, receive, refusal

KIBIBYTE, MEBIBYTE = 1024, 1024 * 1024
FAST = {"KIOSK_FACE_ENGINE": "fake", "KIOSK_ENGINE_WORKERS": "1", "KIOSK_TTS_ENGINE": "espeak"}
PHOTO = fake_jpeg(FakeFace(1))
SLOW_PHOTO = fake_jpeg(FakeFace(1, behaviour=Behaviour.DETECTION_SLEEPS, magnitude=3))  # 0.8 s


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with LiveServer(tmp_path_factory.mktemp("sockets") / "data", all_ports=True, **FAST) as running:
        yield running
        assert "Traceback" not in running.log.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bounded(tmp_path_factory):
    """A server with small limits."""
    limits = {
        "KIOSK_SOCKETS": "3",
        "KIOSK_SOCKET_IDLE_SECONDS": "1",
        "KIOSK_SOCKET_RATE": "20/min",
        "KIOSK_TEXT_KB": "1",
        "KIOSK_FRAME_MB": "1",
    }
    with LiveServer(tmp_path_factory.mktemp("bounded") / "data", all_ports=True, **FAST, **limits) as running:
        yield running
        assert "Traceback" not in running.log.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server that knows tokens, and whose tool sockets are open to a network that nobody here is in."""
    data = tmp_path_factory.mktemp("guarded") / "data"
    trusted = "https://hall.example,https://*.hall.example"
    networks = "192.0.2.0/24"
    with LiveServer(data, all_ports=True, **FAST, KIOSK_TOOL_NETWORKS=networks, KIOSK_CSRF_TRUSTED_ORIGINS=trusted) as running:
        yield running
        assert "Traceback" not in running.log.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tokens(guarded):
    """Tokens by what they allow."""

    def make(scope: str) -> str:
        return guarded.manage("token", "create", scope, "--scope", scope).split()[-1]

    return {scope: make(scope) for scope in ("tools:use", "flows:converse")} | {"bad": "nobody.nothing"}


def http_status(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url.replace("ws://", "http://"), timeout=10) as response:
            return response.status, response.headers.get("Upgrade", "")
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Upgrade", "")


def still_well(server: LiveServer) -> bool:
    """Whether the next client is served."""
    with connect(f"{server.tool_url}/face_predict") as client:
        return ask(client, PHOTO)["message"] in {"continue", "success"}


class TestPorts:
    @pytest.mark.parametrize(
        ("port", "path", "status"),
        [
            ("tool_port", "/face_predict", 101),
            ("tool_port", "/stt", 101),
            ("tool_port", "/tts", 101),
            ("tool_port", "/flow", 404),
            ("tool_port", "/", 404),
            ("tool_port", "/face_predict/", 404),
            ("flow_socket_port", "/", 101),
            ("flow_socket_port", "/flow", 101),
            ("flow_socket_port", "/stt", 404),
            ("flow_http_port", "/", 404),
            ("flow_http_port", "/flow", 404),
            ("port", "/face_predict", 101),
            ("port", "/stt", 101),
            ("port", "/tts", 101),
            ("port", "/flow", 101),
            ("port", "/", 404),
            ("port", "/%E4%B8%AD?%00", 404),
        ],
    )
    def test_websockets(self, server, port, path, status):
        assert refusal(f"ws://127.0.0.1:{getattr(server, port)}{path}") == status

    @pytest.mark.parametrize(
        ("port", "path", "answer"),
        [
            ("tool_port", "/stt", (426, "websocket")),
            ("tool_port", "/", (404, "")),
            ("tool_port", "/admin/", (404, "")),
            ("tool_port", "/healthz", (200, "")),
            ("flow_socket_port", "/", (426, "websocket")),
            ("flow_socket_port", "/handshake", (404, "")),
            ("flow_socket_port", "/healthz", (200, "")),
            ("flow_http_port", "/healthz", (200, "")),
            ("flow_http_port", "/readyz", (200, "")),
            ("flow_http_port", "/admin/", (404, "")),
            ("flow_http_port", "/recognize", (404, "")),
            ("port", "/stt", (404, "")),
        ],
    )
    def test_http(self, server, port, path, answer):
        assert http_status(f"http://127.0.0.1:{getattr(server, port)}{path}") == answer

    @pytest.mark.parametrize("path", ["/", "/handshake"])
    def test_flow_posts(self, server, path):
        body = json.dumps({"user_id": "u1", "type": "handshake", "input": {"type": "text", "text": "我要办身份证"}}).encode()
        request = urllib.request.Request(server.flow_url + path, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as response:
            assert json.load(response)["type"] == "handshake"

    def test_a_port_that_is_taken_keeps_no_other_from_opening(self, tmp_path):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            server = LiveServer(tmp_path / "data", all_ports=True, **FAST, KIOSK_FLOW_SOCKET_PORT=str(port))
            with server:
                assert still_well(server)
                lines = [line for line in server.log.read_text(encoding="utf-8").splitlines() if str(port) in line]
        assert len(lines) == 1
        assert "KIOSK_FLOW_SOCKET_PORT" in lines[0]


class TestWhoMayConnect:
    @pytest.mark.parametrize(
        ("origin", "status"),
        [
            (None, 101),
            ("http://127.0.0.1:{port}", 101),
            ("http://127.0.0.1", 101),
            ("https://127.0.0.1:8443", 101),
            ("http://evil.example", 403),
            ("http://127.0.0.1.evil.example", 403),
            ("http://localhost:{port}", 403),
            ("file://", 400),
            ("null", 400),
            ("http://[", 400),
            ("http://127.0.0.1:port", 400),
            ("chrome-extension://127.0.0.1", 403),
        ],
    )
    def test_pages(self, server, origin, status):
        header = {} if origin is None else {"origin": origin.replace("{port}", str(server.port))}
        assert refusal(f"{server.tool_url}/stt", **header) == status

    def test_a_name_that_was_made_to_lead_here(self, server):
        headers = f"Origin: http://evil.example:{server.tool_port}\r\n"
        port = server.tool_port
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(
                f"GET /stt HTTP/1.1\r\nHost: evil.example:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{headers}"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            assert raw.recv(100).startswith(b"HTTP/1.1 403")

    @pytest.mark.parametrize(
        ("origin", "status"),
        [
            ("https://hall.example", 101),
            ("https://desk.hall.example", 101),
            ("http://hall.example", 403),
            ("https://hall.example.net", 403),
            ("https://desk.hall.example:8443", 403),
        ],
    )
    def test_trusted_pages(self, guarded, tokens, origin, status):
        authorization = {"Authorization": f"Bearer {tokens['tools:use']}"}
        assert refusal(f"{guarded.tool_url}/stt", origin=origin, additional_headers=authorization) == status

    @pytest.mark.parametrize(
        ("path", "key", "status"),
        [
            ("/stt", None, 401),
            ("/stt", "bad", 401),
            ("/stt", "flows:converse", 403),
            ("/stt", "tools:use", 101),
            ("/flow", None, 401),
            ("/flow", "bad", 401),
            ("/flow", "tools:use", 403),
            ("/flow", "flows:converse", 101),
        ],
    )
    @pytest.mark.parametrize("how", ["header", "subprotocol"])
    def test_tokens(self, guarded, tokens, path, key, status, how):
        options = {}
        if key and how == "header":
            options["additional_headers"] = {"Authorization": f"Bearer {tokens[key]}"}
        elif key:
            options["subprotocols"] = ["kiosk", f"bearer.{tokens[key]}"]
        assert refusal(guarded.web_socket_url + path, **options) == status

    def test_a_token_alone_is_echoed_and_beside_kiosk_it_is_not(self, guarded, tokens):
        bearer = f"bearer.{tokens['tools:use']}"
        with connect(f"{guarded.tool_url}/tts", subprotocols=["kiosk", bearer]) as client:
            assert client.subprotocol == "kiosk"
        with connect(f"{guarded.tool_url}/tts", subprotocols=[bearer]) as client:
            assert client.subprotocol == bearer

    @pytest.mark.parametrize(
        "header",
        ["Authorization: Basic x", "Authorization: Bearer", "Authorization: Bearer \xff", "Sec-WebSocket-Protocol: \xff"],
    )
    def test_strange_headers(self, guarded, header):
        with RawSocket(f"{guarded.tool_url}/stt", f"{header}\r\n") as raw:
            assert raw.status in {400, 401}

    @pytest.mark.parametrize(
        ("address", "peer", "headers", "behind_proxy", "near"),
        [
            ("127.0.0.1", "127.0.0.1", [], False, True),
            ("::1", "::1", [], False, True),
            ("::ffff:127.0.0.1", "::ffff:127.0.0.1", [], False, True),
            ("192.168.1.7", "192.168.1.7", [], False, False),
            ("", "", [], False, False),
            ("127.0.0.1", "127.0.0.1", [(b"x-forwarded-for", b"127.0.0.1")], False, False),
            ("192.168.1.7", "127.0.0.1", [(b"x-forwarded-for", b"192.168.1.7")], True, False),
            ("127.0.0.1", "192.168.1.7", [(b"x-forwarded-for", b"127.0.0.1")], True, False),
            ("127.0.0.1", "127.0.0.1", [(b"x-forwarded-for", b"127.0.0.1")], True, True),
        ],
        ids=[
            "here",
            "here by IPv6",
            "here by mapped IPv4",
            "elsewhere",
            "unknown",
            "a proxy that nobody told of",
            "elsewhere behind a proxy",
            "round the proxy with a forged header",
            "here behind a proxy",
        ],
    )
    def test_networks(self, settings, address, peer, headers, behind_proxy, near):
        settings.KIOSK = settings.KIOSK.model_copy(update={"behind_proxy": behind_proxy})
        assert is_near({"client": [address, 1], PEER: peer, "headers": headers}, settings.KIOSK.tool_networks) is near


class TestLimits:
    def test_one_socket_too_many(self, bounded):
        url = f"{bounded.tool_url}/tts"
        with connect(url), connect(url), connect(f"{bounded.web_socket_url}/flow"):
            assert refusal(url) == 503
        deadline = time.monotonic() + 5
        while refusal(url) != 101 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert refusal(url) == 101

    def test_who_goes_while_being_answered_leaves_room_at_once(self, bounded):
        url = f"{bounded.tool_url}/face_predict"
        with connect(url), connect(url), connect(url) as gone:
            gone.send(fake_jpeg(FakeFace(1, behaviour=Behaviour.DETECTION_SLEEPS, magnitude=5)))  # 3.2 s
            gone.socket.close()
            deadline = time.monotonic() + 0.8  # less than until the others are closed for their silence
            while refusal(url) != 101 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert time.monotonic() < deadline

    def test_silence(self, bounded):
        with connect(f"{bounded.tool_url}/tts") as client:
            started = time.monotonic()
            assert receive(client) == {CLOSED: 1001}
            assert 0.8 < time.monotonic() - started < 3

    def test_answering_is_no_silence(self, bounded):
        slow = fake_jpeg(FakeFace(1, behaviour=Behaviour.DETECTION_SLEEPS, magnitude=4))  # 1.6 s
        with connect(f"{bounded.tool_url}/face_predict") as client:
            assert ask(client, slow)["message"] == "continue"

    @pytest.mark.parametrize(
        ("message", "reason"),
        [("文" * 400, "文本消息过大，最多 1 KB"), (b"x" * (MEBIBYTE + 1), "消息过大，最多 1 MB")],
        ids=["text", "binary"],
    )
    def test_large_messages(self, bounded, message, reason):
        with connect(f"{bounded.tool_url}/tts") as client:
            client.send(message)
            with pytest.raises(Exception, match=f"1009.*{reason}"):
                client.recv(5)

    def test_messages_up_to_the_limit(self, bounded):
        with connect(f"{bounded.tool_url}/face_predict") as client:
            assert ask(client, b"x" * MEBIBYTE)["message"] == "continue"
            assert ask(client, "x" * KIBIBYTE)["message"] == "error"

    def test_messages_a_minute(self, bounded):
        with connect(f"{bounded.tool_url}/face_predict") as client:
            answers = [ask(client, "x") for _ in range(25)]
            refused = [number for number, answer in enumerate(answers) if answer["detail"] == "请求过于频繁，请稍后重试"]
            assert refused
            assert answers[refused[0]]["message"] == "error"
        with connect(f"{bounded.tool_url}/tts") as client:
            assert ask(client, "x")["detail"] == "请求过于频繁，请稍后重试"

    @pytest.mark.parametrize(
        ("rate", "times", "allowed"),
        [
            ("3/s", [0, 0, 0, 0], [True, True, True, False]),
            ("3/sec", [0, 0, 0, 0.34], [True] * 4),
            ("1/min", [0, 59, 60.1], [True, False, True]),
            ("2/h", [0, 1, 2, 1802], [True, True, False, True]),
            ("1/day", [0, 86_399, 86_401], [True, False, True]),
            ("off", [0] * 50, [True] * 50),
        ],
    )
    def test_rates(self, rate, times, allowed):
        counted = MessageRate(rate)
        assert [counted.allows("a", now) for now in times] == allowed
        assert counted.allows("b", times[-1])

    def test_rates_forget_clients(self):
        rate = MessageRate("1/s")
        for number in range(10_002):
            rate.allows(str(number), 0)
        rate.allows("last", 100)
        assert len(rate._buckets) == 1


def resident_mib(server: LiveServer) -> float:
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE


class TestBadFrames:
    """What Autobahn and kiosk.websocket answer before any consumer sees it."""

    @pytest.mark.parametrize(
        ("frames", "code"),
        [
            ([frame(TEXT, b"\xff\xfe")], 1007),
            ([frame(TEXT, "中".encode()[:2])], 1007),
            ([frame(TEXT, b"{}", masked=False)], 1002),
            ([frame(CONTINUATION, b"x")], 1002),
            ([frame(TEXT, b"x", final=False), frame(TEXT, b"y")], 1002),
            ([frame(3, b"x")], 1002),
            ([frame(11, b"x")], 1002),
            ([frame(PING, b"x" * 126)], 1002),
            ([b"\xf1\x81\0\0\0\0x"], 1002),
            ([frame(BINARY, announced=1 << 40)], 1009),
            ([frame(TEXT, b"x" * 5_000_000)], 1009),
            ([frame(TEXT, b"x" * 40_000, final=False), frame(CONTINUATION, b"x" * 40_000)], 1009),
            ([frame(BINARY, b"x", final=False), *[frame(CONTINUATION, b"x", final=False)] * 2000], 1008),
            ([frame(PING, b"p")] * 700, 1008),
            ([frame(CLOSE, b"\x03\xe8")], 1000),
        ],
        ids=[
            "invalid UTF-8",
            "half a character",
            "not masked",
            "continues nothing",
            "a message in a message",
            "an opcode nobody knows",
            "a control opcode nobody knows",
            "a long ping",
            "reserved bits",
            "a terabyte announced",
            "5 MB of text",
            "5 MB of text in parts",
            "a thousand parts",
            "a flood of pings",
            "a good bye",
        ],
    )
    def test_frames(self, server, frames, code):
        with RawSocket(f"{server.tool_url}/face_predict") as raw:
            raw.send(*frames)
            assert raw.close_code() == code
        assert still_well(server)

    @pytest.mark.parametrize("goodbye", [b"\x00\x01", b"\x03\xe8\xff", b"x"])
    def test_a_good_bye_that_is_wrong_is_one_all_the_same(self, server, goodbye):
        with RawSocket(f"{server.tool_url}/face_predict") as raw:
            raw.send(frame(CLOSE, goodbye))
            assert raw.close_code() in {1002, 1007, None}
        assert still_well(server)

    @pytest.mark.parametrize("sent", [b"", frame(TEXT, b"x" * 100)[:20], frame(BINARY, b"x", final=False), b"\x82"])
    def test_goes_away_in_the_middle(self, server, sent):
        with RawSocket(f"{server.tool_url}/face_predict") as raw:
            raw.send(sent)
        assert still_well(server)

    @pytest.mark.parametrize(
        "head",
        [
            "Sec-WebSocket-Version: 13\r\n",
            "Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 99\r\n",
        ],
        ids=["no key", "a bad key", "a version of the future"],
    )
    def test_handshakes(self, server, head):
        with socket.create_connection(("127.0.0.1", server.tool_port), timeout=10) as raw:
            raw.sendall(f"GET /stt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{head}\r\n".encode())
            assert raw.recv(100).startswith(b"HTTP/1.1 4")
        assert still_well(server)


class TestFloods:
    def test_order_is_kept(self, server):
        with connect(f"{server.tool_url}/face_predict") as client:
            client.send(SLOW_PHOTO)
            client.send("text")
            client.send(PHOTO)
            assert [receive(client)["message"] for _ in range(3)] == ["continue", "error", "continue"]

    def test_who_sends_faster_than_is_answered_has_to_wait(self, server):
        photo = frame(BINARY, fake_jpeg(FakeFace(1, behaviour=Behaviour.DETECTION_SLEEPS, magnitude=5)) + b"\0" * MEBIBYTE)
        before = resident_mib(server)
        with RawSocket(f"{server.tool_url}/face_predict") as raw:
            sent = raw.send_until_stuck(photo, most=300, seconds=1)
        assert sent < 50, "the server took in what it could not answer"
        assert resident_mib(server) - before < 60
        assert still_well(server)

    @pytest.mark.parametrize(
        "flood",
        [frame(TEXT, b"x") * 75_000, frame(BINARY, final=False) + frame(CONTINUATION, b"x", final=False) * 75_000],
        ids=["messages", "parts of one"],
    )
    def test_tiny_frames_hold_nobody_up(self, server, flood):
        with RawSocket(f"{server.tool_url}/face_predict") as raw, connect(f"{server.tool_url}/tts") as other:
            sender = threading.Thread(target=lambda: suppressed(raw.send, flood))
            sender.start()
            waited = []
            for _ in range(100):
                started = time.monotonic()
                assert ask(other, b"x")["message"] == "error"
                waited.append(time.monotonic() - started)
                time.sleep(0.01)
            raw.socket.close()
            sender.join()
        assert max(waited) < 0.5
        assert still_well(server)

    def test_who_does_not_read_is_not_read_either(self, server):
        # The hall's own words, whose sound is kept: many large answers at once.
        words = json.loads((ROOT / "flows/data/catalogue.json").read_text(encoding="utf-8"))["items"][0]["guidance"]
        text = frame(TEXT, words.encode())
        before = resident_mib(server)
        with RawSocket(f"{server.tool_url}/tts", receive_buffer=4096) as raw:
            assert raw.send_until_stuck(text, most=40_000, seconds=3) < 40_000
            assert resident_mib(server) - before < 40
            assert still_well(server)
            # It reads at last, and is served on.
            assert [raw.frame()[0] for _ in range(30)] == [BINARY] * 30

    def test_a_message_sent_before_the_handshake_is_done(self, server):
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        head = f"GET /face_predict HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n".encode()
        with socket.create_connection(("127.0.0.1", server.tool_port), timeout=10) as raw:
            raw.sendall(head)
            raw.sendall(frame(TEXT, b"early") * 100)
            assert raw.recv(4096).startswith(b"HTTP/1.1 101")
        assert still_well(server)


def suppressed(function, *args):
    try:
        function(*args)
    except OSError:
        return


class TestTheEnd:
    def test_sockets_are_told_and_work_under_way_is_answered(self, tmp_path):
        with LiveServer(tmp_path / "data", all_ports=True, **FAST) as server:
            with connect(f"{server.tool_url}/face_predict") as busy, connect(f"{server.tool_url}/tts") as idle:
                for _ in range(5):
                    busy.send(SLOW_PHOTO)
                time.sleep(0.3)
                server.process.send_signal(signal.SIGTERM)
                assert receive(idle) == {CLOSED: 1001}
                answers = [receive(busy), receive(busy), receive(busy)]
                # The one that was being looked at, and the next, which had been taken in; not the three that waited.
                assert [answer.get("message") for answer in answers] == ["continue", "continue", None]
                assert answers[-1] == {CLOSED: 1001}
            assert server.process.wait(timeout=10) == 0
        assert "Traceback" not in server.log.read_text(encoding="utf-8")

    def test_a_client_that_does_not_answer_the_goodbye(self, tmp_path):
        server = LiveServer(tmp_path / "data", all_ports=True, **FAST, KIOSK_DRAIN_SECONDS="1")
        with server, RawSocket(f"{server.tool_url}/tts"):
            started = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - started < 8
