"""Worker processes for engines: a bounded queue in front of a pool of processes that may die without taking the server along.

Engine libraries hold Python's global lock and can crash the process they run in, so nothing of them ever runs in the server.
A call's arguments travel as bytes, its small result comes back. A full queue is an answer (PoolBusy), never a wait.

Each process has a pipe and a thread of the server of its own. Pools whose processes share a queue and its lock (those of the
standard library, Pebble, loky) hang or break down as a whole when a process is killed while it holds the lock.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, ParamSpec, TypeVar

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# fork would copy the server's threads and locks half-way through whatever they do.
_SPAWN = multiprocessing.get_context("spawn")
_PREPARE_SECONDS = 120.0
_READY = b"ready"
_BEGUN = b"begun"


class WorkerError(Exception):
    """A call that a pool could not carry out; the caller's work may be tried again."""


class PoolBusy(WorkerError):
    """The queue is full; nothing was started."""


class WorkerDied(WorkerError):
    """The process died in the middle of the call; another takes its place."""


class WorkerTimeout(WorkerError):
    """The call took too long and its process was ended; another takes its place."""


class PoolClosed(WorkerError):
    """The pool is shutting down."""


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """What a status page shows of a pool."""

    name: str
    workers: int
    pending: int
    """Calls queued or running."""
    capacity: int
    """Calls that may be queued or running before the answer is PoolBusy."""
    died: int
    """Processes that died or were ended since the start."""


@dataclass(frozen=True, slots=True)
class _Call:
    payload: bytes
    future: Future[Any]


class WorkerPool:
    """Runs picklable functions in `workers` processes, started by spawning, each prepared once by `prepare(*prepare_args)`.

    At most `queue_limit` calls wait besides those that run. Processes start with the first calls. Safe to use from any thread.
    """

    def __init__(
        self,
        name: str,
        *,
        workers: int,
        queue_limit: int,
        timeout_seconds: float,
        prepare: Callable[..., None],
        prepare_args: tuple[Any, ...] = (),
    ) -> None:
        if workers < 1 or queue_limit < 1:
            raise ValueError("workers and queue_limit must be at least 1")
        self.name = name
        self.workers = workers
        self.capacity = workers + queue_limit
        self._lock = threading.Lock()
        self._pending = 0
        self._closed = False
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._workers = [_Worker(self, prepare, prepare_args, timeout_seconds) for _ in range(workers)]

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queues one call. Raises PoolBusy when the queue is full and PoolClosed after close().

        The future ends with the function's result or exception, WorkerDied, WorkerTimeout or PoolClosed.
        """
        payload = pickle.dumps((function, args, kwargs), protocol=pickle.HIGHEST_PROTOCOL)
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise PoolClosed(f"{self.name}: shutting down")
            if self._pending >= self.capacity:
                raise PoolBusy(f"{self.name}: {self.capacity} calls are queued or running")
            self._pending += 1
            for worker in self._workers:
                worker.start()
            self._calls.put(_Call(payload, future))
        return future

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Queues one call and waits for its result."""
        return self.submit(function, *args, **kwargs).result()

    def status(self) -> PoolStatus:
        died = sum(worker.died for worker in self._workers)
        return PoolStatus(self.name, self.workers, self._pending, self.capacity, died)

    def close(self, *, drain_seconds: float = 0.0) -> None:
        """Lets calls end for at most `drain_seconds`, then ends the processes. Calls that are left raise PoolClosed."""
        with self._lock:
            self._closed = True
        deadline = time.monotonic() + drain_seconds
        while self._pending and time.monotonic() < deadline:
            time.sleep(0.01)
        for _worker in self._workers:
            self._calls.put(None)
        for worker in self._workers:
            worker.stop()

    def next_call(self) -> _Call | None:
        """The next call to make; None when the pool is closed. For the workers."""
        call = self._calls.get()
        if call is not None and not call.future.set_running_or_notify_cancel():
            self.done()
            return self.next_call()
        return call

    def done(self) -> None:
        """One call less is queued or running. For the workers."""
        with self._lock:
            self._pending -= 1


