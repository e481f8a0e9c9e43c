"""The vector index that works out of the box: files on this machine's disk, mapped and shared by all its processes.

A search of a million 512-d embeddings reads 64 MB of sign bits and scores a thousand rows or a few; `python -m bench.search`
measures it. What is kept, and how: `quantise` and `store`; how it is searched: `nearest`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faces.index.base import Entry, Hit, IndexUnavailable
from faces.index.nearest import LEAST_SCORED, Search
from faces.index.quantise import Vectors, quantise
from faces.index.rows import ROWS_AT_ONCE, Ids, slots_where
from faces.index.store import Snapshot, Store, wipe
from faces.types import Embedding, EngineInfo, Metric

_MOST_THREADS = 4
"""So many work on one search at most; more would only compete for the memory's bandwidth."""
_ATTEMPTS = 4


class EmbeddedIndex:
    """A VectorIndex in files below `root`, which holds a directory for each engine.

    Open it in each process that uses it, after any fork. Besides the errors of VectorIndex, `search` and `apply` raise ValueError
    for an embedding that is not `dimension` finite numbers, or is all zeros under COSINE; `apply` may have added other entries by
    then, and says no new version. `apply` and `clear` raise IndexUnavailable where another process has been writing for
    longer than `lock_timeout_seconds`. What `apply` adds has to start at the version that `version` last gave here: where the
    index was cleared in between, `apply` raises IndexUnavailable once.
    """

    def __init__(
        self, root: Path, engine: EngineInfo, *, lock_timeout_seconds: float = 30.0, least_scored: int = LEAST_SCORED
    ) -> None:
        self._engine = engine
        self._least_scored = least_scored
        self._root = root
        self._lock_timeout_seconds = lock_timeout_seconds
        with _errors_reported():
            self._store = Store(root / directory_name(engine), engine, lock_timeout_seconds=lock_timeout_seconds)
        self._helpers = min(os.cpu_count() or 1, _MOST_THREADS) - 1
        self._threads = ThreadPoolExecutor(max(1, self._helpers), thread_name_prefix="index-scan")
        self._life: int | None = None
        """The life of the store, between two `clear`, in which this process last saw it; None before it did."""

    @property
    def version(self) -> int:
        with _errors_reported():
            header = self._store.header()
        self._life = header.life
        return header.version

    def __len__(self) -> int:
        with _errors_reported():
            return self._store.header().count

    def apply(self, *, upto: int, added: Iterable[Entry], removed: Collection[int]) -> None:
        with ExitStack() as held:
            with _errors_reported():
                writer = held.enter_context(self._store.writing())
            known, self._life = self._life, writer.header.life
            if known not in {None, writer.header.life}:
                raise IndexUnavailable("the index was cleared meanwhile: read its version again and apply what came later")
            if upto < writer.header.version:
                return  # another process was faster, and went further
            with _errors_reported():
                writer.erase(np.fromiter(removed, np.int64, len(removed)))
            entries = iter(added)
            while batch := list(islice(entries, ROWS_AT_ONCE)):
                samples = np.array([entry.sample_id for entry in batch], np.int64)
                persons = np.array([entry.person_id for entry in batch], np.int64)
                codes, factors = quantise(self._checked(batch), self._engine.metric)
                with _errors_reported():
                    writer.put(samples, persons, codes, factors)
            with _errors_reported():
                writer.finish(upto)

    def search(self, probe: Embedding, *, limit: int, person_ids: Collection[int] | None = None) -> list[Hit]:
        probe = self._checked_probe(probe)
        if limit < 1 or (person_ids is not None and not person_ids):
            return []
        wanted = None if person_ids is None else np.fromiter(person_ids, np.int64, len(person_ids))
        with _errors_reported():
            for _ in range(_ATTEMPTS):
                snapshot = self._store.snapshot()
                hits = self._search(snapshot, probe, limit, wanted)
                header = self._store.header()
                if (header.life, header.generation) == snapshot.key:
                    return hits
            raise IndexUnavailable("the index is being cleared or rebuilt all the time")

    def clear(self) -> None:
        with _errors_reported(), self._store.writing() as writer:
            writer.clear()
            self._life = writer.header.life

    def forget_other_engines(self) -> None:
        own = directory_name(self._engine)
        with _errors_reported():
            for directory in self._root.iterdir():
                if directory.is_dir() and directory.name != own:
                    wipe(directory, lock_timeout_seconds=self._lock_timeout_seconds)

    def close(self) -> None:
        self._store.close()
        self._threads.shutdown()

    def _search(self, snapshot: Snapshot, probe: npt.NDArray[np.float32], limit: int, person_ids: Ids | None) -> list[Hit]:
        search = Search(snapshot, probe, self._engine.metric, limit, self._least_scored)
        if person_ids is not None:
            return search.among(slots_where(snapshot.rows.persons, person_ids))
        if snapshot.frame is None:
            return search.among(np.arange(len(snapshot.rows)))
        return search.by_signs(snapshot.frame, self._threads, self._helpers)

    def _checked(self, batch: list[Entry]) -> Vectors:
        vectors = np.zeros((len(batch), self._store.width), np.float32)
        for vector, entry in zip(vectors, batch, strict=True):
            self._check_shape(entry.embedding)
            vector[: self._engine.dimension] = entry.embedding
        self._check_values(vectors)
        return vectors

    def _checked_probe(self, probe: Embedding) -> npt.NDArray[np.float32]:
        self._check_shape(probe)
        padded = np.zeros(self._store.width, np.float32)
        padded[: self._engine.dimension] = probe
        self._check_values(padded[np.newaxis])
        return padded / np.linalg.norm(padded) if self._engine.metric is Metric.COSINE else padded

    def _check_shape(self, embedding: Embedding) -> None:
        if embedding.shape != (self._engine.dimension,):
            raise ValueError(f"an embedding of shape ({self._engine.dimension},) is needed, got {embedding.shape}")

    def _check_values(self, vectors: Vectors) -> None:
        if not np.isfinite(vectors).all():
            raise ValueError("an embedding must consist of finite numbers")
        if self._engine.metric is Metric.COSINE and not vectors.any(axis=1).all():
            raise ValueError("an embedding that is all zeros has no cosine")


def directory_name(engine: EngineInfo) -> str:
    """Readable, and different for engines that differ in anything."""
    readable = re.sub(r"[^a-z0-9]+", "-", engine.identity.lower()).strip("-")
    exact = hashlib.sha256(f"{engine.identity}\n{engine.dimension}\n{engine.metric.value}".encode()).hexdigest()
    return f"{readable}-{engine.dimension}-{exact[:8]}"


@contextmanager
def _errors_reported() -> Iterator[None]:
    """The disk's errors as IndexUnavailable."""
    try:
        yield
    except OSError as error:
        raise IndexUnavailable(f"the files of the vector index can't be used: {error.strerror}") from error
