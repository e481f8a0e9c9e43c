"""/healthz says that the process answers; /readyz that it can do its work. Both are open and tell nothing about anybody."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

logger = logging.getLogger(__name__)


class NotReady(Exception):
    """A part that can't do its work now; the message is one plain line without data."""


Probe = Callable[[], None]
_probes: dict[str, Probe] = {}
_lock = threading.Lock()


def register_probe(name: str, probe: Probe) -> None:
    """Adds a part to /readyz; `probe` returns quickly, raises NotReady, or is left out once the process is stopping."""
    with _lock:
        _probes[name] = probe


class LoopLag:
    """The longest the event loop was kept from its work, in each of the last two half minutes."""

    _SPAN_SECONDS = 30.0

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._now = 0.0
        self._before = 0.0

    def note(self, seconds: float) -> None:
        """To be called from the loop, often."""
        if time.monotonic() - self._since > self._SPAN_SECONDS:
            self._before, self._now, self._since = self._now, 0.0, time.monotonic()
        self._now = max(self._now, seconds)

    @property
    def worst_ms(self) -> float:
        """Of the last half to whole minute."""
        return round(max(self._now, self._before) * 1000, 1)


loop_lag = LoopLag()


def healthz(_request: HttpRequest) -> JsonResponse:
    """200 as long as the process can answer at all, with how long its event loop was held up at worst in the last minute."""
    return JsonResponse({"status": "ok", "event_loop_lag_ms": loop_lag.worst_ms})


def readiness() -> dict[str, str]:
    """Every part, with why it can't do its work now; "" where it can."""
    problems: dict[str, str] = {}
    for name, probe in {"database": _database, **_probes}.items():
        try:
            probe()
        except NotReady as error:
            problems[name] = str(error)
        else:
            problems[name] = ""
    return problems


def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when every part is ready, else 503; the parts stand under `checks`."""
    checks = {name: problem or "ok" for name, problem in readiness().items()}
    ready = all(result == "ok" for result in checks.values())
    response = JsonResponse({"status": "ok" if ready else "not ready", "checks": checks}, status=200 if ready else 503)
    # Django would log every 503 as an error: whoever asks every second knows.
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    return response


def _database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        logger.exception("The database does not answer")
        raise NotReady("the database does not answer") from None
