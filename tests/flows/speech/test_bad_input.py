"""Whatever comes in gets its error, at once, and what comes next is served."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import numpy as np
import pytest

from flows.speech import SpeechError, SpeechErrorCode, speak, transcribe
from tests.flows.speech.recordings import RATE, encode, noise, pcm16, silence, speech, video, wav
from tests.media import as_png, blank

NOT_AUDIO, SILENT, TOO_LONG = SpeechErrorCode.NOT_AUDIO, SpeechErrorCode.SILENT, SpeechErrorCode.TOO_LONG


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("speech.wav", encode(speech()))
    return buffer.getvalue()


def gif() -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    frames = [Image.new("L", (16, 16), level) for level in (0, 255)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def an_hour() -> bytes:
    """A minute of Opus, chained sixty times."""
    return encode(silence(60.0), "ogg opus", bit_rate=6_000) * 60


RECORDINGS = {
    "empty": (lambda: b"", NOT_AUDIO),
    "one byte": (lambda: b"\x00", NOT_AUDIO),
    "zeros": (lambda: bytes(100_000), NOT_AUDIO),
    "random bytes": (lambda: np.random.default_rng(1).bytes(200_000), NOT_AUDIO),
    "text": (lambda: "我要办身份证".encode() * 1000, NOT_AUDIO),
    "JSON": (lambda: json.dumps({"type": "handshake", "input": {"type": "audio"}}).encode(), NOT_AUDIO),
    "HTML": (lambda: b"<!DOCTYPE html><html><body>" + b"x" * 5000, NOT_AUDIO),
    "PNG": (lambda: as_png(blank()), NOT_AUDIO),
    "GIF": (gif, NOT_AUDIO),
    "ZIP": (zipped, NOT_AUDIO),
    "gzip": (lambda: gzip.compress(encode(speech())), NOT_AUDIO),
    "PDF": (lambda: b"%PDF-1.7\n" + bytes(5000), NOT_AUDIO),
    "encrypted": (lambda: bytes(byte ^ 0xA5 for byte in encode(speech(), "mp3")), NOT_AUDIO),
    "video without sound": (lambda: video(None), NOT_AUDIO),
    "video with silence": (lambda: video(silence()), SILENT),
    "head of an MP3": (lambda: encode(speech(), "mp3")[:60], NOT_AUDIO),
    "head of an m4a": (lambda: encode(speech(), "m4a")[:3000], NOT_AUDIO),
    "head of a webm": (lambda: encode(speech(), "webm, as browsers record")[:150], NOT_AUDIO),
    "WAV without data": (lambda: wav(b""), NOT_AUDIO),
    "WAV without a head": (lambda: pcm16(speech()), NOT_AUDIO),
    "WAV of no rate": (lambda: wav(pcm16(speech()), rate=0), NOT_AUDIO),
    "WAV of no channels": (lambda: wav(pcm16(speech()), channels=0), NOT_AUDIO),
    "WAV of 30,000 channels": (lambda: wav(bytes(600_000), channels=30_000), NOT_AUDIO),
    "WAV that claims 4 GB": (lambda: wav(pcm16(silence()), claims=0xFFFFFFFF), SILENT),
    "one sample": (lambda: wav(b"\x10\x10"), SILENT),
    "a tenth of a second": (lambda: wav(pcm16(speech()[:1500])), SILENT),
    "silence": (lambda: encode(silence()), SILENT),
    "noise": (lambda: encode(noise(), "mp3"), SILENT),
    "a tone": (lambda: wav(pcm16(np.sin(np.arange(3 * RATE) * 0.2) * 0.5)), SILENT),
    "WAV of NaN": (lambda: wav(np.full(RATE, np.nan, "<f4").tobytes(), kind=3, bits=32), SILENT),
    "8 channels of silence at 96 kHz": (lambda: wav(bytes(96_000 * 16), rate=96_000, channels=8), SILENT),
    "over the time": (lambda: encode(silence(61.0), "ogg opus"), TOO_LONG),
    "an hour of low quality": (an_hour, TOO_LONG),
    "11 MB": (lambda: bytes(11 * 1024 * 1024), SpeechErrorCode.TOO_LARGE),
}

NEVER_SPOKEN = SpeechErrorCode.EMPTY_TEXT
TEXTS = {
    "empty": ("", NEVER_SPOKEN),
    "blanks": (" \t\n\u3000", NEVER_SPOKEN),
    "emoji": ("😀👍🏽👨‍👩‍👧", NEVER_SPOKEN),
    "punctuation": ("。。。！？…", NEVER_SPOKEN),
    "control characters": ("\x00\x01\x07\x1b", NEVER_SPOKEN),
    "invisible characters": ("\u200b\u202e\ufeff", NEVER_SPOKEN),
    "half a character": ("\ud83d", NEVER_SPOKEN),
    "1 MB": ("很" * 350_000, SpeechErrorCode.TEXT_TOO_LONG),
    "one too many": ("很" * 2001, SpeechErrorCode.TEXT_TOO_LONG),
}

STRANGE_BUT_SPOKEN = {
    "half a character in a word": "您\ud83d好",
    "a nul in a word": "您\x00好",
    "right to left": "\u202e您好",
    "a very long number": "9" * 200,
    "one word without an end": "a" * 500,
    "rare characters": "朙鑫龘𠮷",
    "combining marks": "e" + "\u0301" * 200,
    "other scripts": "Привет 안녕 こんにちは ٣",
    "markup": "<speak><audio src='http://127.0.0.1/'/>您好</speak>",
    "percent signs": "%s%n%x 您好",
}


@pytest.mark.parametrize(("make", "code"), RECORDINGS.values(), ids=RECORDINGS)
def test_recordings(listening, make, code):
    with pytest.raises(SpeechError) as caught:
        transcribe(make())
    assert caught.value.code is code
    assert caught.value.message


def test_none_of_them_costs_a_process(listening):
    """Runs behind the table, on the same pool."""
    from flows.speech import recognition

    assert transcribe(encode(speech())).text == "我要办身份证"
    status = recognition._engine.status()
    assert status is not None
    assert (status.died, status.pending) == (0, 0)


@pytest.mark.parametrize(("text", "code"), TEXTS.values(), ids=TEXTS)
def test_texts(speaking, text, code):
    with pytest.raises(SpeechError) as caught:
        speak(text)
    assert caught.value.code is code
    assert not text.strip() or text not in caught.value.message


@pytest.mark.parametrize("text", STRANGE_BUT_SPOKEN.values(), ids=STRANGE_BUT_SPOKEN)
def test_strange_texts_are_spoken(speaking, text):
    assert len(speak(text)) > 1000
    assert len(speak(text, personal=False)) > 1000
