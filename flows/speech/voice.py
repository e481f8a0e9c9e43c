"""Text to speech as the rest of the app calls it: limits, which engine may have the text, the cache, worker processes.

gTTS sends the text to Google. Unless KIOSK_EXTERNAL_PERSONAL_DATA allows it, only the hall's own words go there, and only they
are kept on the disk: what a caller says is not personal, and what stands word for word in the service catalogue.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import DatabaseError
from django.utils.crypto import salted_hmac

from flows.speech import synthesis
from flows.speech.audio_cache import AudioCache
from flows.speech.breaker import Breaker
from flows.speech.errors import SpeechError, SpeechErrorCode
from flows.speech.espeak import VOICE_NAME
from flows.speech.hall_words import hall_words
from flows.speech.pools import EnginePool, run
from flows.speech.spoken_text import is_speakable
from flows.speech.synthesis import GTTS_LANGUAGES, GttsFailed
from flows.speech.types import EngineStatus
from kiosk.runtime.workers import PoolBusy, PoolClosed, WorkerError, WorkerPool

logger = logging.getLogger(__name__)

_MEBIBYTE = 1024 * 1024
_CALL_SECONDS = 30.0
_GTTS_PAUSE_SECONDS = 300.0
_ESPEAK, _GTTS = "espeak", "gtts"

_espeak = EnginePool("voice", synthesis.prepare_espeak)
_gtts = EnginePool("gtts", synthesis.prepare_gtts)
_breaker = Breaker(pause_seconds=_GTTS_PAUSE_SECONDS)


def speak(text: str, *, voice: str = "", personal: bool = True) -> bytes:
    """The text as MP3 of one channel. Blocks, for a few milliseconds a sentence; to be called from a thread.

    `voice`: of eSpeak NG, KIOSK_TTS_VOICE where it is empty. `personal`: False for words of the hall's own, which may be kept on
    the disk and spoken by gTTS; texts of the service catalogue are known to be. Raises SpeechError: EMPTY_TEXT, TEXT_TOO_LONG,
    BUSY, FAILED (an unknown voice among others), UNAVAILABLE.
    """
    environment = settings.KIOSK
    # Half a character, as a client may send in JSON, can't be encoded again.
    text = text.strip().encode(errors="ignore").decode()
    voice = voice or environment.tts_voice
    if len(text) > environment.tts_characters:
        raise SpeechError(SpeechErrorCode.TEXT_TOO_LONG, f"文字过长，请控制在 {environment.tts_characters} 字以内")
    if not is_speakable(text):
        raise SpeechError(SpeechErrorCode.EMPTY_TEXT)
    if not VOICE_NAME.fullmatch(voice):
        raise SpeechError(SpeechErrorCode.FAILED, "没有这种语音")
    public = not personal or _is_of_the_hall(text)
    cache = _cache() if public else None
    if environment.tts_engine != _ESPEAK and voice in GTTS_LANGUAGES and (public or environment.external_personal_data):
        audio = _kept(cache, _GTTS, voice, text) or _spoken_by_gtts(cache, voice, text)
        if audio is not None:
            return audio
    return _kept(cache, _ESPEAK, voice, text) or _spoken_by_espeak(cache, voice, text)


def voice_status() -> EngineStatus:
    """Which voices speak, and why."""
    environment = settings.KIOSK
    pool = _espeak.status()
    if _espeak.problem:
        return EngineStatus("", _espeak.problem, pool)
    if environment.tts_engine == _ESPEAK:
        return EngineStatus("eSpeak NG", "KIOSK_TTS_ENGINE=espeak", pool)
    if environment.tts_voice not in GTTS_LANGUAGES:
        return EngineStatus("eSpeak NG", f"gTTS has no voice {environment.tts_voice}", pool)
    if _breaker.problem:
        return EngineStatus("eSpeak NG", f"gTTS is left alone for some minutes: {_breaker.problem}", pool)
    what = "every text" if environment.external_personal_data else "texts without personal data"
    return EngineStatus("gTTS, eSpeak NG", f"gTTS speaks {what}, eSpeak NG the rest", pool)


def warm_up() -> str:
    """Loads eSpeak NG into its processes. Returns why nothing can be spoken; empty where everything is well."""
    pool = _espeak_pool()
    pool.warm_up()
    return _espeak.find_problem(pool, synthesis.check_espeak)


def try_gtts() -> None:
    """Says hello through gTTS, where it is to be used: no citizen has to wait to learn that it can't be reached."""
    if settings.KIOSK.tts_engine != _ESPEAK and settings.KIOSK.tts_voice in GTTS_LANGUAGES:
        _gtts_pool().warm_up()
        _spoken_by_gtts(None, settings.KIOSK.tts_voice, "您好")


def close(*, drain_seconds: float = 0.0) -> None:
    """Ends the worker processes; the next speak() starts new ones."""
    _gtts.close()
    _espeak.close(drain_seconds=drain_seconds)


def _is_of_the_hall(text: str) -> bool:
    try:
        return text in hall_words().texts
    except DatabaseError:
        logger.exception("Spoken as personal data: the database does not answer")
        return False


def _spoken_by_espeak(cache: AudioCache | None, voice: str, text: str) -> bytes:
    audio = run(_espeak_pool(), synthesis.speak_with_espeak, text, voice)
    _keep(cache, _ESPEAK, voice, text, audio)
    return audio


def _spoken_by_gtts(cache: AudioCache | None, voice: str, text: str) -> bytes | None:
    """None where gTTS doesn't answer in time, or hasn't lately."""
    if not _breaker.may_ask():
        return None
    try:
        audio = _gtts_pool().run(synthesis.speak_with_gtts, text, voice, settings.KIOSK.gtts_seconds)
    except (PoolBusy, PoolClosed):
        return None
    except (GttsFailed, WorkerError) as error:
        _breaker.failed(str(error))
        logger.warning("eSpeak NG speaks for the next %.0f s: gTTS: %s", _GTTS_PAUSE_SECONDS, error)
        return None
    _breaker.succeeded()
    _keep(cache, _GTTS, voice, text, audio)
    return audio


def _espeak_pool() -> WorkerPool:
    environment = settings.KIOSK
    return _espeak.use(workers=environment.speech_workers, queue_limit=environment.speech_queue, timeout_seconds=_CALL_SECONDS)


def _gtts_pool() -> WorkerPool:
    return _gtts.use(workers=1, queue_limit=1, timeout_seconds=settings.KIOSK.gtts_seconds)


def _cache() -> AudioCache | None:
    global _audio_cache  # noqa: PLW0603 - one cache a process, made anew when the settings change
    environment = settings.KIOSK
    folder, limit = environment.data_dir / "cache" / "speech", environment.tts_cache_mb * _MEBIBYTE
    if not limit:
        return None
    if _audio_cache is None or (_audio_cache.folder, _audio_cache.limit_bytes) != (folder, limit):
        _audio_cache = AudioCache(folder, limit_bytes=limit)
    return _audio_cache


_audio_cache: AudioCache | None = None


def _kept(cache: AudioCache | None, engine: str, voice: str, text: str) -> bytes | None:
    return None if cache is None else cache.get(_key(engine, voice, text))


def _keep(cache: AudioCache | None, engine: str, voice: str, text: str, audio: bytes) -> None:
    if cache is not None:
        cache.put(_key(engine, voice, text), audio)


def _key(engine: str, voice: str, text: str) -> str:
    return salted_hmac("flows.speech.voice", f"{engine}\0{voice}\0{text}", algorithm="sha256").hexdigest()
