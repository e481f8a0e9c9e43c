"""Speech on this machine: the voice beside eSpeak NG itself, and what a recording costs before any model hears it.

    python -m bench.speech [--rounds 15] [--recording FILE] [--stt-model small] [--stt-model-dir FOLDER]

The voice: a sentence and a long text, spoken by eSpeak NG in this process, with its MP3, and by speak() for the first time and
again, in turns so that all see the same machine. Recognition: decoding and voice activity detection of the recording (a spoken
sentence where none is given), and the whole of transcribe() where a Whisper model is installed. In a data folder of its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.speech.espeak import Espeak

SHARED = Path(__file__).resolve().parents[2] / "shared"
SENTENCE = "您好，请问您要办理什么业务？"
LONG_TEXT = (
    "办理居民身份证，请您本人携带户口簿，到户籍地派出所或者政务服务大厅的公安窗口申请。首次申领不收费，到期换领收工本费20元，"
    "丢失补领和损坏换领收40元。现场采集照片和指纹，自受理之日起60日内领证。急用的话，可以同时申请临时身份证。"
)
FIRST_BAR_MS = 150.0
AGAIN_BAR_MS = 5.0


def main() -> None:
    """Runs all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--recording", type=Path)
    parser.add_argument("--stt-model", default="small")
    parser.add_argument("--stt-model-dir", default="")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-speech-") as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "kiosk.settings",
            "KIOSK_ENV_FILE": os.devnull,
            "KIOSK_DATA_DIR": folder,
            "KIOSK_TTS_ENGINE": "espeak",
            "KIOSK_STT_MODEL": arguments.stt_model,
            "KIOSK_STT_MODEL_DIR": arguments.stt_model_dir,
            "DATABASE_URL": "",
        }
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        call_command("load_catalogue", verbosity=0)
        from flows.speech import recognition, voice

        try:
            _voice(arguments.rounds)
            _recognition(arguments.recording, arguments.rounds)
        finally:
            recognition.close()
            voice.close()


def _voice(rounds: int) -> None:
    from flows.speech import speak, voice
    from flows.speech.espeak import Espeak

    voice.warm_up()
    espeak = Espeak()
    for name, text in (("a sentence", SENTENCE), ("a long text", LONG_TEXT)):
        pcm = _raw(espeak, text)
        calls: dict[str, Callable[[], Any]] = {
            "eSpeak NG itself": partial(_raw, espeak, text),
            "eSpeak NG and MP3": partial(_raw_mp3, espeak, text),
            "speak(), first": partial(speak, text),
            "speak(), again": partial(speak, text, personal=False),
        }
        times = _in_turns(calls, rounds)
        length = len(pcm) / 2 / espeak.rate
        print(f"\n{name}: {len(text)} characters, {length:.1f} s of sound, {len(speak(text)) / 1024:.0f} KiB")
        for call, values in times.items():
            print(f"  {call}: {_shown(values)}")
        own, first, again = (statistics.median(times[call]) for call in ("eSpeak NG and MP3", "speak(), first", "speak(), again"))
        print(f"  speak(), first, is {first / own:.2f} times eSpeak NG and MP3")
        if text is SENTENCE:
            _bar("first", first, FIRST_BAR_MS)
        _bar("again", again, AGAIN_BAR_MS)


def _raw(espeak: Espeak, text: str) -> bytes:
    from flows.speech.spoken_text import spoken

    return espeak.synthesise(spoken(text), "cmn")


def _raw_mp3(espeak: Espeak, text: str) -> bytes:
    from flows.speech.sound import encode_mp3

    return encode_mp3(_raw(espeak, text), rate=espeak.rate)


def _recognition(recording: Path | None, rounds: int) -> None:
    from flows.speech import speak, speech_status, transcribe
    from flows.speech.listening import find_speech
    from flows.speech.sound import RATE, decode

    sound = speak(SENTENCE) if recording is None else recording.read_bytes()
    samples = decode(sound, max_seconds=600)
    print(f"\na recording of {samples.size / RATE:.1f} s, {len(sound) / 1024:.0f} KiB")
    calls: dict[str, Callable[[], Any]] = {
        "decoding": partial(decode, sound, max_seconds=600),
        "voice activity detection": partial(find_speech, samples),
    }
    status = speech_status().recognition
    if status.available:
        transcribe(sound)
        calls["transcribe()"] = partial(transcribe, sound)
    for call, values in _in_turns(calls, rounds).items():
        print(f"  {call}: {_shown(values)}, {statistics.median(values) / 10 * RATE / samples.size:.1f} % of its length")
    print(f"  recogniser: {status.engine or 'none'} ({status.reason})")


def _in_turns(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each call, `rounds` times, after one that isn't counted."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds + 1):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            if turn:
                times[name].append((time.perf_counter() - started) * 1000)
    return times


def _shown(values: list[float]) -> str:
    return f"median {statistics.median(values):.2f} ms, best {min(values):.2f}, worst {max(values):.2f}"


def _bar(name: str, value: float, limit: float) -> None:
    print(f"  {name}: {value:.2f} ms (at most {limit:g}: {'met' if value <= limit else 'MISSED'})")


if __name__ == "__main__":
    main()
