"""The videos' part of a running server: workers for the jobs, processes for probing and streams."""

from __future__ import annotations

import logging
import threading

from django.conf import settings

from analytics.engines.base import DetectorUnavailable
from analytics.videos import retention
from analytics.videos.engines import detector_spec
from analytics.videos.streaming import close_video_processes, video_processes
from analytics.videos.supervisor import Supervisor
from kiosk.runtime.services import Service, WrongConfiguration, register_service
from kiosk.runtime.workers import WorkerError

logger = logging.getLogger(__name__)

_supervisor: Supervisor | None = None


def register() -> None:
    """Makes the server start and stop this part."""
    retention.register()
    register_service(Service("videos", verify=_verify, start=_start, stop=_stop))


def _verify() -> None:
    try:
        spec, reason = detector_spec()
    except DetectorUnavailable as error:
        raise WrongConfiguration(f"KIOSK_VIDEO_DETECTOR={settings.KIOSK.video_detector}: {error}") from None
    logger.info("Video detector: %s (%s)", spec.name, reason)


def _start() -> None:
    global _supervisor  # noqa: PLW0603 - one a server
    _supervisor = Supervisor(settings.KIOSK.video_workers)
    _supervisor.start()
    threading.Thread(target=_warm_up, name="video-warm-up", daemon=True).start()


def _stop() -> None:
    if _supervisor is not None:
        _supervisor.stop()
    close_video_processes()


def _warm_up() -> None:
    try:
        video_processes().warm_up()
    except (DetectorUnavailable, WorkerError) as error:
        logger.error("The processes for videos do not start: %s", error)  # noqa: TRY400 - one line is enough
