"""gTTS against a stand-in for Google: who may hear which text, and what happens when it doesn't answer well."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from flows.speech import speak, speech_status, voice
from flows.speech.breaker import Breaker
from flows.speech.sound import decode, encode_mp3
from tests.flows.factories import service_item
from tests.flows.speech import fake_google
from tests.flows.speech.fake_google import FakeGoogle
from tests.flows.speech.recordings import RATE, noise, pcm16

GOOGLES_SECONDS = 3.0
TEXT = "请到三号窗口。"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[FakeGoogle]:
    """Its proxy and certificate are those of the worker process, which starts once for all tests."""
    google = FakeGoogle(tmp_path_factory.mktemp("google"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTPS_PROXY", google.proxy)
        patch.setenv("REQUESTS_CA_BUNDLE", str(google.certificate))
        patch.delenv("CURL_CA_BUNDLE", raising=False)
        voice._gtts.close()
        yield google
    voice._gtts.close()
    google.close()


@pytest.fixture
def clock(monkeypatch) -> Clock:
    time_of_test = Clock()
    monkeypatch.setattr(voice, "_breaker", Breaker(pause_seconds=300, clock=time_of_test))
    return time_of_test


@pytest.fixture
def google(server, speaking, configure, clock) -> FakeGoogle:
    configure(tts_engine="auto", gtts_seconds=1.0)
    server.texts.clear()
    server.behave = fake_google.answer(encode_mp3(pcm16(noise(GOOGLES_SECONDS)), rate=RATE))
    return server


def seconds(mp3: bytes) -> float:
    return decode(mp3, max_seconds=60).size / RATE


def is_googles(mp3: bytes) -> bool:
    return abs(seconds(mp3) - GOOGLES_SECONDS) < 0.2


def test_speaks_the_halls_own_words(google):
    assert is_googles(speak(TEXT, personal=False))
    assert google.texts == [TEXT]


def test_kept_on_the_disk(google):
    first = speak(TEXT, personal=False)
    assert speak(TEXT, personal=False) == first
    assert len(google.texts) == 1
    google.behave = fake_google.refuse
    assert speak(TEXT, personal=False) == first


def test_texts_of_the_catalogue_are_known(google):
    item = service_item(guidance="请带身份证到窗口办理。")
    assert is_googles(speak(item.guidance))


def test_personal_data_stays_here(google, configure):
    assert not is_googles(speak("张三您好"))
    assert google.texts == []
    configure(external_personal_data=True)
    assert is_googles(speak("张三您好"))
    assert google.texts == ["张三您好"]


def test_personal_data_is_not_kept_even_where_it_may_leave(google, configure, speaking):
    configure(external_personal_data=True)
    speak("张三您好")
    assert not speaking.exists()


@pytest.mark.parametrize(("engine", "asked"), [("auto", 1), ("gtts", 1), ("espeak", 0)])
def test_engines(google, configure, engine, asked):
    configure(tts_engine=engine)
    speak(TEXT, personal=False)
    assert len(google.texts) == asked


def test_a_voice_without_a_counterpart_is_espeak_s(google):
    assert not is_googles(speak(TEXT, voice="cmn+f3", personal=False))
    assert google.texts == []


def test_a_long_text_comes_in_parts(google):
    text = "请您先在自助机上取号，然后等候叫号。" * 12
    assert seconds(speak(text, personal=False)) == pytest.approx(3 * GOOGLES_SECONDS, abs=0.5)
    assert "".join(google.texts) == text
    assert list(map(len, google.texts)) == [90, 90, 36]


BAD_ANSWERS = {
    "connection closed": fake_google.refuse,
    "no answer": fake_google.hang,
    "an answer without an end": fake_google.trickle,
    "too many requests": fake_google.say(b"429 Too Many Requests", b""),
    "forbidden": fake_google.say(b"403 Forbidden", b"<html>"),
    "server error": fake_google.say(b"500 Internal Server Error", b""),
    "empty": fake_google.say(b"200 OK", b""),
    "a login page": fake_google.say(b"200 OK", b"<html><body>jQ1olc</body></html>" * 100),
    "not UTF-8": fake_google.say(b"200 OK", b"\xff\xfe\n" * 10),
    "no sound": fake_google.answer(b""),
    "garbage": fake_google.answer(bytes(range(256)) * 20),
    "a picture": fake_google.answer(b"\x89PNG\r\n\x1a\n" + bytes(2000)),
}


@pytest.mark.parametrize("behave", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_espeak_speaks_instead(google, clock, behave, caplog):
    google.behave = behave
    started = time.perf_counter()
    mp3 = speak(TEXT, personal=False)

    assert not is_googles(mp3)
    assert 0.5 < seconds(mp3) < 5
    assert time.perf_counter() - started < 4
    assert "gTTS" in caplog.text
    assert TEXT not in caplog.text
    assert "left alone" in speech_status().voice.reason


def test_is_left_alone_for_a_while(google, clock):
    google.behave = fake_google.say(b"503 Service Unavailable", b"")
    for _ in range(3):
        speak(TEXT, personal=False)
    assert len(google.texts) == 1

    clock.now = 299
    speak("另一句。", personal=False)
    assert len(google.texts) == 1

    clock.now = 301
    google.behave = fake_google.answer(encode_mp3(pcm16(noise(GOOGLES_SECONDS)), rate=RATE))
    assert is_googles(speak(TEXT, personal=False))
    assert is_googles(speak("第三句。", personal=False))
    assert "gTTS speaks" in speech_status().voice.reason


def test_another_certificate_is_refused(google, tmp_path, monkeypatch):
    """The library by itself would not look at it."""
    other = FakeGoogle(tmp_path)
    monkeypatch.setenv("HTTPS_PROXY", other.proxy)
    other.behave = google.behave
    voice._gtts.close()
    try:
        assert not is_googles(speak(TEXT, personal=False))
        assert other.texts == []
    finally:
        other.close()
        voice._gtts.close()


def test_one_asks_after_the_pause_the_others_wait():
    clock = Clock()
    breaker = Breaker(pause_seconds=10, clock=clock)
    assert breaker.may_ask()
    assert breaker.may_ask()
    breaker.failed("no connection")
    assert not breaker.may_ask()
    clock.now = 10
    assert [breaker.may_ask() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert breaker.may_ask()
    assert breaker.problem == ""
