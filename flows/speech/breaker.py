"""Keeps a service that doesn't answer from being asked again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """After a failure, nobody asks for `pause_seconds`; then one does, and a success opens the way to all again."""

    def __init__(self, *, pause_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._asks_again_at: float | None = None
        self.problem = ""
        """Why nobody asks; empty where everybody may."""

    def may_ask(self) -> bool:
        """Whether this caller is to ask. Where it is the one after a pause, all others go on waiting for its answer."""
        with self._lock:
            if self._asks_again_at is None:
                return True
            if self._clock() < self._asks_again_at:
                return False
            self._asks_again_at = self._clock() + self._pause_seconds
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._asks_again_at, self.problem = None, ""

    def failed(self, problem: str) -> None:
        with self._lock:
            self._asks_again_at, self.problem = self._clock() + self._pause_seconds, problem
