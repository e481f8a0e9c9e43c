"""The embedded index, opened in a folder of each test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faces.index.embedded import EmbeddedIndex
from faces.types import EngineInfo, Metric

pytest.register_assert_rewrite("tests.faces.index.contract")

DIMENSION = 16


@pytest.fixture
def open_embedded(tmp_path: Path) -> Iterator[Callable[..., EmbeddedIndex]]:
    """Opens the test's index; each call is as good as another process."""
    opened: list[EmbeddedIndex] = []

    def open_one(*, metric: Metric = Metric.COSINE, dimension: int = DIMENSION, **options: float) -> EmbeddedIndex:
        opened.append(EmbeddedIndex(tmp_path, EngineInfo("fake", "fake:test@1", dimension, metric), **options))
        return opened[-1]

    yield open_one
    for index in opened:
        index.close()


@pytest.fixture
def few_make_signs(monkeypatch: pytest.MonkeyPatch) -> int:
    """So many rows, instead of thousands, are searched by their signs."""
    monkeypatch.setattr("faces.index.writer.SIGNS_FROM", 64)
    return 64
