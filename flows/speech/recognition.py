"""Speech to text as the rest of the app calls it: limits, hints from the catalogue, worker processes."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import DatabaseError

from flows.speech import listening
from flows.speech.errors import SpeechError, SpeechErrorCode
from flows.speech.hall_words import hall_words
from flows.speech.listening import ListeningSpec, Reading
from flows.speech.passages import join
from flows.speech.pools import EnginePool, run
from flows.speech.types import EngineStatus, Transcript
from flows.speech.whisper_models import ModelMissing, find_model, pack_name
from kiosk.runtime.workers import WorkerPool

logger = logging.getLogger(__name__)

_MEBIBYTE = 1024 * 1024
_CALL_SECONDS = 90.0
"""Longest time of one utterance in an engine before it is given up."""

_engine = EnginePool("speech recognition", listening.prepare)


def transcribe(recording: bytes, *, on_partial: Callable[[str], None] | None = None) -> Transcript:
    """The words of one utterance: a recording in any container PyAV reads. Blocks for seconds; to be called from a thread.

    With `on_partial`, the recording is read in shorter windows, and the text so far is told after each but the last. Raises
    SpeechError: UNAVAILABLE, at once, without a model; TOO_LARGE, NOT_AUDIO, TOO_LONG, SILENT, BUSY, FAILED.
    """
    pool = _pool()
    limit = settings.KIOSK.audio_mb
    if len(recording) > limit * _MEBIBYTE:
        raise SpeechError(SpeechErrorCode.TOO_LARGE, f"音频文件过大，请控制在 {limit} MB 以内")
    if not recording:
        raise SpeechError(SpeechErrorCode.NOT_AUDIO)
    hints = _hints()
    try:
        if on_partial is None:
            seconds, reading = run(pool, listening.read, recording, hints=hints)
        else:
            seconds, reading = _read_in_parts(pool, recording, hints, on_partial)
    except SpeechError as error:
        if error.code is SpeechErrorCode.UNAVAILABLE:
            _engine.find_problem(pool, listening.check)
        raise
    if not reading.heard.text:
        raise SpeechError(SpeechErrorCode.SILENT)
    return Transcript(reading.heard.text, reading.language, seconds, reading.heard.confidence)


def recognition_status() -> EngineStatus:
    """Which recogniser runs, or why none does."""
    pool = _engine.status()
    try:
        spec = _spec()
    except ModelMissing as error:
        return EngineStatus("", f"{error}; {_mend()}", pool)
    if _engine.problem:
        return EngineStatus("", _engine.problem, pool)
    return EngineStatus(f"faster-whisper {settings.KIOSK.stt_model}", f"its model is in {spec.model}", pool)


def warm_up() -> None:
    """Loads the model into every worker process; without a model, nothing. Logs a model that can't be loaded."""
    try:
        pool = _pool()
    except SpeechError:
        return
    pool.warm_up()
    _engine.find_problem(pool, listening.check)


def close(*, drain_seconds: float = 0.0) -> None:
    """Ends the worker processes; the next transcribe() starts new ones."""
    _engine.close(drain_seconds=drain_seconds)


def _read_in_parts(
    pool: WorkerPool, recording: bytes, hints: Sequence[str], on_partial: Callable[[str], None]
) -> tuple[float, Reading]:
    """One call a window: a process that dies in the middle costs this recording, and long ones let others in between."""
    cut = run(pool, listening.cut, recording, longest_seconds=listening.PARTIAL_SECONDS)
    readings: list[Reading] = []
    for window in cut.windows:
        so_far = join([reading.heard for reading in readings]).text
        if so_far:
            on_partial(so_far)
        language = readings[0].language if readings else ""
        readings.append(run(pool, listening.read_window, window, hints=hints, language=language, before=so_far))
    return cut.seconds, Reading(join([reading.heard for reading in readings]), readings[0].language)


def _pool() -> WorkerPool:
    environment = settings.KIOSK
    try:
        spec = _spec()
    except ModelMissing:
        raise SpeechError(SpeechErrorCode.UNAVAILABLE, f"语音识别未安装，请改用文字输入（管理员：{_mend()}）") from None
    return _engine.use(
        spec, workers=environment.speech_workers, queue_limit=environment.speech_queue, timeout_seconds=_CALL_SECONDS
    )


def _spec() -> ListeningSpec:
    environment = settings.KIOSK
    return ListeningSpec(
        model=find_model(environment.stt_model, whisper_dir=environment.whisper_dir, pack_dir=environment.model_dir / "speech"),
        language=environment.stt_language,
        max_seconds=environment.stt_seconds,
        threads=max(1, (os.cpu_count() or 1) // environment.speech_workers),
    )


def _mend() -> str:
    """The command that installs the model, or for one that the catalogue of packs doesn't know, the folder it belongs into."""
    from kiosk.runtime.packs import CATALOGUE

    name = pack_name(settings.KIOSK.stt_model)
    if any(pack.name == name for pack in CATALOGUE):
        return f"python manage.py models pull {name}"
    return f"python manage.py models pull {name} --job speech --from …"


def _hints() -> tuple[str, ...]:
    try:
        return hall_words().vocabulary
    except DatabaseError:
        # Hearing works without hints; whoever needs the answer next will tell that the database is away.
        logger.exception("No hints for speech recognition: the database does not answer")
        return ()
