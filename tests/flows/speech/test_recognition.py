"""Speech to text through the real loading code: model folders, windows, hints, and what the citizen is told when it fails."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from flows.models import ServiceItem
from flows.speech import SpeechError, SpeechErrorCode, recognition, speech_status, transcribe
from flows.speech import listening as worker
from tests.flows.factories import service_item
from tests.flows.speech.recordings import encode, noise, silence, speech
from tests.flows.speech.tiny_whisper import Script, in_hub_cache, save_tiny_whisper
from tests.media import shared


def refusal(recording: bytes) -> SpeechError:
    with pytest.raises(SpeechError) as caught:
        transcribe(recording)
    return caught.value


def test_transcript(listening):
    transcript = transcribe(encode(speech(), "webm, as browsers record"))

    assert transcript.text == "我要办身份证"
    assert transcript.language == "zh"
    assert transcript.seconds == pytest.approx(speech().size / 16_000, abs=0.1)
    assert transcript.confidence > 0.9
    assert "身份证" not in repr(transcript)


def test_human_speech(listening):
    transcript = transcribe(shared("testdata/audio/jfk.flac").read_bytes())
    assert transcript.seconds == pytest.approx(11.0, abs=0.01)
    assert transcript.text == "我要办身份证"


class TestModels:
    def test_in_a_cache_of_the_hub(self, configure, db, tmp_path):
        snapshot = in_hub_cache(tmp_path, "Systran/faster-whisper-small")
        configure(stt_model_dir=tmp_path)

        assert transcribe(encode(speech())).text == "我要办身份证"
        assert str(snapshot) in speech_status().recognition.reason

    def test_installed_by_the_models_command(self, configure, db, tmp_path):
        save_tiny_whisper(tmp_path / "models" / "speech" / "faster-whisper-base", Script(words=("户口本",)))
        configure(data_dir=tmp_path, stt_model="base")
        assert transcribe(encode(speech())).text == "户口本"

    def test_none(self, configure, db, tmp_path):
        configure(data_dir=tmp_path)
        started = time.perf_counter()
        error = refusal(encode(speech()))

        assert error.code is SpeechErrorCode.UNAVAILABLE
        assert "manage.py models pull faster-whisper-small" in error.message
        assert time.perf_counter() - started < 1
        assert not speech_status().recognition.available
        assert "faster-whisper-small" in speech_status().recognition.reason

    def test_installed_while_the_server_runs(self, configure, db, tmp_path, tiny_whisper):
        configure(data_dir=tmp_path)
        refusal(encode(speech()))
        shutil.copytree(tiny_whisper, tmp_path / "models" / "speech" / "faster-whisper-small")
        assert transcribe(encode(speech())).text == "我要办身份证"

    def test_damaged(self, configure, db, tmp_path, tiny_whisper, caplog):
        broken = shutil.copytree(tiny_whisper, tmp_path / "broken")
        (broken / "model.bin").write_bytes((broken / "model.bin").read_bytes()[:100_000])
        configure(stt_model_dir=broken)

        assert refusal(encode(speech())).code is SpeechErrorCode.UNAVAILABLE
        assert str(broken) in caplog.text
        assert str(broken) in speech_status().recognition.reason
        assert not speech_status().recognition.available

    def test_no_engine_is_imported_by_the_server(self):
        program = (
            "import sys, django; django.setup(); import flows.speech, flows.service; "
            "heavy = {'faster_whisper', 'ctranslate2', 'av', 'onnxruntime', 'gtts', 'opencc', 'cn2an', 'espeakng_loader'}; "
            "print(sorted(heavy & set(sys.modules)))"
        )
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"


class TestSilence:
    @pytest.mark.parametrize(
        "sound", [silence(), noise(), noise(level=0.9), silence(0.01)], ids=["silence", "noise", "loud noise", "short"]
    )
    def test_nobody_speaks(self, listening, sound):
        assert refusal(encode(sound)).code is SpeechErrorCode.SILENT

    def test_nothing_that_is_left_is_silence(self, configure, db, tmp_path):
        configure(stt_model_dir=save_tiny_whisper(tmp_path, Script(words=("谢谢", "观看"))))
        assert refusal(encode(speech())).code is SpeechErrorCode.SILENT

    @pytest.mark.parametrize(
        "script",
        [Script(hears_nothing=True), Script(words=("请不吝", "点赞", " 订阅")), Script(words=("。",))],
        ids=["unsure", "stock phrase", "no word"],
    )
    def test_the_model_invents_something(self, read, script):
        assert read(script, encode(speech())).heard.text == ""

    def test_without_voice_activity_detection(self, read):
        assert read(Script(), encode(noise()), vad=False).heard.text == "我要办身份证"
        with pytest.raises(SpeechError):
            read(Script(), encode(noise()), vad=True)
        with pytest.raises(SpeechError):
            read(Script(), encode(silence()), vad=False)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("我要辦", "身份證"), "我要办身份证"),
        (("乾隆", "乾淨"), "乾隆干净"),
        (("我要", "办证，" * 8), "我要办证，"),
        (("138", "00000000"), "13800000000"),
    ],
    ids=["simplified", "simplified by words", "repetition", "number"],
)
def test_what_is_made_of_its_words(read, words, text):
    assert read(Script(words=words), encode(speech())).heard.text == text


class TestParts:
    def test_text_grows(self, listening, monkeypatch):
        partial: list[str] = []
        transcript = transcribe(encode(paused(3)), on_partial=partial.append)

        assert partial == ["我要办身份证", "我要办身份证" * 2]
        assert transcript.text == "我要办身份证" * 3
        assert transcript.seconds == pytest.approx(paused(3).size / 16_000, abs=0.2)

    def test_a_short_one_has_none(self, listening):
        partial: list[str] = []
        assert transcribe(encode(speech()), on_partial=partial.append).text == "我要办身份证"
        assert partial == []

    def test_more_than_whisper_hears_at_a_time(self, listening):
        assert transcribe(encode(paused(8), "ogg opus")).text == "我要办身份证" * 2

    def test_an_error_of_the_listener_is_its_own(self, listening):
        def broken(_text: str) -> None:
            raise LookupError("on purpose")

        with pytest.raises(LookupError):
            transcribe(encode(paused(3)), on_partial=broken)


def paused(times: int):
    """Someone who says five seconds, waits, goes on: 5.8 seconds each time."""
    import numpy as np

    return np.concatenate([np.concatenate([speech(seconds=5)[: 5 * 16_000], silence(0.8)]) for _ in range(times)])


class TestHints:
    def test_are_the_names_then_the_aliases_of_what_the_hall_offers(self, db):
        service_item("one", name="身份证", aliases=["居民身份证"], order=2)
        service_item("two", name="护照", aliases=["身份证"], order=1)
        service_item("three", name="停办", enabled=False)
        assert recognition._hints() == ("护照", "身份证", "居民身份证")

    def test_follow_the_catalogue(self, db):
        item = service_item("one", name="身份证", aliases=[])
        assert recognition._hints() == ("身份证",)
        item.name = "居住证"
        item.save()
        assert recognition._hints() == ("居住证",)
        service_item("two", name="护照", aliases=[])
        assert set(recognition._hints()) == {"居住证", "护照"}
        ServiceItem.objects.filter(code="one").update(enabled=False)
        assert recognition._hints() == ("护照",)

    def test_reach_the_model_as_far_as_there_is_room(self, read):
        """A model that only says its hints back is found out. All of them together would be too long for Whisper."""
        hints = ("身份证", "户口本", "居住证", "护照", *(f"一个名称很长的事项{number}" for number in range(500)))
        echo = Script(words=("身份证、", "户口本、", "居住证、", "护照"))
        assert read(echo, encode(speech()), hints=hints).heard.text == ""
        assert read(echo, encode(speech())).heard.text == "身份证、户口本、居住证、护照"
        assert 5 < len(worker._prepared()._fitting(hints)) < 50


class TestFailures:
    @pytest.fixture(autouse=True)
    def _long_recordings_are_allowed(self, configure):
        """They keep a process at work for as long as a test needs."""
        configure(stt_seconds=600)

    def test_a_worker_that_dies_costs_one_request(self, listening):
        transcribe(encode(speech()))
        long = encode(speech(seconds=500), "wav of 8-bit phone speech")
        with ThreadPoolExecutor(1) as caller:
            call = caller.submit(refusal, long)
            time.sleep(0.4)
            [process] = [child for child in multiprocessing.active_children() if child.name == "speech recognition"]
            os.kill(process.pid, signal.SIGKILL)
            assert call.result(timeout=30).code is SpeechErrorCode.FAILED
        assert transcribe(encode(speech())).text == "我要办身份证"

    def test_several_at_once_are_not_mixed_up(self, listening):
        """Each gets the length of its own recording."""
        recordings = {seconds: encode(silence_after_speech(seconds)) for seconds in (2.0, 3.0, 4.0, 5.0)}
        with ThreadPoolExecutor(4) as callers:
            found = dict(zip(recordings, callers.map(transcribe, recordings.values()), strict=True))
        for seconds, transcript in found.items():
            assert transcript.seconds == pytest.approx(seconds, abs=0.1)

    def test_too_large(self, listening, configure):
        configure(audio_mb=1)
        error = refusal(bytes(1024 * 1024 + 1))
        assert (error.code, "1 MB" in error.message) == (SpeechErrorCode.TOO_LARGE, True)

    def test_busy(self, listening, configure):
        configure(speech_queue=1)
        transcribe(encode(speech()))
        long = encode(speech(seconds=80), "wav of 8-bit phone speech")
        codes: list[SpeechErrorCode | None] = []
        started = threading.Barrier(4)

        def call() -> None:
            started.wait()
            try:
                transcribe(long)
            except SpeechError as error:
                codes.append(error.code)
            else:
                codes.append(None)

        callers = [threading.Thread(target=call) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert sorted(codes, key=str) == [None, None, SpeechErrorCode.BUSY, SpeechErrorCode.BUSY]

    def test_too_slow(self, listening, monkeypatch):
        monkeypatch.setattr(recognition, "_CALL_SECONDS", 0.3)
        assert refusal(encode(speech(seconds=500), "wav of 8-bit phone speech")).code is SpeechErrorCode.FAILED


def silence_after_speech(seconds: float):
    import numpy as np

    return np.concatenate([speech(), silence(seconds)])[: round(seconds * 16_000)]


def test_language_that_is_heard(listening, configure):
    """Nothing is said beforehand about the language: the model's own guess is asked for, and kept for all windows."""
    configure(stt_language="")
    assert transcribe(encode(paused(3)), on_partial=lambda _text: None).language == "zh"
