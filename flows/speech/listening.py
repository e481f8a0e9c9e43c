"""Speech to text in a worker process: faster-whisper, loaded and called through whisper-ctranslate2. No Django here.

A recording is decoded, cut at its pauses into windows of speech (Silero VAD, whose model comes in faster-whisper's wheel), and
each window is transcribed. The server may ask for all windows in one call, or for one after the other, to tell what was heard.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.speech.errors import SpeechError, SpeechErrorCode
from flows.speech.passages import PROMPT, Heard, Passage, heard, join
from flows.speech.sound import RATE, Samples, decode

if TYPE_CHECKING:
    from opencc import OpenCC
    from whisper_ctranslate2.transcribe import Transcribe, TranscriptionOptions

WINDOW_SECONDS = 28.0
"""Whisper hears 30 seconds at a time."""
PARTIAL_SECONDS = 6.0
"""The shortest window where the client wants to see the text grow; each costs as much as one of 30 seconds."""
_SHORTEST_SECONDS = 0.1
_HINT_TOKENS = 180
_BEFORE_CHARACTERS = 40
"""Whisper takes 448 tokens in all, 224 of them the answer's: hints, prompt and the words before have to fit into the rest."""
_TEMPERATURES = [0.0, 0.4, 0.8]
"""A noisy window is tried again with more daring; Whisper's usual six tries would make the citizen wait."""


@dataclass(frozen=True, slots=True)
class ListeningSpec:
    """What a worker process has to load and to respect."""

    model: Path
    """The folder that holds model.bin."""
    language: str
    """Whisper's code; empty: whichever is heard."""
    max_seconds: float
    threads: int
    vad: bool = True
    """Whether silence is cut out beforehand; without it, only sound that is silent throughout counts as silence."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A recording, decoded and cut at its pauses."""

    seconds: float
    """Of the whole recording."""
    windows: tuple[bytes, ...] = field(repr=False)
    """The speech in it, each at most WINDOW_SECONDS long: signed 16-bit samples, RATE a second; at least one."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The words of one or more windows."""

    heard: Heard
    language: str


class _Listener:
    def __init__(self, spec: ListeningSpec) -> None:
        self.spec = spec
        self._transcribe, self._options = _load(spec)
        self._simplified = _simplifier()

    def read(self, samples: Samples, *, hints: Sequence[str], language: str, before: str) -> Reading:
        language = language or self.spec.language
        chinese = language == "zh"
        fitting = self._fitting(hints)
        options = self._options._replace(
            hotwords="、".join(fitting) or None,
            initial_prompt=(before[-_BEFORE_CHARACTERS:] or (PROMPT if chinese else "")) or None,
        )
        answer: dict[str, Any] = self._transcribe.inference(
            samples,
            task="transcribe",
            language=language or None,
            verbose=False,
            live=True,  # neither prints nor draws a progress bar
            options=options,
        )
        found = heard((_passage(segment) for segment in answer["segments"]), hints=fitting)
        if answer["language"] == "zh":
            found = replace(found, text=self._simplified.convert(found.text))
        return Reading(found, answer["language"])

    def _fitting(self, hints: Sequence[str]) -> list[str]:
        """The first hints, as many as the prompt has room for."""
        left = _HINT_TOKENS
        fitting = []
        for hint in hints:
            left -= len(self._transcribe.model.hf_tokenizer.encode(f"、{hint}", add_special_tokens=False).ids)
            if left < 0:
                break
            fitting.append(hint)
        return fitting


_listener: _Listener | None = None
_problem = ""


def prepare(spec: ListeningSpec) -> None:
    """Loads the model of this worker process, once. One that can't be loaded is reported by every call."""
    global _listener, _problem  # noqa: PLW0603 - a worker process has one model, given to it at its start
    # The model is where the server found it: nothing may ever be looked up or fetched instead.
    os.environ["HF_HUB_OFFLINE"] = "1"
    _keep_tqdm_quiet()
    try:
        _listener = _Listener(spec)
    except (RuntimeError, ValueError, OSError) as error:
        _problem = f"{spec.model} can't be loaded: {type(error).__name__}: {error}"


def check() -> str:
    """Why the model of this process can't be used; empty where it can."""
    return _problem


def cut(recording: bytes, *, longest_seconds: float = WINDOW_SECONDS) -> Cut:
    """Decodes a recording and finds the speech in it. Raises SpeechError: NOT_AUDIO, TOO_LONG, SILENT, UNAVAILABLE."""
    seconds, windows = _windows(_prepared().spec, recording, longest_seconds)
    return Cut(seconds, tuple(np.rint(window * 32767).astype(np.int16).tobytes() for window in windows))


