"""Speech in a running server: what is checked before it starts, when it is ready, and that nothing is left of it."""

from __future__ import annotations

import json
import signal
import urllib.request
from pathlib import Path

import pytest

from flows import service
from flows.speech import recognition, speech_status
from kiosk.health import NotReady
from kiosk.runtime.services import WrongConfiguration
from tests.kiosk.test_serve import children
from tests.live_server import LiveServer


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({}, ""),
        ({"tts_voice": "cmn+f3"}, ""),
        ({"tts_voice": "yue"}, ""),
        ({"tts_voice": "klingon"}, "KIOSK_TTS_VOICE"),
        ({"tts_voice": "cmn+nobody"}, "KIOSK_TTS_VOICE"),
        ({"tts_voice": "../cmn"}, "KIOSK_TTS_VOICE"),
        ({"tts_engine": "gtts"}, "KIOSK_EXTERNAL_PERSONAL_DATA"),
        ({"tts_engine": "gtts", "external_personal_data": True}, ""),
    ],
)
def test_settings(configure, values, problem):
    configure(**values)
    if not problem:
        service._verify()
        return
    with pytest.raises(WrongConfiguration, match=problem):
        service._verify()


def test_ready_without_a_recogniser(speaking):
    loader = service._SpeechLoader()
    assert loader.problem
    loader.start()
    loader._thread.join()
    assert loader.problem == ""
    assert speech_status().voice.pool is not None
    loader.stop()
    assert speech_status().voice.pool is None


def test_not_ready_while_loading():
    with pytest.raises(NotReady, match="loading"):
        service._probe()


def test_ready_with_a_damaged_recogniser(listening, speaking, configure, tmp_path):
    """It is told in the log and on the status page; typing works."""
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
        (damaged / name).write_text("{}", encoding="ascii")
    configure(stt_model_dir=damaged)
    loader = service._SpeechLoader()
    loader.start()
    loader._thread.join()
    assert loader.problem == ""
    assert not recognition.recognition_status().available
    loader.stop()


def test_a_server_starts_and_ends_with_its_engines(tmp_path, tiny_whisper):
    own = {"KIOSK_STT_MODEL_DIR": str(tiny_whisper), "KIOSK_TTS_ENGINE": "espeak", "KIOSK_FACE_ENGINE": "fake"}
    with LiveServer(tmp_path / "data", KIOSK_ENGINE_WORKERS="1", **own) as server:
        with urllib.request.urlopen(f"{server.url}/readyz") as response:
            assert json.load(response)["checks"]["speech"] == "ok"
        assert server.process is not None
        workers = children(server.process.pid)
        assert len(workers) >= 3, "faces, recognition and voice; other apps have processes of their own"
        assert server.stop(signal.SIGTERM) == 0
        assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    log = server.log.read_text(encoding="utf-8")
    assert "faster-whisper small" in log
    assert "eSpeak NG" in log
    assert "leaked" not in log
