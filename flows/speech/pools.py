"""One pool of worker processes for each speech engine: made at the first call, and anew when its settings change."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from flows.speech.errors import SpeechError, SpeechErrorCode
from kiosk.runtime.workers import PoolBusy, PoolStatus, WorkerError, WorkerPool

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class EnginePool:
    """The processes of one engine. `prepare(*prepare_args)` makes a process ready; other arguments make another pool."""

    def __init__(self, name: str, prepare: Callable[..., None]) -> None:
        self._name = name
        self._prepare = prepare
        self._lock = threading.Lock()
        self._pool: WorkerPool | None = None
        self._made_for: tuple[Any, ...] = ()
        self.problem = ""
        """Why the engine can't be used, where the processes have found out."""

    def use(self, *prepare_args: Any, workers: int, queue_limit: int, timeout_seconds: float) -> WorkerPool:
        """The pool for these settings; one that was made for others is closed."""
        wanted = (prepare_args, workers, queue_limit, timeout_seconds)
        with self._lock:
            former = self._pool
            if former is not None and self._made_for == wanted:
                return former
            self._pool = WorkerPool(
                self._name,
                workers=workers,
                queue_limit=queue_limit,
                timeout_seconds=timeout_seconds,
                prepare=self._prepare,
                prepare_args=prepare_args,
            )
            self._made_for, self.problem = wanted, ""
            pool = self._pool
        if former is not None:
            former.close()
        return pool

    def find_problem(self, pool: WorkerPool, check: Callable[[], str]) -> str:
        """Asks a process why its engine can't be used (`check`), remembers the answer and logs it; empty where all is well."""
        problem = run(pool, check)
        if problem and problem != self.problem:
            logger.error("%s: %s", self._name, problem)
        self.problem = problem
        return problem

    def status(self) -> PoolStatus | None:
        """None while nothing has been asked of this engine."""
        pool = self._pool
        return None if pool is None else pool.status()

    def close(self, *, drain_seconds: float = 0.0) -> None:
        """Ends the processes; the next use() starts new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close(drain_seconds=drain_seconds)


def run(pool: WorkerPool, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The function's result, made in a process of the pool.

    Raises SpeechError: what the function raises itself; BUSY, at once, where the queue is full; FAILED for everything else.
    """
    try:
        return pool.run(function, *args, **kwargs)
    except SpeechError:
        raise
    except PoolBusy:
        raise SpeechError(SpeechErrorCode.BUSY) from None
    except WorkerError as error:
        logger.warning("%s", error)
        raise SpeechError(SpeechErrorCode.FAILED) from None
    except Exception as error:  # noqa: BLE001
        # The edge of the process: an engine's own error. What it says may quote what was said, its kind does not.
        logger.error("%s: %s in a worker process", pool.name, type(error).__name__)  # noqa: TRY400
        raise SpeechError(SpeechErrorCode.FAILED) from None
