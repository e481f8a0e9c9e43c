"""What the speech package passes around."""

from __future__ import annotations

from dataclasses import dataclass, field

from kiosk.runtime.workers import PoolStatus


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said."""

    text: str = field(repr=False)
    language: str
    """Whisper's code of the language, e.g. "zh"."""
    seconds: float
    """Length of the recording, silence included."""
    confidence: float
    """0 to 1: the mean probability of the recogniser's own choices."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """One engine, for the status page."""

    engine: str
    """E.g. "faster-whisper small", "eSpeak NG", "gTTS, eSpeak NG"; empty where none runs."""
    reason: str
    """Why this one, or why none; one line."""
    pool: PoolStatus | None = None
    """None while no worker process has been asked for."""

    @property
    def available(self) -> bool:
        return bool(self.engine)


@dataclass(frozen=True, slots=True)
class SpeechStatus:
    """Both directions of speech."""

    recognition: EngineStatus
    voice: EngineStatus
