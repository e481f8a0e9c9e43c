"""Trying a device out: does it give pictures? In a process of its own, since decoders may crash or hang."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from analytics.cameras.sources import OPEN_SECONDS, READ_SECONDS, Problem, SourceError, source_of
from analytics.models import MediaDevice

_AT_ONCE: Final = threading.BoundedSemaphore(2)
_LONGEST_SECONDS: Final = OPEN_SECONDS + READ_SECONDS + 5


@dataclass(frozen=True, slots=True)
class Probe:
    """What a device answered."""

    problem: str = ""
    """A Problem, or "" where a picture came."""
    width: int = 0
    height: int = 0
    codec: str = ""


class ProbesBusy(Exception):
    """Others are trying devices out at the moment."""


def try_out(device: MediaDevice) -> Probe:
    """Asks `manage.py probe_camera`; takes as long as the device lets it, at most twenty seconds. Raises ProbesBusy."""
    if not _AT_ONCE.acquire(blocking=False):
        raise ProbesBusy
    try:
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "probe_camera", str(device.pk)]
        done = subprocess.run(command, capture_output=True, timeout=_LONGEST_SECONDS, check=False)  # noqa: S603 - our own command
        return Probe(**json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        return Probe(Problem.TIMED_OUT)
    except json.JSONDecodeError:
        return Probe(Problem.FAILED)
    finally:
        _AT_ONCE.release()


def probe(device: MediaDevice) -> Probe:
    """Opens the device in this process and decodes one picture."""
    try:
        with source_of(device).open() as container:
            stream = container.streams.video[0]
            for picture in container.decode(stream):
                return Probe("", picture.width, picture.height, str(stream.codec_context.name))
    except SourceError as error:
        return Probe(error.problem)
    return Probe(Problem.NO_VIDEO)
