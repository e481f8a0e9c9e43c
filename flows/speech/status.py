"""Speech as a whole: its state, for the status page."""

from __future__ import annotations

from flows.speech import recognition, voice
from flows.speech.types import SpeechStatus


def speech_status() -> SpeechStatus:
    """Which engines run and why. Without a recogniser the kiosk offers typing: that is no failure of the installation."""
    return SpeechStatus(recognition=recognition.recognition_status(), voice=voice.voice_status())
