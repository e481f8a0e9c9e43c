"""Measures the Elasticsearch index beside numpy's exact product over the same random faces: the hardest case for recall.

python -m bench.elasticsearch_index [--url http://127.0.0.1:9200] [--faces 100000]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from faces.index.base import Entry
from faces.index.elasticsearch import ElasticsearchIndex
from faces.types import Metric

DIMENSION = 512
PROBES = 50
PROBE_COSINE = 0.5
"""Between a probe and the sample it is a likeness of."""
SUBSET = 10_000

Vectors = npt.NDArray[np.float32]


def unit_vectors(count: int, random: np.random.Generator) -> Vectors:
    vectors = random.standard_normal((count, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


@contextmanager
def timed(times: list[float]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    times.append(time.perf_counter() - start)


def measure(index: ElasticsearchIndex, faces: int) -> None:
    random = np.random.default_rng(0)
    samples = unit_vectors(faces, random)
    likenesses = random.integers(0, faces, PROBES)
    probes = PROBE_COSINE * samples[likenesses] + np.float32(np.sqrt(1 - PROBE_COSINE**2)) * unit_vectors(PROBES, random)
    subset = random.choice(faces, min(SUBSET, faces), replace=False).tolist()

    def entries() -> Iterator[Entry]:
        return (Entry(sample_id=i, person_id=i, embedding=sample) for i, sample in enumerate(samples))

    filling: list[float] = []
    with timed(filling):
        index.apply(upto=1, added=entries(), removed=[])
    print(f"{faces} faces applied in {filling[0]:.1f} s, {faces / filling[0]:.0f} a second")

    product: list[float] = []
    searching: list[float] = []
    narrowed: list[float] = []
    found = 0
    for probe in probes:
        with timed(product):
            nearest = int((samples @ probe).argmax())
        with timed(searching):
            hits = index.search(probe, limit=5)
        with timed(narrowed):
            index.search(probe, limit=5, person_ids=subset)
        found += hits[0].sample_id == nearest
    unit = float(np.median(product))
    for name, times in [("search", searching), (f"search among {len(subset)} persons", narrowed), ("numpy's product", product)]:
        print(f"{name}: median {np.median(times) * 1000:.1f} ms, {np.median(times) / unit:.1f} times numpy's product")
    print(f"recall@1: {found / PROBES:.2f}")

    changing: list[float] = []
    for upto in range(2, 12):
        change = [Entry(sample_id=faces + upto, person_id=faces + upto, embedding=probes[0])]
        with timed(changing):
            index.apply(upto=upto, added=change, removed=[upto])
    print(f"one change until all can find it: median {np.median(changing) * 1000:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:9200")
    parser.add_argument("--faces", type=int, default=100_000)
    arguments = parser.parse_args()
    index = ElasticsearchIndex(
        arguments.url,
        name_prefix=f"kiosk-bench-{uuid4().hex}",
        engine_identity="bench",
        dimension=DIMENSION,
        metric=Metric.COSINE,
        timeout_seconds=30,
    )
    try:
        measure(index, arguments.faces)
    finally:
        index.clear()
        index.close()


if __name__ == "__main__":
    main()
