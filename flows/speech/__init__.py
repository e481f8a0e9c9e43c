"""Speech: recordings to text, text to sound."""

from flows.speech.errors import SpeechError, SpeechErrorCode
from flows.speech.recognition import transcribe
from flows.speech.status import speech_status
from flows.speech.types import EngineStatus, SpeechStatus, Transcript
from flows.speech.voice import speak

__all__ = [
    "EngineStatus",
    "SpeechError",
    "SpeechErrorCode",
    "SpeechStatus",
    "Transcript",
    "speak",
    "speech_status",
    "transcribe",
]
