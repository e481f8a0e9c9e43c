"""Text to speech: what is spoken, what is kept on the disk, and what is refused."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from flows.speech import SpeechError, SpeechErrorCode, speak, speech_status, voice
from flows.speech.audio_cache import AudioCache
from flows.speech.hall_words import hall_words
from flows.speech.sound import RATE, decode
from tests.flows.factories import service_item

SENTENCE = "您好，办理身份证需要带户口本。"


def samples(mp3: bytes):
    return decode(mp3, max_seconds=600)


def seconds(text: str, **options) -> float:
    return samples(speak(text, **options)).size / RATE


def channels(mp3: bytes) -> tuple[str, int]:
    import io

    import av

    with av.open(io.BytesIO(mp3)) as container:
        stream = container.streams.audio[0]
        return stream.codec_context.name, stream.codec_context.channels


def refusal(text: str, **options) -> SpeechError:
    with pytest.raises(SpeechError) as caught:
        speak(text, **options)
    return caught.value


def test_mp3_of_one_channel(speaking):
    mp3 = speak(SENTENCE)
    name, count = channels(mp3)
    assert name.startswith("mp3")
    assert count == 1
    assert 2.5 < samples(mp3).size / RATE < 5
    assert np.abs(samples(mp3)).max() > 0.2


def test_every_part_is_heard(speaking):
    """Latin words, digits and characters, each make it longer."""
    length = seconds("请稍候")
    for text in ("请稍候，Please wait", "请稍候，12345", "请稍候，谢谢", "请稍候，A012"):
        assert seconds(text) > length + 0.2


def test_digits_are_not_read_as_a_number(speaking):
    assert seconds("11010119900307721X") > seconds("一千一百万") * 2


@pytest.mark.parametrize("name", ["cmn", "en", "yue", "cmn+f3"])
def test_voices(speaking, name):
    assert seconds("你好 hello", voice=name) > 0.3


def test_the_configured_voice_is_the_default(speaking, configure):
    assert seconds("12", voice="en") < seconds("123456789", voice="en") / 2
    configure(tts_voice="en")
    assert seconds("123456789") == pytest.approx(seconds("123456789", voice="en"), abs=0.1)
    assert seconds("123456789") != pytest.approx(seconds("123456789", voice="cmn"), abs=0.1)


@pytest.mark.parametrize("name", ["nobody", "../../etc/passwd", "cmn; rm", "CMN\x00", "x" * 1000, "cmn+", "zz"])
def test_unknown_voices(speaking, name):
    assert refusal(SENTENCE, voice=name).code is SpeechErrorCode.FAILED


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("<speak>您好</speak>", "speak 您好 speak"),
        ('<audio src="file:///etc/passwd"/>您好', "audio 您好"),
        ("您好<break time='10s'/>您好", "您好 break 您好"),
        ("[[h@l'oU]]您好", "您好"),
        ("\x01100s\x01您好", "100s 您好"),
    ],
    ids=["ssml", "file", "pause", "phonemes", "control sequences"],
)
def test_markup_commands_nothing(speaking, markup, plain):
    """It is read as it stands: never shorter than its words, and no ten seconds of silence."""
    length = seconds(markup)
    assert seconds(plain) * 0.8 <= length < seconds(plain) + 6


class TestKept:
    def test_the_halls_own_words(self, speaking):
        first = speak(SENTENCE, personal=False)
        [file] = speaking.iterdir()
        assert file.read_bytes() == first
        file.write_bytes(b"what was kept")
        assert speak(SENTENCE, personal=False) == b"what was kept"
        assert speak(SENTENCE)[:1000] != b"what was kept"
        assert len(first) > 1000

    def test_texts_of_the_catalogue(self, speaking):
        item = service_item(guidance=SENTENCE)
        speak(f" {item.guidance}\n")
        assert len(list(speaking.iterdir())) == 1
        item.enabled = False
        item.save()
        speak(item.name)
        assert len(list(speaking.iterdir())) == 1

    def test_nothing_else(self, speaking):
        speak("张三先生，您的号码是13812345678")
        assert not speaking.exists()

    def test_for_its_owner_only_and_without_its_words(self, speaking):
        speak(SENTENCE, personal=False)
        [file] = speaking.iterdir()
        assert speaking.stat().st_mode & 0o777 == 0o700
        assert file.stat().st_mode & 0o777 == 0o600
        assert SENTENCE.encode() not in file.read_bytes()

    def test_by_voice(self, speaking):
        assert speak("hello", voice="en", personal=False) != speak("hello", personal=False)
        assert len(list(speaking.iterdir())) == 2

    def test_not_without_room(self, speaking, configure):
        configure(tts_cache_mb=0)
        assert speak(SENTENCE, personal=False)
        assert not speaking.exists()

    def test_on_a_disk_that_cannot_be_written(self, speaking, caplog):
        speaking.parent.mkdir(parents=True)
        speaking.write_text("a file where the folder should be", encoding="ascii")
        assert speak(SENTENCE, personal=False)
        assert "can't be kept" in caplog.text

    def test_quickly(self, speaking):
        speak(SENTENCE, personal=False)
        best = min(_timed(lambda: speak(SENTENCE, personal=False)) for _ in range(5))
        assert best < 0.005


def _timed(call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


class TestCache:
    def test_drops_what_was_not_used_for_longest(self, tmp_path):
        cache = AudioCache(tmp_path / "cache", limit_bytes=1000)
        for number in range(10):
            cache.put(f"{number}", bytes([number]) * 100)
            os.utime(cache.folder / f"{number}.mp3", (number, number))
        assert cache.get("0") == bytes(100)
        cache.put("new", bytes(50))
        left = {path.stem for path in cache.folder.iterdir()}
        assert left == {"0", "3", "4", "5", "6", "7", "8", "9", "new"}

    def test_counts_what_another_process_wrote(self, tmp_path):
        AudioCache(tmp_path, limit_bytes=1000).put("theirs", bytes(800))
        ours = AudioCache(tmp_path, limit_bytes=1000)
        ours.put("ours", bytes(800))
        assert {path.stem for path in tmp_path.iterdir()} == {"ours"}

    def test_what_is_larger_than_all_of_it_is_not_kept(self, tmp_path):
        cache = AudioCache(tmp_path / "cache", limit_bytes=10)
        cache.put("large", bytes(11))
        assert cache.get("large") is None

    def test_an_empty_file_is_none(self, tmp_path):
        (tmp_path / "key.mp3").touch()
        assert AudioCache(tmp_path, limit_bytes=10).get("key") is None

    def test_drafts_that_were_left_behind_are_removed(self, tmp_path):
        old, new = tmp_path / "old.draft", tmp_path / "new.draft"
        old.touch()
        new.touch()
        os.utime(old, (1, 1))
        AudioCache(tmp_path, limit_bytes=10).put("key", b"x")
        assert {path.name for path in tmp_path.iterdir()} == {"new.draft", "key.mp3"}


def test_status(speaking):
    assert speech_status().voice.engine == "eSpeak NG"


def test_hall_words_hold_all_that_is_said_of_a_service(db):
    item = service_item(guidance="请带身份证。", materials=["照片"], fee="免费")
    assert {item.name, "请带身份证。", "照片", "免费", item.department, item.time_limit} <= hall_words().texts
    assert "请带身份证。" not in repr(hall_words())


def test_a_process_that_is_killed_is_replaced(speaking):
    import multiprocessing
    import signal

    speak(SENTENCE)
    [process] = [child for child in multiprocessing.active_children() if child.name == "voice"]
    os.kill(process.pid, signal.SIGKILL)
    assert speak(SENTENCE)
    assert voice._espeak.status().died == 1
