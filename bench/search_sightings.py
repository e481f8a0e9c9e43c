"""The searches in videos: a million faces and ten million plates, beside plain ways to do the same, and Elasticsearch.

Called by `python -m bench.search --only sightings`.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import numpy as np

from analytics.plates.search import folded_key, prefilter, search
from analytics.sightings.plate_index.base import PlateEntry, PlateIndex
from analytics.sightings.plate_index.elasticsearch import ElasticsearchPlateIndex
from analytics.sightings.plate_index.embedded import EmbeddedPlateIndex
from bench.made_up_faces import KINDS, Faces, make_faces
from bench.plate_keys import entries, make_keys, misread
from faces.index.base import Entry, VectorIndex
from faces.index.elasticsearch import ElasticsearchIndex
from faces.index.embedded import EmbeddedIndex
from faces.index.nearest import ALL_NEAR_SCORED
from faces.similarity import DECISION_POINT
from tests.live_server import free_port

RESULTS = 100
"""Of one search for a face."""
SIGHTINGS_OF_ONE = 40
PROBES = 40
PRODUCTS = 5
QUERIES = 30
BRUTE_ROWS = 1_000_000
SCAN_ROWS = 1_000_000
"""SQL's scan is measured over so many; its time grows with their number."""
BRUTE_QUERIES = 8
THRESHOLD = 0.75
LIMIT = 50
_RUN = Path(__file__).resolve().parent.parent / "deploy" / "elasticsearch" / "run.sh"


class Report(Protocol):
    def figure(self, name: str, value: str, remark: str = "") -> None: ...

    def bar(self, what: str, *, met: bool) -> None: ...


def measure_sightings(
    report: Report, *, faces: int, plates: int, elasticsearch_faces: int, elasticsearch_plates: int, url: str
) -> None:
    """Every figure of the searches in videos. `url`: of an Elasticsearch server; empty starts one where it can be."""
    with elasticsearch(url) as server:
        _faces(report, faces, "")
        if server:
            _faces(report, elasticsearch_faces, server)
        _plates(report, plates, "")
        if server:
            _plates(report, elasticsearch_plates, server)


@contextmanager
def elasticsearch(url: str) -> Iterator[str]:
    """A server's URL: the one given, or of one that runs as long as this; empty, and why, where none starts."""
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-es-") as folder:
        environment = os.environ | {"ELASTICSEARCH_PORT": str(free_port()), "ELASTICSEARCH_DATA": folder}
        started = subprocess.run([_RUN, "start"], env=environment, capture_output=True, text=True, check=False)
        if started.returncode:
            print(f"\nElasticsearch does not start: {started.stderr.strip()}")
            yield ""
            return
        try:
            yield started.stdout.strip()
        finally:
            subprocess.run([_RUN, "stop"], env=environment, check=False)


def _faces(report: Report, count: int, server: str) -> None:
    faces = make_faces(replace(KINDS["uneven"], name="seen", samples_a_person=SIGHTINGS_OF_ONE), count, PROBES)
    kind = faces.kind
    print(f"\nFaces in videos: {count:,}, 512-d, everybody seen {SIGHTINGS_OF_ONE} times, {_where(server)}")
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as folder:
        index: VectorIndex
        if server:
            index = ElasticsearchIndex(
                server, name_prefix=f"bench-{uuid4().hex}", engine_identity="bench", dimension=kind.dimension, metric=kind.metric,
                timeout_seconds=60,
            )  # fmt: skip
        else:
            index = EmbeddedIndex(Path(folder), kind.engine, least_scored=ALL_NEAR_SCORED)
        try:
            _measure_faces(report, faces, index, bars=not server)
        finally:
            index.clear()
            index.close()


def _measure_faces(report: Report, faces: Faces, index: VectorIndex, *, bars: bool) -> None:
    sightings = (Entry(number, number, vector) for number, vector in enumerate(faces.vectors, 1))
    filling = _timed(lambda: index.apply(upto=1, added=sightings, removed=[]))[0]
    report.figure("filling", f"{filling:.1f} s", f"{len(faces.vectors) / filling:,.0f} a second")

    def product(probe: Any) -> set[int]:
        near = faces.vectors @ probe
        best = np.argpartition(-near, RESULTS)[:RESULTS]
        return {int(place) + 1 for place in best[near[best] >= DECISION_POINT]}

    numpy_times, times, recalls, alike = [], [], [], []
    for turn, probe in enumerate(faces.probes[:PROBES]):
        if turn < PRODUCTS:
            product(probe)
        seconds, hits = _timed(lambda: index.search(probe, limit=RESULTS))  # noqa: B023 - called at once
        plain, exact = _timed(lambda: product(probe))  # noqa: B023
        times.append(seconds)
        numpy_times.append(plain)
        recalls.append(len(exact & {hit.sample_id for hit in hits}) / max(1, len(exact)))
        alike.append(len(exact))
    unit, typical, recall = _median(numpy_times), _median(times), float(np.mean(recalls))
    report.figure("numpy's float32 product and its best", f"{unit:.1f} ms")
    report.figure("search", f"{typical:.1f} ms", f"{unit / typical:.1f} times numpy's speed, recall {recall:.4f}")
    report.figure("results at the threshold, at most", f"{RESULTS}", f"typically {np.median(alike):.0f}")
    if bars:
        what = f"{len(faces.vectors):,} face sightings: recall {recall:.4f} of those at the threshold, at least 0.99"
        report.bar(what, met=recall >= 0.99)


