"""Speech as the tests run it: the real pools and the real loading code, with a model of one layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from flows.speech import listening as worker
from flows.speech import recognition, voice
from flows.speech.listening import ListeningSpec, Reading
from tests.flows.speech.tiny_whisper import Script, save_tiny_whisper

Configure = Callable[..., None]


@pytest.fixture(scope="session", autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    recognition.close()
    voice.close()


@pytest.fixture
def configure(settings) -> Configure:
    """Changes the product's settings for one test."""

    def change(**values: Any) -> None:
        settings.KIOSK = settings.KIOSK.model_copy(update=values)

    return change


@pytest.fixture(scope="session")
def tiny_whisper(tmp_path_factory) -> Path:
    """The folder of a model that says 我要办身份证."""
    return save_tiny_whisper(tmp_path_factory.mktemp("whisper") / "plain")


@pytest.fixture
def read(tmp_path, monkeypatch) -> Callable[..., Reading]:
    """What a worker process makes of a recording with a model that says a script; without the process, which takes a second."""

    def use(script: Script, recording: bytes, **options: Any) -> Reading:
        hints = options.pop("hints", ())
        folder = save_tiny_whisper(tmp_path / f"scripted{len(list(tmp_path.iterdir()))}", script)
        monkeypatch.setattr(worker, "_listener", None)
        worker.prepare(ListeningSpec(**{"model": folder, "language": "zh", "max_seconds": 60, "threads": 1} | options))
        return worker.read(recording, hints=hints)[1]

    return use


@pytest.fixture
def listening(configure, tiny_whisper, db) -> Path:
    """A recogniser is installed."""
    configure(stt_model_dir=tiny_whisper)
    return tiny_whisper


@pytest.fixture
def speaking(configure, tmp_path, db) -> Path:
    """The voice is eSpeak NG; the cache is empty and lies in the folder that is returned."""
    configure(tts_engine="espeak", data_dir=tmp_path / "data")
    return django_settings.KIOSK.data_dir / "cache" / "speech"
