"""The flows app's part of a running server: what it needs to understand and to speak, loaded before the first citizen comes."""

from __future__ import annotations

import logging
import threading

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from flows.slots import warm_up
from flows.speech import SpeechError, recognition, speech_status, voice
from flows.speech.espeak import has_voice
from flows.understanding import understanding
from kiosk.health import NotReady, register_probe
from kiosk.runtime.services import Service, WrongConfiguration, register_service

logger = logging.getLogger(__name__)

_LOADING = "the speech engines are loading"


class _SpeechLoader:
    """A thread that loads the engines once. A recogniser without a model is no problem: the kiosk offers typing."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self.problem = _LOADING

    def start(self) -> None:
        self.problem = _LOADING
        status = speech_status()
        for name, engine in (("recognition", status.recognition), ("voice", status.voice)):
            logger.info("Speech %s: %s (%s)", name, engine.engine or "none", engine.reason)
        self._thread = threading.Thread(target=self._load, name="speech-loader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        recognition.close(drain_seconds=settings.KIOSK.drain_seconds)
        voice.close()
        if self._thread is not None:
            self._thread.join()
            # What it was about to start when everything was closed.
            recognition.close()
            voice.close()

    def _load(self) -> None:
        try:
            problem = voice.warm_up()
            recognition.warm_up()
        except SpeechError as error:
            problem = str(error)
        if problem:
            logger.error("Speech is not ready: %s", problem)
        self.problem = problem
        voice.try_gtts()


def _learn() -> None:
    """Reads the words of citizens and of the catalogue, so that the first request does not wait for it."""
    warm_up()
    try:
        understanding().classify("您好")
    except DatabaseError as error:
        logger.warning("The catalogue could not be learnt yet, the first request will: %s", type(error).__name__)
    finally:
        close_old_connections()


_loader = _SpeechLoader()


def register() -> None:
    """Makes the server start, stop and ask after this app."""
    register_service(Service("speech", verify=_verify, start=_loader.start, prepare=_learn, stop=_loader.stop))
    register_probe("speech", _probe)


def _verify() -> None:
    environment = settings.KIOSK
    if not has_voice(environment.tts_voice):
        raise WrongConfiguration(f"KIOSK_TTS_VOICE={environment.tts_voice}: eSpeak NG has no such voice; cmn is its Mandarin")
    if environment.tts_engine == "gtts" and not environment.external_personal_data:
        raise WrongConfiguration(
            "KIOSK_TTS_ENGINE=gtts sends every text to Google, personal data among them: allow it with"
            " KIOSK_EXTERNAL_PERSONAL_DATA=true, or choose auto, where gTTS speaks nothing but the hall's own words"
        )


def _probe() -> None:
    if _loader.problem:
        raise NotReady(_loader.problem)