def _plates(report: Report, count: int, server: str) -> None:
    print(f"\nPlates in videos: {count:,}, {_where(server)}")
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as folder:
        index: PlateIndex
        if server:
            index = ElasticsearchPlateIndex(server, name=f"bench-plates-{uuid4().hex}", timeout_seconds=60)
        else:
            index = EmbeddedPlateIndex(Path(folder) / "plates")
        try:
            _measure_plates(report, count, index, Path(folder), is_server=bool(server))
        finally:
            index.clear()
            index.close()


def _measure_plates(report: Report, count: int, index: PlateIndex, folder: Path, *, is_server: bool) -> None:
    filling = _timed(lambda: index.apply(upto=1, added=entries(count), removed=[]))[0]
    report.figure("filling", f"{filling:.1f} s", f"{count / filling:,.0f} a second, making them up included")
    if not is_server:
        size = sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / 1e6
        report.figure("files, shared by all processes", f"{size:,.0f} MB")
    queries = _queries(count)
    scan = _sql_scan(min(count, SCAN_ROWS), folder, queries["misread"]) * max(1, count / SCAN_ROWS) if not is_server else None
    for name, texts in queries.items():
        times = [_timed(lambda: index.search(text, limit=LIMIT, threshold=THRESHOLD))[0] for text in texts]  # noqa: B023
        remark = f"slowest {max(times) * 1000:.0f} ms"
        if scan is not None and name == "misread":
            remark += f"; {scan / np.median(times):.0f} times the speed of SQL's scan for its pieces"
        report.figure(f"search: {name}", f"{_median(times):.1f} ms", remark)
    _changes(report, count, index)
    _recall(report, index, count)


def _queries(count: int) -> dict[str, list[str]]:
    chance = random.Random(7)
    keys = list(make_keys(min(count, 100_000)))
    some = [chance.choice(keys) for _ in range(QUERIES)]
    return {
        "the same plate": some,
        "misread": [misread(chance, key) for key in some],
        "a part of four": [key[2:6] for key in some],
        "two unknown (?)": [f"{key[:3]}??{key[5:]}" for key in some],
        "beginning and end (*)": [f"{key[:3]}*{key[-2:]}" for key in some],
    }


def _sql_scan(count: int, folder: Path, queries: Sequence[str]) -> float:
    """Seconds that SQLite takes to find what contains one of a query's pieces, before anything is scored."""
    connection = sqlite3.connect(folder / "plates.sqlite3")
    try:
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("CREATE TABLE plate (id INTEGER PRIMARY KEY, key TEXT, folded TEXT)")
        rows = ((entry.sighting_id, entry.key, folded_key(entry.key)) for entry in entries(count))
        connection.executemany("INSERT INTO plate VALUES (?, ?, ?)", rows)
        connection.commit()
        times = []
        for query in queries[:3]:
            pieces = prefilter(query, max_edits=2).pieces
            where = " OR ".join(["folded LIKE ?"] * len(pieces))
            ask = f"SELECT count(*) FROM plate WHERE {where}"
            times.append(_timed(lambda: connection.execute(ask, [f"%{piece}%" for piece in pieces]).fetchone())[0])  # noqa: B023
        return float(np.median(times))
    finally:
        connection.close()
        (folder / "plates.sqlite3").unlink()


def _changes(report: Report, count: int, index: PlateIndex) -> None:
    adding, removing = [], []
    for turn in range(10):
        added = [PlateEntry(count + 1000 + turn, "苏D561GM")]
        adding.append(_timed(lambda: index.apply(upto=2 + 2 * turn, added=added, removed=[]))[0])  # noqa: B023
        gone = [count + 1000 + turn]
        removing.append(_timed(lambda: index.apply(upto=3 + 2 * turn, added=[], removed=gone))[0])  # noqa: B023
    report.figure("adding one, removing one", f"{_median(adding):.1f} ms", f"removing {_median(removing):.1f} ms")


def _recall(report: Report, index: PlateIndex, count: int) -> None:
    """Beside analytics.plates.search.search over every plate: the same sightings in the same order."""
    rows = min(count, BRUTE_ROWS)
    index.apply(upto=1000, added=[], removed=range(rows + 1, count + 1)) if rows < count else None
    newest_first = [(entry.sighting_id, entry.key) for entry in entries(rows)][::-1]
    chance = random.Random(9)
    times, found, wanted = [], 0, 0
    for _ in range(BRUTE_QUERIES):
        query = misread(chance, chance.choice(newest_first)[1])
        seconds, exact = _timed(lambda: search(query, newest_first, limit=LIMIT, threshold=THRESHOLD))  # noqa: B023
        times.append(seconds)
        hits = {hit.sighting_id for hit in index.search(query, limit=LIMIT, threshold=THRESHOLD)}
        found += len(hits & {match.key for match in exact})
        wanted += len(exact)
    recall = found / max(wanted, 1)
    remark = f"recall of the index {recall:.4f} over {wanted} results"
    report.figure(f"plain Python over {rows:,} of them", f"{np.median(times):.2f} s", remark)
    report.bar(f"{count:,} plates: recall {recall:.4f} of what a look at every plate finds, at least 0.999", met=recall >= 0.999)


def _where(server: str) -> str:
    return "Elasticsearch" if server else "embedded index"


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    answer = call()
    return time.perf_counter() - start, answer


def _median(times: Sequence[float]) -> float:
    return float(np.median(times)) * 1000
