"""The clients in docs/examples, run as their first lines say, against the real server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from faces.engines.fake import FakeFace
from tests.analytics.events.recorder import Recorder
from tests.faces.conftest import as_base64
from tests.flows.speech.tiny_whisper import save_tiny_whisper
from tests.live_server import ROOT, LiveServer
from tests.media import as_jpeg, blank, fake_jpeg

FOLDER = ROOT / "docs" / "examples"
SKIPS = "跳过\n" * 60


def node() -> list[str]:
    """The command that runs JavaScript with a built-in WebSocket."""
    command = shutil.which("node")
    if command is None:
        pytest.skip("needs node, which is not installed here")
    for options in ([], ["--experimental-websocket"]):
        asked = [command, *options, "-e", "process.exit(typeof WebSocket === 'function' ? 0 : 1)"]
        if subprocess.run(asked, check=False, capture_output=True).returncode == 0:
            return [command, *options]
    pytest.skip("needs a node with a built-in WebSocket: 20.10 or later")


@pytest.fixture(params=["py", "mjs"])
def run(request):
    """Runs an example in one of the languages; what it prints."""
    interpreter = [sys.executable] if request.param == "py" else node()

    def example(name: str, *arguments: str | Path, answers: str = "") -> str:
        command = [*interpreter, FOLDER / f"{name}.{request.param}", *arguments]
        done = subprocess.run(command, input=answers, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return example


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    settings = {
        "KIOSK_FACE_ENGINE": "fake",
        "KIOSK_ENGINE_WORKERS": "1",
        "KIOSK_TTS_ENGINE": "espeak",
        "KIOSK_STT_MODEL_DIR": str(save_tiny_whisper(folder / "whisper")),
    }
    with LiveServer(folder / "data", all_ports=True, **settings) as running:
        running.post("/face", {"type": "face", "action": "add", "name": "张三", "image": as_base64(fake_jpeg(FakeFace(1)))})
        yield running


def test_every_example_is_run():
    assert {path.stem for path in FOLDER.iterdir()} == {"events", "recognise", "speech", "visit"}
    assert {path.suffix for path in FOLDER.iterdir()} == {".py", ".mjs"}


def test_recognise(server, run, tmp_path):
    (tmp_path / "nobody.jpg").write_bytes(as_jpeg(blank()))
    (tmp_path / "known.jpg").write_bytes(fake_jpeg(FakeFace(1, 1)))
    printed = run("recognise", server.tool_url, tmp_path / "nobody.jpg", tmp_path / "known.jpg", tmp_path / "nobody.jpg")
    first, second = printed.splitlines()
    assert first.startswith("continue")
    assert second.startswith("success person_")


def test_speech(server, run, tmp_path):
    assert run("speech", server.tool_url, "我要办身份证", tmp_path / "spoken.mp3").strip() == "我要办身份证"
    assert (tmp_path / "spoken.mp3").read_bytes()[:3] == b"ID3"


def test_visit(server, run, request):
    user = request.node.name
    printed = run("visit", server.flow_url, server.flow_socket_url, user, "我要办身份证", answers=f"我叫李小明\n{SKIPS}")
    assert printed.startswith("身份证\n")
    assert printed.count("李小明") >= 2


def test_events(server):
    recorder = Recorder(server.environment)
    first, second = (recorder.record(stranger=name)["event_id"] for name in ("one", "two"))
    for command in ([sys.executable, FOLDER / "events.py"], [*node(), FOLDER / "events.mjs"]):
        with subprocess.Popen([*command, server.event_url, first], stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout is not None
            lines = [client.stdout.readline() for _ in range(2)]
            client.kill()
        assert lines[0] == "following\n"
        assert lines[1].split()[1:] == ["stranger", "two", second]
    recorder.stop()
