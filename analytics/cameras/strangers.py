"""Which stranger is which: the same face keeps its number while it was seen not long ago, on whatever camera."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from faces.similarity import similarities
from faces.types import Embedding, Metric

MOST: Final = 500


@dataclass(slots=True)
class _Stranger:
    stranger_id: str
    embedding: Embedding = field(repr=False)
    seen_seconds: float


class Strangers:
    """The strangers of the last `keep_seconds`, in memory alone. Safe to be used by several threads."""

    def __init__(self, metric: Metric, threshold: float, keep_seconds: float) -> None:
        self._metric = metric
        self._threshold = threshold
        self._keep_seconds = keep_seconds
        self._known: list[_Stranger] = []
        self._lock = threading.Lock()

    def recall(self, embedding: Embedding, seconds: float) -> str:
        """The stranger_id of this face: that of the most similar recent stranger, or a new one. `seconds` is monotonic."""
        with self._lock:
            self._forget(seconds)
            found = self._most_similar(embedding)
            if found is None:
                found = _Stranger(uuid.uuid4().hex, embedding, seconds)
                self._known.append(found)
            found.seen_seconds = seconds
            return found.stranger_id

    def remember(self, stranger_id: str, embedding: Embedding, seconds: float) -> None:
        """A stranger of before the start."""
        with self._lock:
            self._known.append(_Stranger(stranger_id, embedding, seconds))

    def seen(self, stranger_id: str, seconds: float) -> None:
        """Notes that a stranger is still in view."""
        with self._lock:
            for one in self._known:
                if one.stranger_id == stranger_id:
                    one.seen_seconds = seconds

    def _most_similar(self, embedding: Embedding) -> _Stranger | None:
        if not self._known:
            return None
        scores = similarities(self._metric, embedding, np.stack([one.embedding for one in self._known]))
        best = int(scores.argmax())
        return self._known[best] if scores[best] >= self._threshold else None

    def _forget(self, seconds: float) -> None:
        recent = [one for one in self._known if seconds - one.seen_seconds <= self._keep_seconds]
        self._known = sorted(recent, key=lambda one: one.seen_seconds)[-MOST:]
