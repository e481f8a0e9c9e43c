"""Several processes on one directory, for real: what one writes all others find, and each may be killed at any moment."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from faces.index.base import Entry, IndexUnavailable
from faces.index.embedded import EmbeddedIndex
from faces.index.store import _as_written
from faces.types import EngineInfo, Metric

DIMENSION = 32
ENGINE = EngineInfo("fake", "fake:test@1", DIMENSION, Metric.COSINE)
RESIDENTS = 4500
"""Samples 1 to 4,500 are never touched; there are enough of them to be searched by signs."""

spawn = multiprocessing.get_context("spawn")


def embedding_of(person):
    """Each person_id has one embedding, so that a hit that mixes two rows gives itself away."""
    vector = np.random.default_rng(abs(person)).standard_normal(DIMENSION, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def entry(sample, revision=0):
    person = 10 * sample + revision
    return Entry(sample, person, embedding_of(person))


def settle(root):
    index = EmbeddedIndex(root, ENGINE)
    index.apply(upto=1, added=(entry(sample) for sample in range(1, RESIDENTS + 1)), removed=[])
    return index


def add_one(root, answers):
    index = EmbeddedIndex(root, ENGINE)
    answers.put(index.search(embedding_of(70), limit=1)[0].sample_id)
    index.apply(upto=2, added=[entry(100_000)], removed=[7])
    answers.put(index.version)


def write_for_ever(root, begun):
    """Adds, replaces and removes, by the hundred and by the thousand; the many free slots make the writer rebuild the files."""
    index = EmbeddedIndex(root, ENGINE)
    random = np.random.default_rng(os.getpid())
    for round_number in count():
        size = 6000 if round_number % 7 == 3 else 150
        chosen = (10_000 + random.choice(12_000, size, replace=False)).tolist()
        added = [entry(sample, round_number % 10) for sample in chosen]
        try:
            version = index.version
            match round_number % 7:
                case 3:
                    index.apply(upto=version + 1, added=[*added, entry(30_000 + round_number)], removed=[])
                case 4:
                    index.apply(upto=version + 1, added=[], removed=range(10_000, 22_000))
                case 1 | 6:
                    index.apply(upto=version + 1, added=added[:1], removed=chosen[1:])
                case _:
                    index.apply(upto=version + 1, added=added, removed=[])
        except IndexUnavailable:
            continue  # the lock was held for too long by a process that the test has stopped
        begun.set()


def start(target, *arguments):
    process = spawn.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def check(index, random):
    """Searches once by a resident's likeness and once by anybody's; what is found has to be true."""
    sample = int(random.integers(1, RESIDENTS + 1))
    [hit] = index.search(embedding_of(10 * sample), limit=1)
    assert (hit.sample_id, hit.person_id) == (sample, 10 * sample)
    probe = random.standard_normal(DIMENSION, dtype=np.float32)
    probe /= np.linalg.norm(probe)
    for hit in index.search(probe, limit=20):
        assert hit.person_id // 10 == hit.sample_id
        assert hit.score == pytest.approx(embedding_of(hit.person_id) @ probe, abs=0.02)


def test_what_one_process_writes_the_other_finds_at_once(tmp_path: Path):
    index = settle(tmp_path)
    answers = spawn.Queue()
    other = start(add_one, tmp_path, answers)
    assert (answers.get(timeout=30), answers.get(timeout=30)) == (7, 2)
    assert index.version == 2
    assert index.search(embedding_of(1_000_000), limit=1)[0].sample_id == 100_000
    assert index.search(embedding_of(70), limit=1)[0].sample_id != 7
    other.join(30)
    index.close()


def test_readers_are_never_wrong_while_another_process_writes(tmp_path: Path):
    index = settle(tmp_path)
    begun = spawn.Event()
    writer = start(write_for_ever, tmp_path, begun)
    generations = set()
    try:
        assert begun.wait(30)
        end = time.monotonic() + 2

        def read(seed):
            random = np.random.default_rng(seed)
            while time.monotonic() < end:
                check(index, random)
                generations.add(index._store.header().generation)

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(read, range(3)))
    finally:
        writer.kill()
        writer.join(30)
        index.close()
    assert len(generations) > 1, "the writer did rebuild the files meanwhile"


def test_killed_writers_leave_a_store_that_the_next_one_mends(tmp_path: Path):
    index = settle(tmp_path)
    random = np.random.default_rng(0)
    for pause in (0.0, 0.05, 0.11, 0.17):
        begun = spawn.Event()
        writer = start(write_for_ever, tmp_path, begun)
        assert begun.wait(30)
        time.sleep(pause)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join(30)
        for _ in range(20):
            check(index, random)
        index.apply(upto=index.version + 1, added=[entry(90_000)], removed=range(10_000, 90_000))
        header = index._store.header()
        assert not header.writing
        assert _as_written(index._store._map(header).rows, header)
        assert len(index) == RESIDENTS + 1
        assert index.search(embedding_of(900_000), limit=1)[0].sample_id == 90_000
    index.close()


def test_stopped_writer_holds_up_other_writers_but_no_search(tmp_path: Path):
    settle(tmp_path).close()
    index = EmbeddedIndex(tmp_path, ENGINE, lock_timeout_seconds=0.1)
    begun, stopped = spawn.Event(), threading.Event()
    writer = start(write_for_ever, tmp_path, begun)
    try:
        assert begun.wait(30)
        random = np.random.default_rng(0)
        deadline = time.monotonic() + 20
        while not stopped.is_set():
            assert time.monotonic() < deadline
            os.kill(writer.pid, signal.SIGSTOP)
            try:
                index.apply(upto=1, added=[], removed=[])
            except IndexUnavailable:
                stopped.set()
                for _ in range(20):
                    check(index, random)
            finally:
                os.kill(writer.pid, signal.SIGCONT)
            time.sleep(0.003)
    finally:
        writer.kill()
        writer.join(30)
        index.close()
