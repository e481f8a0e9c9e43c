"""Recordings for the tests, in every container a client may send: synthetic speech by eSpeak NG, silence, noise, damage."""

from __future__ import annotations

import functools
import io
import struct
from fractions import Fraction

import av
import numpy as np

from flows.speech.sound import RATE, Samples, decode

CONTAINERS = {
    # name: container, codec, samples a second, options of the codec
    "wav": ("wav", "pcm_s16le", 44_100),
    "wav of 8-bit phone speech": ("wav", "pcm_alaw", 8_000),
    "wav of floats": ("wav", "pcm_f32le", 48_000),
    "mp3": ("mp3", "libmp3lame", 44_100),
    "m4a": ("ipod", "aac", 44_100),
    "aac": ("adts", "aac", 44_100),
    "webm, as browsers record": ("webm", "libopus", 48_000),
    "ogg opus": ("ogg", "libopus", 48_000),
    "flac": ("flac", "flac", 96_000),
    "amr of old phones": ("amr", "libopencore_amrnb", 8_000),
    "3gp": ("3gp", "aac", 32_000),
    "matroska": ("matroska", "pcm_s24le", 22_050),
    "aiff": ("aiff", "pcm_s16be", 11_025),
    "mpeg transport stream": ("mpegts", "mp2", 32_000),
}


@functools.cache
def speech(text: str = "我要办身份证", *, seconds: float = 0.0) -> Samples:
    """The text by eSpeak NG, again and again until it is at least `seconds` long."""
    said = decode(wav(_espeak().synthesise(text, "cmn"), rate=_espeak().rate), max_seconds=600)
    return np.tile(said, max(1, int(np.ceil(seconds * RATE / said.size))))


@functools.cache
def _espeak():
    from flows.speech.espeak import Espeak

    return Espeak()


def silence(seconds: float = 2.0) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def noise(seconds: float = 2.0, level: float = 0.1) -> Samples:
    return (np.random.default_rng(3).standard_normal(round(seconds * RATE)) * level).astype(np.float32)


def encode(samples: Samples, kind: str = "wav", *, channels: int = 1, bit_rate: int | None = None) -> bytes:
    """The samples in one of CONTAINERS."""
    container_name, codec, rate = CONTAINERS[kind]
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[channels]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container_name) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout = layout
        if bit_rate is not None:
            stream.bit_rate = bit_rate
        resampler = av.AudioResampler(format=stream.codec_context.format or "s16", layout=layout, rate=rate)
        for frame in [*resampler.resample(_frame(samples)), *resampler.resample(None)]:
            frame.pts = None
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def video(samples: Samples | None) -> bytes:
    """Two seconds of grey pictures as MP4, with the samples as its sound where there are any."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        pictures = container.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
        sound = None
        if samples is not None:
            sound = container.add_stream("aac", rate=RATE)
            sound.layout = "mono"
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 128, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
        if sound is not None:
            container.mux(sound.encode(_frame(samples)))
            container.mux(sound.encode(None))
    return buffer.getvalue()


def wav(data: bytes, *, rate: int = RATE, channels: int = 1, bits: int = 16, kind: int = 1, claims: int | None = None) -> bytes:
    """A WAV by hand: `kind` is 1 for integers and 3 for floats; `claims` is what the header says of the length of the data."""
    length = len(data) if claims is None else claims
    frame = channels * bits // 8
    return (
        b"RIFF"
        + struct.pack("<I", min(36 + length, 0xFFFFFFFF))
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, kind, channels, rate, rate * frame, frame, bits)
        + b"data"
        + struct.pack("<I", length)
        + data
    )


def pcm16(samples: Samples) -> bytes:
    return (samples * 32767).astype("<i2").tobytes()


def _frame(samples: Samples) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="flt", layout="mono")
    frame.sample_rate = RATE
    return frame