def read_window(window: bytes, *, hints: Sequence[str], language: str = "", before: str = "") -> Reading:
    """The words of one window. `before`: what was said in those before it; `language`: as heard there, empty in the first."""
    samples = np.frombuffer(window, np.int16).astype(np.float32) / np.float32(32767)
    return _prepared().read(samples, hints=hints, language=language, before=before)


def read(recording: bytes, *, hints: Sequence[str]) -> tuple[float, Reading]:
    """The length of a recording in seconds, and its words. Raises SpeechError as cut() does."""
    listener = _prepared()
    seconds, windows = _windows(listener.spec, recording, WINDOW_SECONDS)
    readings: list[Reading] = []
    for window in windows:
        so_far = join([reading.heard for reading in readings])
        language = readings[0].language if readings else ""
        readings.append(listener.read(window, hints=hints, language=language, before=so_far.text))
    return seconds, Reading(join([reading.heard for reading in readings]), readings[0].language)


def _prepared() -> _Listener:
    if _listener is None:
        raise SpeechError(SpeechErrorCode.UNAVAILABLE, "语音识别模型无法加载，请管理员查看日志；您可以改用文字输入")
    return _listener


def _load(spec: ListeningSpec) -> tuple[Transcribe, TranscriptionOptions]:
    from whisper_ctranslate2.transcribe import Transcribe, TranscriptionOptions

    transcribe = Transcribe(
        model_path=str(spec.model),
        device="cpu",
        device_index=0,
        compute_type="auto",
        threads=spec.threads,
        cache_directory=str(spec.model.parent),
        local_files_only=True,
        batched=False,
    )
    options = TranscriptionOptions(
        beam_size=5,
        best_of=5,
        patience=1.0,
        length_penalty=1.0,
        repetition_penalty=1.0,
        no_repeat_ngram_size=0,
        log_prob_threshold=-1.0,
        no_speech_threshold=0.6,
        compression_ratio_threshold=2.4,
        condition_on_previous_text=False,
        prompt_reset_on_temperature=0.5,
        temperature=_TEMPERATURES,
        initial_prompt=None,
        prefix=None,
        hotwords=None,
        suppress_blank=True,
        suppress_tokens=[-1],
        word_timestamps=False,
        print_colors=False,
        prepend_punctuations="",
        append_punctuations="",
        hallucination_silence_threshold=None,
        vad_filter=False,  # done before, so that silence never reaches the model
        vad_threshold=None,
        vad_min_speech_duration_ms=None,
        vad_max_speech_duration_s=None,
        vad_min_silence_duration_ms=None,
        multilingual=False,
    )
    return transcribe, options


def _keep_tqdm_quiet() -> None:
    """whisper-ctranslate2 makes a progress bar even where none is shown; its lock between processes would outlive this one."""
    from tqdm import tqdm

    tqdm.set_lock(threading.RLock())


def _simplifier() -> OpenCC:
    """Whisper writes traditional characters now and then, whatever its prompt."""
    from opencc import OpenCC

    return OpenCC("t2s")


def _windows(spec: ListeningSpec, recording: bytes, longest_seconds: float) -> tuple[float, list[Samples]]:
    samples = decode(recording, max_seconds=spec.max_seconds)
    seconds = samples.size / RATE
    if seconds < _SHORTEST_SECONDS or not samples.any():
        raise SpeechError(SpeechErrorCode.SILENT)
    pieces = find_speech(samples) if spec.vad else _equal_pieces(samples)
    windows = _gathered(pieces, round(longest_seconds * RATE))
    if not windows:
        raise SpeechError(SpeechErrorCode.SILENT)
    return seconds, windows


def find_speech(samples: Samples) -> list[Samples]:
    """The parts in which somebody speaks, with a quarter of a second around each, in their order."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(
        min_speech_duration_ms=100, min_silence_duration_ms=500, speech_pad_ms=250, max_speech_duration_s=WINDOW_SECONDS - 1
    )
    return [samples[span["start"] : span["end"]] for span in get_speech_timestamps(samples, options)]


def _equal_pieces(samples: Samples) -> list[Samples]:
    size = round(WINDOW_SECONDS * RATE)
    return [samples[start : start + size] for start in range(0, samples.size, size)]


def _gathered(pieces: Sequence[Samples], longest: int) -> list[Samples]:
    """Neighbours put together as long as they fit into `longest` samples; one that is longer by itself stays alone."""
    windows: list[list[Samples]] = []
    size = 0
    for piece in pieces:
        if not windows or size + piece.size > longest:
            windows.append([])
            size = 0
        windows[-1].append(piece)
        size += piece.size
    return [np.concatenate(window) for window in windows]


def _passage(segment: dict[str, Any]) -> Passage:
    return Passage(segment["text"], segment["avg_logprob"], segment["compression_ratio"], len(segment["tokens"]))
