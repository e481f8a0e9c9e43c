"""The part of a running server that delivers events to webhooks, on threads of its own."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from analytics.events.news import on_news
from analytics.webhooks.deliveries import deliver_next, due_webhooks, pause_seconds
from kiosk.runtime.services import Service, register_service

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
_RETRY_SECONDS = 5.0
_RECEIVERS_AT_ONCE = 8
_LONGEST_REST_SECONDS = 60.0


class _Deliverer:
    """A thread that looks what is due, and a few that post. Each receiver gets one event at a time; one that fails rests."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._busy: dict[int, Future[None]] = {}
        self._rests: dict[int, tuple[int, float]] = {}
        """Of receivers that did not answer: how often in a row, and until when, by the monotonic clock, they are left alone."""

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()
        on_news(self._wake.set)

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        pause = _LOOK_SECONDS
        with ThreadPoolExecutor(_RECEIVERS_AT_ONCE, thread_name_prefix="webhook") as threads:
            while not self._stop.is_set():
                self._wake.wait(pause)
                self._wake.clear()
                try:
                    self._hand_out(threads)
                    pause = _LOOK_SECONDS
                except DatabaseError:
                    logger.exception("Webhooks can't be looked up; trying again")
                    pause = _RETRY_SECONDS
                finally:
                    close_old_connections()

    def _hand_out(self, threads: ThreadPoolExecutor) -> None:
        self._busy = {webhook: future for webhook, future in self._busy.items() if not future.done()}
        for webhook in due_webhooks(timezone.now()):
            _failures, until = self._rests.get(webhook, (0, 0.0))
            if webhook not in self._busy and time.monotonic() >= until and not self._stop.is_set():
                self._busy[webhook] = threads.submit(self._deliver_to, webhook)

    def _deliver_to(self, webhook: int) -> None:
        """Delivers what is due, until there is nothing more or the receiver fails."""
        try:
            while not self._stop.is_set() and (arrived := deliver_next(webhook)) is not None:
                if not arrived:
                    failures = self._rests.get(webhook, (0, 0.0))[0] + 1
                    rest = min(pause_seconds(failures), _LONGEST_REST_SECONDS)
                    self._rests[webhook] = failures, time.monotonic() + rest
                    return
                self._rests.pop(webhook, None)
        except Exception:
            # The edge of a thread: one receiver's trouble is not the others'. The lease brings the delivery back.
            logger.exception("Webhook %s: a delivery failed", webhook)
            self._rests[webhook] = 1, time.monotonic() + _RETRY_SECONDS
        finally:
            close_old_connections()


_deliverer = _Deliverer()


def register() -> None:
    """Makes the server deliver what is recorded, by whatever process."""
    register_service(Service("webhooks", start=_deliverer.start, stop=_deliverer.stop))
