"""The pool of worker processes: busy when full, a dead process costs one call, order at the end."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kiosk.runtime.workers import PoolBusy, PoolClosed, WorkerDied, WorkerPool, WorkerTimeout

_prepared: list[str] = []


def prepare(value: str) -> None:
    _prepared.append(value)


def prepared() -> list[str]:
    return _prepared


def pid() -> int:
    return os.getpid()


def double(value: int) -> int:
    return 2 * value


def fail() -> None:
    raise LookupError("on purpose")


def wait_for(path: Path) -> str:
    while not path.exists():
        time.sleep(0.01)
    return path.name


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def make_pool(**options) -> WorkerPool:
    options = {"workers": 1, "queue_limit": 2, "timeout_seconds": 20, "prepare": prepare, "prepare_args": ("ready",)} | options
    return WorkerPool("tests", **options)


class Running:
    """A call under way on a thread of its own."""

    def __init__(self, pool: WorkerPool, function, *args) -> None:
        self._executor = ThreadPoolExecutor(1)
        pending = pool.status().pending
        self._future = self._executor.submit(pool.run, function, *args)
        while pool.status().pending == pending and not self._future.done():
            time.sleep(0.005)

    def result(self):
        return self._future.result(timeout=30)


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    made = make_pool()
    yield made
    made.close()


def digests(*values: bytes | int) -> list[str | int]:
    return [hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value for value in values]


@pytest.mark.parametrize("sizes", [[0], [64 * 1024 - 1], [64 * 1024], [400_000, 3], [5_000_000, 1_000_000]], ids=str)
def test_large_arguments_arrive_as_they_were_sent(pool, sizes):
    values = [os.urandom(size) for size in sizes]
    for _ in range(2):
        assert pool.run(digests, 1, *values, 2) == digests(1, *values, 2)


def test_something_is_done_while_the_process_works(pool, tmp_path):
    signal_file = tmp_path / "go"
    assert pool.run_while(signal_file.touch, wait_for, signal_file) == "go"


def test_what_fails_meanwhile_leaves_the_process_in_order(pool):
    with pytest.raises(LookupError, match="on purpose"):
        pool.run_while(fail, double, 1)
    assert pool.run(double, 21) == 42


def test_runs_in_a_prepared_process(pool):
    assert pool.run(double, 21) == 42
    assert pool.run(pid) != os.getpid()
    assert pool.run(prepared) == ["ready"]


def test_an_exception_is_the_callers(pool):
    with pytest.raises(LookupError, match="on purpose"):
        pool.run(fail)
    assert pool.run(double, 1) == 2
    assert pool.status().died == 0


def test_full_queue_is_busy_at_once(pool, tmp_path):
    gate = tmp_path / "gate"
    futures = [Running(pool, wait_for, gate) for _ in range(3)]

    started = time.monotonic()
    with pytest.raises(PoolBusy):
        pool.run(double, 1)

    assert time.monotonic() - started < 0.5
    assert pool.status().pending == pool.status().capacity == 3
    gate.touch()
    assert [future.result() for future in futures] == ["gate"] * 3
    assert pool.run(double, 4) == 8
    assert pool.status().pending == 0


def test_a_process_killed_in_a_call_costs_that_call(pool):
    with pytest.raises(WorkerDied):
        pool.run(die)
    assert pool.run(double, 3) == 6
    assert pool.status().died == 1


@pytest.mark.parametrize("pause", [0, 0.5], ids=["at once", "after it was noticed"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_process_killed_while_idle_costs_nothing(workers, pause):
    pool = make_pool(workers=workers)
    try:
        for _ in range(5):
            os.kill(pool.run(pid), signal.SIGKILL)
            time.sleep(pause)
            assert pool.run(double, 3) == 6
    finally:
        pool.close()


def test_a_call_that_takes_too_long_is_ended(tmp_path):
    pool = make_pool(timeout_seconds=0.5)
    try:
        stuck = pool.run(pid)
        with pytest.raises(WorkerTimeout):
            pool.run(wait_for, tmp_path / "never")
        assert pool.run(pid) != stuck
    finally:
        pool.close()


def test_close_lets_a_running_call_end(tmp_path):
    pool = make_pool()
    gate = tmp_path / "gate"
    future = Running(pool, wait_for, gate)
    threading.Timer(0.5, gate.touch).start()
    pool.close(drain_seconds=20)
    assert future.result() == "gate"


def test_close_ends_processes_and_calls(tmp_path):
    pool = make_pool()
    worker = pool.run(pid)
    future = Running(pool, wait_for, tmp_path / "never")
    time.sleep(0.2)
    pool.close()
    with pytest.raises(PoolClosed):
        future.result()
    with pytest.raises(PoolClosed):
        pool.run(double, 1)
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


@pytest.mark.parametrize("options", [{"workers": 0}, {"queue_limit": 0}], ids=["no worker", "no queue"])
def test_needs_workers_and_a_queue(options):
    with pytest.raises(ValueError, match="at least 1"):
        make_pool(**options)
