"""Text to speech in worker processes: eSpeak NG in one pool, gTTS in another. No Django here.

gTTS has a process of its own so that a server that answers slowly, too much or nonsense can be given up as a whole at any time,
and keeps no other voice waiting.
"""

from __future__ import annotations

import io
from typing import Any

from flows.speech.errors import SpeechError, SpeechErrorCode
from flows.speech.espeak import Espeak, EspeakError, UnknownVoice
from flows.speech.sound import decode, encode_mp3
from flows.speech.spoken_text import in_parts, spoken

GTTS_LANGUAGES = {"cmn": "zh-CN", "yue": "yue", "en": "en", "en-us": "en", "en-gb": "en"}
"""Voices of eSpeak NG, and what gTTS calls their languages."""
_GTTS_RATE = 24_000
"""Samples a second, as Google sends them."""
_LONGEST_ANSWER_SECONDS = 1200.0

_espeak: Espeak | None = None
_problem = ""


class GttsFailed(Exception):
    """gTTS didn't answer with sound; the message says no word of the text."""


def prepare_espeak() -> None:
    """Loads eSpeak NG and what makes MP3 of it, so that no citizen waits for it."""
    global _espeak, _problem  # noqa: PLW0603 - a worker process has one library
    try:
        _espeak = Espeak()
        encode_mp3(_espeak.synthesise(spoken("1"), "cmn"), rate=_espeak.rate)
    except EspeakError as error:
        _problem = str(error)


def check_espeak() -> str:
    """Why eSpeak NG can't be used; empty where it can."""
    return _problem


def speak_with_espeak(text: str, voice: str) -> bytes:
    """An MP3 of one channel. Raises SpeechError: UNAVAILABLE, EMPTY_TEXT, FAILED."""
    if _espeak is None:
        raise SpeechError(SpeechErrorCode.UNAVAILABLE, "语音播报不可用")
    try:
        pcm = _espeak.synthesise(spoken(text, chinese=voice.startswith(("cmn", "yue", "hak"))), voice)
    except UnknownVoice:
        raise SpeechError(SpeechErrorCode.FAILED, "没有这种语音") from None
    except EspeakError:
        raise SpeechError(SpeechErrorCode.FAILED) from None
    if not pcm:
        raise SpeechError(SpeechErrorCode.EMPTY_TEXT)
    return encode_mp3(pcm, rate=_espeak.rate)


def prepare_gtts() -> None:
    """Loads gTTS, and makes it check the certificates of who it talks to."""
    import gtts  # noqa: F401 - loaded here, not in the first call, whose time is short
    import requests

    class CheckedSession(requests.Session):
        """gTTS switches the check of certificates off. Nobody on the way may hear the text or put other words into the hall."""

        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            usual = self.merge_environment_settings(str(request.url), {}, None, None, None)
            return super().send(request, **{**options, "verify": usual["verify"]})

    requests.Session = CheckedSession  # type: ignore[misc]  # this process does nothing else


def speak_with_gtts(text: str, voice: str, timeout_seconds: float) -> bytes:
    """An MP3 of one channel, encoded anew from whatever came. Raises GttsFailed."""
    from gtts import gTTS
    from gtts.tts import gTTSError

    answer = io.BytesIO()
    try:
        # gTTS by itself makes a request of every clause.
        for part in in_parts(spoken(text), gTTS.GOOGLE_TTS_MAX_CHARS):
            gTTS(part, lang=GTTS_LANGUAGES[voice], lang_check=False, timeout=timeout_seconds).write_to_fp(answer)
    except (gTTSError, OSError) as error:
        raise GttsFailed(_cause(error)) from None
    except (AssertionError, ValueError, TypeError):
        raise GttsFailed("an answer that is none of Google's") from None
    try:
        samples = decode(answer.getvalue(), max_seconds=_LONGEST_ANSWER_SECONDS, rate=_GTTS_RATE)
    except SpeechError:
        raise GttsFailed("an answer without sound") from None
    return encode_mp3((samples * 32767).astype("int16").tobytes(), rate=_GTTS_RATE)


def _cause(error: Exception) -> str:
    response = getattr(error, "rsp", None)
    return "no connection" if response is None else f"status {response.status_code}"
