"""Listening to a handshake's audio beside the request that brought it, in a bounded number of threads."""

from __future__ import annotations

import functools
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection
from django.utils import timezone

from flows import speech
from flows.dialogue.errors import FlowError, FlowErrorCode
from flows.speech import SpeechError, SpeechErrorCode, Transcript

logger = logging.getLogger(__name__)

_BOOT = secrets.token_hex(8)
_OVERDUE = timedelta(minutes=5)
"""After so long without a sign from another machine its listening is given up."""

Outcome = Transcript | SpeechError
_jobs: dict[int, Future[None]] = {}
_lock = threading.Lock()


def listener() -> str:
    """Names this process in DialogueSession.draft."""
    return f"{socket.gethostname()}/{os.getpid()}/{_BOOT}"


def listen(visit_pk: int, audio: bytes, finish: Callable[[Outcome], None]) -> None:
    """Transcribes in another thread, which then calls `finish`."""
    with _lock:
        _jobs[visit_pk] = _executor().submit(_work, visit_pk, audio, finish)


def check_room() -> None:
    """Raises FlowError (BUSY) where too many utterances are waiting. At the very same moment a few more may come."""
    if len(_jobs) >= _capacity():
        raise FlowError(FlowErrorCode.BUSY, "语音服务繁忙，请稍后再试")


def await_outcome(visit_pk: int, seconds: float) -> None:
    """Waits at most so many seconds until this process has heard the visit's audio to its end; another's is not waited for."""
    job = _jobs.get(visit_pk)
    if job is not None:
        wait([job], timeout=seconds)


def is_lost(visit_pk: int, listening: str, since: datetime) -> bool:
    """Whether nobody listens any more: the process that did is gone."""
    host, pid, boot = [*listening.split("/"), "", "", ""][:3]
    if boot == _BOOT:
        return visit_pk not in _jobs
    if host == socket.gethostname() and (pid == str(os.getpid()) or not _is_running(pid)):
        return True
    return since + _OVERDUE < timezone.now()


_SPEECH_CODES: Final = {
    SpeechErrorCode.UNAVAILABLE: FlowErrorCode.SPEECH_UNAVAILABLE,
    SpeechErrorCode.BUSY: FlowErrorCode.BUSY,
    SpeechErrorCode.TOO_LARGE: FlowErrorCode.TOO_LARGE,
    SpeechErrorCode.NOT_AUDIO: FlowErrorCode.BAD_AUDIO,
    SpeechErrorCode.TOO_LONG: FlowErrorCode.BAD_AUDIO,
    SpeechErrorCode.SILENT: FlowErrorCode.BAD_AUDIO,
}


def flow_error(error: SpeechError) -> FlowError:
    """What went wrong with the sound, as an error of the conversation."""
    return FlowError(_SPEECH_CODES.get(error.code, FlowErrorCode.SPEECH_FAILED), error.message)


def _work(visit_pk: int, audio: bytes, finish: Callable[[Outcome], None]) -> None:
    try:
        finish(_heard(audio))
    except Exception:
        # The edge of a thread that nobody waits for: the visit is found lost by the next request for it.
        logger.exception("Listening for visit %s failed", visit_pk)
    finally:
        connection.close()
        with _lock:
            _jobs.pop(visit_pk, None)


def _heard(audio: bytes) -> Outcome:
    try:
        transcript = speech.transcribe(audio)
    except SpeechError as error:
        return error
    return transcript if transcript.text.strip() else SpeechError(SpeechErrorCode.SILENT)


@functools.cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=_capacity(), thread_name_prefix="listening")


def _capacity() -> int:
    capacity: int = settings.KIOSK.speech_workers + settings.KIOSK.speech_queue
    return capacity


def _is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
