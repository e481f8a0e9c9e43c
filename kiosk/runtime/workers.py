"""Worker processes for engines: a bounded queue in front of a pool of processes that may die without taking the server along.

Engine libraries hold Python's global lock and can crash the process they run in, so nothing of them ever runs in the server.
A call's arguments travel as bytes, its small result comes back. A full queue is an answer (PoolBusy), never a wait.

Each process has pipes of its own. Pools whose processes share a queue and its lock (those of the
standard library, Pebble, loky) hang or break down as a whole when a process is killed while it holds the lock.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import logging
import multiprocessing
import os
import pickle
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

from kiosk.runtime.calls import Call, received
from kiosk.runtime.memory import keep_heap

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# fork would copy the server's threads and locks half-way through whatever they do.
_SPAWN = multiprocessing.get_context("spawn")
_PREPARE_SECONDS = 120.0
_PIPE_BYTES = 1024 * 1024
_NICENESS = 5
_READY = b"ready"


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


@dataclass(slots=True)
class _Waiting:
    """A caller for whom no process is free yet."""

    call: Call
    worker: _Worker | None = None
    """The process that is the caller's now."""
    sent: bool = False
    """Whether it has been given the call already."""
    served: threading.Event = field(default_factory=threading.Event)


class WorkerPool:
    """Runs picklable functions in `workers` processes, started by spawning, each prepared once by `prepare(*prepare_args)`.

    A call is made on the caller's own thread, which talks to a process that nobody else uses meanwhile: the one that was used
    last, whose memory is warm. At most `queue_limit` callers wait for one; whoever is done with a process gives it the next
    caller's work at once, so that it never waits for a thread to wake up. Processes start with the calls that need them.
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
        self._workers = [_Worker(name, prepare, prepare_args, timeout_seconds) for _ in range(workers)]
        self._idle = list(self._workers)
        self._waiting: deque[_Waiting] = deque()

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result, or its exception.

        Raises PoolBusy when the queue is full, PoolClosed after close(), WorkerDied and WorkerTimeout.
        """
        return self.run_while(_nothing, function, *args, **kwargs)

    def run_while(self, meanwhile: Callable[[], None], function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As run(); calls `meanwhile` here while the process is at it, and raises what that raises when the process is done.

        `meanwhile` must not wait for a process of this pool: it may keep the only one.
        """
        call = Call.of(function, args, kwargs)
        worker, sent = self._take(call)
        try:
            sent = sent or worker.send(call)
            try:
                meanwhile()
            finally:
                outcome = worker.make(call, sent=sent)
        finally:
            self._pass_on(worker)
        succeeded, value = pickle.loads(outcome)  # noqa: S301 - from our own process
        if not succeeded:
            raise value
        result: T = value
        return result

    def warm_up(self) -> None:
        """Starts the processes that are not running yet, so that no later call waits for its models to load."""
        with self._lock:
            if self._closed:
                return
            taken, self._idle = self._idle, []
            self._pending += len(taken)
        for worker in taken:
            try:
                worker.warm_up()
            finally:
                self._pass_on(worker)

    def _take(self, call: Call) -> tuple[_Worker, bool]:
        """A process for this call alone, and whether it has the call already."""
        with self._lock:
            if self._closed:
                raise PoolClosed(f"{self.name}: shutting down")
            if self._pending >= self.capacity:
                raise PoolBusy(f"{self.name}: {self.capacity} calls are queued or running")
            self._pending += 1
            if self._idle:
                return self._idle.pop(), False
            waiting = _Waiting(call)
            self._waiting.append(waiting)
        waiting.served.wait()
        assert waiting.worker is not None
        return waiting.worker, waiting.sent

    def _pass_on(self, worker: _Worker) -> None:
        with self._lock:
            self._pending -= 1
            if not self._waiting:
                self._idle.append(worker)
                return
            following = self._waiting.popleft()
        following.sent = worker.send(following.call)
        following.worker = worker
        following.served.set()

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
        for worker in self._workers:
            worker.stop()
        while self._pending:  # whoever was in the middle of a call, or waited for one, lets go of it now
            time.sleep(0.001)
        for worker in self._workers:
            worker.end()


def _nothing() -> None:
    """There is nothing to be done meanwhile."""


class _Worker:
    """One process and its pipes. Used by one thread at a time, but for stop()."""

    def __init__(self, name: str, prepare: Callable[..., None], prepare_args: tuple[Any, ...], timeout_seconds: float) -> None:
        self.died = 0
        self._name = name
        self._prepare = prepare
        self._prepare_args = prepare_args
        self._timeout_seconds = timeout_seconds
        self._stopping = threading.Event()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipes: tuple[Connection, Connection] | None = None
        self._made = 0
        """Calls that the process has answered."""
        # Those that it has begun, counted by itself in memory that both see: to say it by message would wake a thread here.
        self._begun = _SPAWN.RawValue(ctypes.c_uint64, 0)

    def send(self, call: Call) -> bool:
        """Gives a living process its next call ahead of make(); False where there is no such process."""
        if self._pipes is None or self._stopping.is_set():
            return False
        try:
            call.send(self._pipes[1])
        except OSError:
            return False
        return True

    def warm_up(self) -> None:
        """Starts the process where it is not running; one that dies at once is the next call's to report."""
        try:
            self._ready_pipes()
        except (OSError, EOFError):
            self._bury("at its start")

    def make(self, call: Call, *, sent: bool) -> bytes:
        """The pickled outcome of a call that the process has already (`sent`), or gets now. Raises WorkerError."""
        for attempt in range(2):
            if self._stopping.is_set():
                break
            try:
                results, calls = self._ready_pipes()
                if not (sent and attempt == 0):
                    call.send(calls)
                return self._await_outcome(results)
            except (OSError, EOFError):
                # It died while nothing was asked of it: this call has not begun, and gets another process.
                self._bury("while idle" if attempt == 0 else "at its start")
        if self._stopping.is_set():
            raise PoolClosed(f"{self._name}: shutting down")
        raise WorkerDied(f"{self._name}: the worker process does not start")

    def stop(self) -> None:
        """Kills the process, also in the middle of a call of another thread, whose make() then raises PoolClosed."""
        self._stopping.set()
        process = self._process
        if process is not None:
            process.kill()

    def end(self) -> None:
        """Kills the process, waits for its end and closes the pipes."""
        process, self._process = self._process, None
        pipes, self._pipes = self._pipes, None
        for pipe in pipes or ():
            pipe.close()
        if process is not None:
            process.kill()
            process.join()
            process.close()

    def _ready_pipes(self) -> tuple[Connection, Connection]:
        """The pipes from and to a process that has been prepared, started where there is none. Raises EOFError where it dies."""
        if self._pipes is not None:
            return self._pipes
        their_calls, calls = _SPAWN.Pipe(duplex=False)
        results, their_results = _SPAWN.Pipe(duplex=False)
        _widen(calls)
        self._process = _SPAWN.Process(
            target=_run_process,
            args=(their_calls, their_results, self._begun, self._prepare, self._prepare_args),
            name=self._name,
            daemon=True,
        )
        self._pipes = results, calls
        self._made = self._begun.value = 0
        self._process.start()
        their_calls.close()
        their_results.close()
        _expect(results, _READY, _PREPARE_SECONDS)
        return self._pipes

    def _await_outcome(self, results: Connection) -> bytes:
        """The process's answer. Raises EOFError where it died before it began."""
        # The end of the process closes its end of the pipe, so that this wakes up in either case.
        answered = _readable(results, self._timeout_seconds)
        if self._stopping.is_set():
            raise PoolClosed(f"{self._name}: shutting down")
        if not answered:
            self._bury(f"was ended: a call took longer than {self._timeout_seconds:g} s")
            raise WorkerTimeout(f"{self._name}: no answer within {self._timeout_seconds:g} s")
        try:
            outcome = results.recv_bytes()
        except (EOFError, OSError):
            if self._begun.value == self._made:
                raise EOFError from None
            self._bury("in the middle of a call")
            raise WorkerDied(f"{self._name}: the worker process died") from None
        self._made += 1
        return outcome

    def _bury(self, when: str) -> None:
        self.end()
        if not self._stopping.is_set():
            self.died += 1
            logger.error("%s: a worker process died %s; another takes its place", self._name, when)


def _widen(pipe: Connection) -> None:
    """Lets a whole photo into the pipe at once, where the system can: writer and reader need not take turns."""
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _readable(pipe: Connection, seconds: float) -> bool:
    """Waits for a message or for the end of the other side; as Connection.poll(), at a fraction of its cost."""
    poller = select.poll()
    poller.register(pipe.fileno(), select.POLLIN)
    return bool(poller.poll(seconds * 1000))


def _expect(pipe: Connection, message: bytes, seconds: float) -> None:
    """Waits for a message. Raises EOFError where the process says something else, or nothing for so long."""
    if not _readable(pipe, seconds) or pipe.recv_bytes() != message:
        raise EOFError


def _run_process(
    calls: Connection, results: Connection, begun: Any, prepare: Callable[..., None], prepare_args: tuple[Any, ...]
) -> None:
    """The main loop of a worker process: ends with the server's ends of the pipes, however the server ended."""
    import signal

    # Ctrl-C reaches the whole process group; the server ends its workers itself, in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Where cores are short, taking requests in and sending answers out comes before computing them.
    os.nice(_NICENESS)
    keep_heap()
    try:
        prepare(*prepare_args)
        results.send_bytes(_READY)
        while True:
            head = calls.recv_bytes()
            begun.value += 1
            function, args, kwargs = received(head, calls)
            results.send_bytes(_outcome(function, args, kwargs))
    except (EOFError, OSError):
        os._exit(0)


def _outcome(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> bytes:
    try:
        return pickle.dumps((True, function(*args, **kwargs)), protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        # The edge of the process: whatever happened belongs to the caller, if it can travel there.
        logger.debug("a call failed", exc_info=True)
        try:
            return pickle.dumps((False, error), protocol=pickle.HIGHEST_PROTOCOL)
        except Exception:  # noqa: BLE001 - pickling may raise anything
            return pickle.dumps((False, RuntimeError(f"{type(error).__name__} in a worker process")))
