"""The vector index that works out of the box: files on this machine's disk, mapped and shared by all its processes.

A search of a million 512-d embeddings reads 64 MB of sign bits and scores a thousand rows or a few; `python -m bench.search`
measures it. What is kept, and how: `quantise` and `store`; how it is searched: `nearest`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faces.index.base import Entry, Hit
from faces.index.file_index import MOST_THREADS, FileIndex
from faces.index.file_store import wipe
from faces.index.nearest import LEAST_SCORED, Search
from faces.index.quantise import Vectors, quantise
from faces.index.rows import ROWS_AT_ONCE, Ids, slots_where
from faces.index.store import Store
from faces.index.writer import StoreWriter, VectorSnapshot
from faces.types import Embedding, EngineInfo, Metric


class EmbeddedIndex(FileIndex[Entry, VectorSnapshot, StoreWriter]):
    """A VectorIndex in files below `root`, which holds a directory for each engine.

    Besides the errors of VectorIndex and FileIndex, `search` and `apply` raise ValueError for an embedding that is not
    `dimension` finite numbers, or is all zeros under COSINE; `apply` may have added other entries by then, and says no new
    version.
    """

    _what = Store.what
    _rows_at_once = ROWS_AT_ONCE
    _store: Store

    def __init__(
        self, root: Path, engine: EngineInfo, *, lock_timeout_seconds: float = 30.0, least_scored: int = LEAST_SCORED
    ) -> None:
        self._engine = engine
        self._least_scored = least_scored
        self._root = root
        self._lock_timeout_seconds = lock_timeout_seconds
        self._helpers = min(os.cpu_count() or 1, MOST_THREADS) - 1
        with self._errors_reported():
            store = Store(root / directory_name(engine), engine, lock_timeout_seconds=lock_timeout_seconds)
        super().__init__(store, threads=max(1, self._helpers))

    def search(self, probe: Embedding, *, limit: int, person_ids: Collection[int] | None = None) -> list[Hit]:
        probe = self._checked_probe(probe)
        if limit < 1 or (person_ids is not None and not person_ids):
            return []
        wanted = None if person_ids is None else np.fromiter(person_ids, np.int64, len(person_ids))
        return self._unchanged(lambda snapshot: self._search(snapshot, probe, limit, wanted))

    def forget_other_engines(self) -> None:
        own = directory_name(self._engine)
        with self._errors_reported():
            for directory in self._root.iterdir():
                if directory.is_dir() and directory.name != own:
                    wipe(directory, self._what, lock_timeout_seconds=self._lock_timeout_seconds)

    def _put(self, writer: StoreWriter, batch: list[Entry]) -> None:
        samples = np.array([entry.sample_id for entry in batch], np.int64)
        persons = np.array([entry.person_id for entry in batch], np.int64)
        writer.put(samples, persons, *quantise(self._checked(batch), self._engine.metric))

    def _search(self, snapshot: VectorSnapshot, probe: npt.NDArray[np.float32], limit: int, person_ids: Ids | None) -> list[Hit]:
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