class _Worker:
    """One process, its pipe, and the thread that hands it calls and waits for their results."""

    def __init__(
        self, pool: WorkerPool, prepare: Callable[..., None], prepare_args: tuple[Any, ...], timeout_seconds: float
    ) -> None:
        self.died = 0
        self._pool = pool
        self._prepare = prepare
        self._prepare_args = prepare_args
        self._timeout_seconds = timeout_seconds
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=f"{self._pool.name}-worker", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the process, also in the middle of a call."""
        self._stopping.set()
        process = self._process
        if process is not None:
            process.kill()
        if self._thread is not None:
            self._thread.join()

    def _serve(self) -> None:
        while (call := self._pool.next_call()) is not None:
            try:
                succeeded, value = self._make(call.payload)
            except WorkerError as error:
                succeeded, value = False, error
            self._pool.done()
            if succeeded:
                call.future.set_result(value)
            else:
                call.future.set_exception(value)
        self._end_process()

    def _make(self, payload: bytes) -> tuple[bool, Any]:
        """Whether the call succeeded, and its result or exception. Raises WorkerError."""
        for attempt in range(2):
            if self._stopping.is_set():
                break
            try:
                pipe = self._ready_pipe()
                pipe.send_bytes(payload)
                _expect(pipe, _BEGUN, self._timeout_seconds)
            except (OSError, EOFError):
                # It died while nothing was asked of it: this call has not begun, and gets another process.
                self._bury("while idle" if attempt == 0 else "at its start")
                continue
            return self._await_result(pipe)
        if self._stopping.is_set():
            raise PoolClosed(f"{self._pool.name}: shutting down")
        raise WorkerDied(f"{self._pool.name}: the worker process does not start")

    def _ready_pipe(self) -> Connection:
        """The pipe to a living process that has been prepared. Raises EOFError where it died meanwhile."""
        if self._pipe is not None and self._process is not None and self._process.is_alive():
            return self._pipe
        if self._process is not None:
            self._bury("while idle")
        ours, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_run_process, args=(theirs, self._prepare, self._prepare_args), name=self._pool.name, daemon=True
        )
        self._pipe = ours
        self._process.start()
        theirs.close()
        _expect(ours, _READY, _PREPARE_SECONDS)
        return ours

    def _await_result(self, pipe: Connection) -> tuple[bool, Any]:
        assert self._process is not None
        ready = wait([pipe, self._process.sentinel], timeout=self._timeout_seconds)
        if self._stopping.is_set():
            raise PoolClosed(f"{self._pool.name}: shutting down")
        if not ready:
            self._bury(f"ended: a call took longer than {self._timeout_seconds:g} s")
            raise WorkerTimeout(f"{self._pool.name}: no answer within {self._timeout_seconds:g} s")
        try:
            # The result of a process that died right after sending it is still in the pipe.
            result: tuple[bool, Any] = pickle.loads(pipe.recv_bytes())  # noqa: S301 - from our own process
        except (EOFError, OSError):
            self._bury("in the middle of a call")
            raise WorkerDied(f"{self._pool.name}: the worker process died") from None
        return result

    def _bury(self, when: str) -> None:
        self._end_process()
        if not self._stopping.is_set():
            self.died += 1
            logger.error("%s: a worker process died %s; another takes its place", self._pool.name, when)

    def _end_process(self) -> None:
        process, self._process = self._process, None
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.close()
        if process is not None:
            process.kill()
            process.join()
            process.close()


def _expect(pipe: Connection, message: bytes, seconds: float) -> None:
    """Waits for a message. Raises EOFError where the process says something else, or nothing for so long."""
    if not pipe.poll(seconds) or pipe.recv_bytes() != message:
        raise EOFError


def _run_process(pipe: Connection, prepare: Callable[..., None], prepare_args: tuple[Any, ...]) -> None:
    """The main loop of a worker process: ends with the server's end of the pipe, however the server ended."""
    import signal

    # Ctrl-C reaches the whole process group; the server ends its workers itself, in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        prepare(*prepare_args)
        pipe.send_bytes(_READY)
        while True:
            payload = pipe.recv_bytes()
            pipe.send_bytes(_BEGUN)
            function, args, kwargs = pickle.loads(payload)  # noqa: S301 - from our own server
            pipe.send_bytes(_outcome(function, args, kwargs))
    except (EOFError, OSError):
        os._exit(0)


def _outcome(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    try:
        return pickle.dumps((True, function(*args, **kwargs)), protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        # The edge of the process: whatever happened belongs to the caller, if it can travel there.
        logger.debug("a call failed", exc_info=True)
        try:
            return pickle.dumps((False, error), protocol=pickle.HIGHEST_PROTOCOL)
        except Exception:  # noqa: BLE001 - pickling may raise anything
            return pickle.dumps((False, RuntimeError(f"{type(error).__name__} in a worker process")))
