"""Recordings of every kind become samples, and nothing that comes in makes FFmpeg look elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from flows.speech.errors import SpeechError, SpeechErrorCode
from flows.speech.sound import RATE, decode, encode_mp3
from tests.flows.speech.recordings import CONTAINERS, encode, noise, pcm16, speech, video, wav


def loudness(samples, pieces: int = 20):
    """Its course over time."""
    return np.array([np.sqrt(np.mean(piece**2)) for piece in np.array_split(samples, pieces)])


@pytest.mark.parametrize("kind", CONTAINERS)
def test_containers(kind):
    decoded = decode(encode(speech(), kind), max_seconds=60)

    assert decoded.dtype == np.float32
    assert decoded.size / RATE == pytest.approx(speech().size / RATE, abs=0.15)
    assert np.corrcoef(loudness(decoded), loudness(speech()))[0, 1] > 0.8


def test_sound_of_a_video():
    assert decode(video(speech()), max_seconds=60).size / RATE == pytest.approx(speech().size / RATE, abs=0.15)


@pytest.mark.parametrize(("rate", "channels"), [(4_000, 1), (8_000, 3), (48_000, 2), (96_000, 8), (192_000, 1)])
def test_rates_and_channels(rate, channels):
    one_second = np.sin(np.arange(rate) * 2 * np.pi * 440 / rate).astype(np.float32) * 0.3
    decoded = decode(wav(pcm16(np.repeat(one_second, channels)), rate=rate, channels=channels), max_seconds=60)

    assert decoded.size == pytest.approx(RATE, abs=RATE // 50)
    spectrum = np.abs(np.fft.rfft(decoded))
    assert np.argmax(spectrum) * RATE / decoded.size == pytest.approx(440, abs=3)


def test_a_stream_that_changes_its_rate():
    recording = encode(speech(), "mp3") + encode_mp3(pcm16(speech()), rate=RATE)
    assert decode(recording, max_seconds=60).size / RATE == pytest.approx(2 * speech().size / RATE, abs=0.3)


def test_a_header_may_claim_any_length():
    recording = wav(pcm16(speech()), claims=0xFFFFFFFF)
    assert decode(recording, max_seconds=60).size == pytest.approx(speech().size, abs=RATE // 10)


@pytest.mark.parametrize("kind", ["mp3", "flac", "ogg opus", "webm, as browsers record", "amr of old phones"])
def test_what_is_left_of_a_truncated_recording(kind):
    said = speech(seconds=8)
    whole = encode(said, kind)
    left = decode(whole[: len(whole) * 6 // 10], max_seconds=60).size
    assert said.size * 0.2 < left < said.size * 0.8


def test_damage_in_the_middle_is_left_out():
    recording = bytearray(encode(speech(), "mp3"))
    recording[len(recording) // 2 : len(recording) // 2 + 300] = bytes(300)
    assert decode(bytes(recording), max_seconds=60).size > speech().size * 0.7


def test_nan_and_infinity_are_silence():
    values = np.full(RATE, np.nan, "<f4")
    values[: RATE // 2] = np.inf
    decoded = decode(wav(values.tobytes(), kind=3, bits=32), max_seconds=60)
    assert np.isfinite(decoded).all()
    assert np.abs(decoded).max() <= 1


@pytest.mark.parametrize("kind", ["wav", "ogg opus", "mp3"])
def test_no_more_is_decoded_than_is_wanted(kind):
    with pytest.raises(SpeechError) as caught:
        decode(encode(noise(30), kind, bit_rate=8_000), max_seconds=5)
    assert caught.value.code is SpeechErrorCode.TOO_LONG
    assert "5 秒" in caught.value.message


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{path}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{path}'\n",
        "ffconcat version 1.0\nfile private.wav\n",
        '<?xml version="1.0"?><MPD><Period><AdaptationSet><BaseURL>file://{path}</BaseURL></AdaptationSet></Period></MPD>',
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n{path}",
    ],
    ids=["hls", "concat", "concat in the same folder", "dash", "sdp"],
)
def test_playlists_open_no_file_of_the_server(tmp_path, monkeypatch, playlist):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "private.wav"
    path.write_bytes(encode(speech()))
    with pytest.raises(SpeechError) as caught:
        decode(playlist.format(path=path).encode(), max_seconds=60)
    assert caught.value.code is SpeechErrorCode.NOT_AUDIO


def test_mp3():
    mp3 = encode_mp3(pcm16(speech()), rate=RATE)
    decoded = decode(mp3, max_seconds=60)
    assert mp3[:3] == b"ID3" or mp3[0] == 0xFF
    assert decoded.size / RATE == pytest.approx(speech().size / RATE, abs=0.15)
    assert np.corrcoef(loudness(decoded), loudness(speech()))[0, 1] > 0.9
