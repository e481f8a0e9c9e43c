"""Measures the search among enrolled faces beside numpy's exact float32 product over the same faces, in the same run.

    python -m bench.search [--sizes 10000,100000,1000000] [--kinds even,uneven,dlib] [--quick]
    python -m bench.search --only sightings [--quick]      the searches in videos: bench.search_sightings

The faces are made up, so that anybody can run this:

- even: 512-d directions drawn evenly, one sample a person; easier to tell apart than any network's embeddings;
- uneven: 512-d, four samples a person, spread over few directions and around a mean far from the origin, so that strangers'
  cosines to each other scatter by 0.09; harder than a good network's embeddings;
- dlib: 128-d, of uneven length, around a mean still farther away, compared by Euclidean distance, two samples a person.

A probe is a likeness of one enrolled sample; recall@1 is the share of 1,000 probes for which the index names the same sample as
the exact product. Times are medians; numpy and the index take turns of some dozens of calls each.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from bench.made_up_faces import KINDS, ROWS_AT_ONCE, Faces, Kind, Vectors, make_faces
from bench.search_sightings import measure_sightings
from faces.index.base import Entry, VectorIndex
from faces.index.embedded import EmbeddedIndex
from faces.types import Metric

SIZES = (10_000, 100_000, 1_000_000)
PROBES = 1000
TURNS = 5
PRODUCTS_A_TURN = 6
SEARCHES_A_TURN = 60
REST_SECONDS = 0.3
"""For so long numpy's threads keep their processors busy after a product."""
SOME_PROBES = 60
TARGETS = 10_000
"""So many persons does a search among given persons name."""
CHANGES = 25
THREADS = 4
THREAD_SEARCHES = 200

LARGE = 1_000_000
"""From so many samples of LARGE_DIMENSION on, speed, memory and readiness have bars; recall has one always."""
LARGE_DIMENSION = 512
SPEED_BAR = 25
RECALL_BAR = 0.999
MEMORY_BAR_MB = 700
READY_BAR_SECONDS = 10

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Report:
    """Prints figures as they come, and the bars in the end."""

    bars: list[tuple[bool, str]] = field(default_factory=list)

    def figure(self, name: str, value: str, remark: str = "") -> None:
        print(f"  {name:<50}{value:>12}   {remark}".rstrip(), flush=True)

    def bar(self, what: str, *, met: bool) -> None:
        self.bars.append((met, what))

    def close(self) -> bool:
        """Whether every bar is met."""
        print("\nBars")
        for met, what in self.bars:
            print(f"  {'met' if met else 'MISSED':<8}{what}")
        return all(met for met, _ in self.bars)


class Product:
    """numpy's exact search: one float32 product with all samples, and the place of the largest result."""

    def __init__(self, faces: Faces) -> None:
        self._vectors = faces.vectors
        euclidean = faces.kind.metric is Metric.EUCLIDEAN
        self._half_squares = np.einsum("ij,ij->i", faces.vectors, faces.vectors) / 2 if euclidean else None

    def nearest(self, probe: Vectors) -> int:
        near = self._vectors @ probe
        if self._half_squares is not None:
            near -= self._half_squares
        return int(near.argmax())

    def nearest_to_each(self, probes: Vectors, rows: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.intp]:
        """For many probes at once; among the rows that are marked, where given."""
        best = np.full(len(probes), -np.inf, np.float32)
        found = np.zeros(len(probes), np.intp)
        for start in range(0, len(self._vectors), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            near = self._vectors[part] @ probes.T
            if self._half_squares is not None:
                near -= self._half_squares[part, np.newaxis]
            if rows is not None:
                near[~rows[part]] = -np.inf
            places = near.argmax(axis=0)
            values = near[places, np.arange(len(probes))]
            better = values > best
            best[better], found[better] = values[better], start + places[better]
        return found


def timed(times: list[float], call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    start = time.perf_counter()
    answer = call(*args, **kwargs)
    times.append(time.perf_counter() - start)
    return answer


def milliseconds(times: Sequence[float]) -> float:
    return float(np.median(times)) * 1000


def measure_index(report: Report, faces: Faces, index: VectorIndex) -> None:
    """Any index, beside numpy."""
    filling: list[float] = []
    timed(filling, index.apply, upto=1, added=faces.entries(), removed=[])
    report.figure("filling", f"{filling[0]:.1f} s", f"{len(faces.vectors) / filling[0]:,.0f} samples a second")
    product = Product(faces)
    unit = measure_search(report, faces, index, product)
    measure_targets(report, faces, index, product, unit)
    measure_threads(report, faces, index)
    measure_changes(report, faces, index)


def measure_search(report: Report, faces: Faces, index: VectorIndex, product: Product) -> float:
    """Returns the milliseconds that numpy takes."""
    numpy_times: list[float] = []
    times: list[float] = []
    first_times: list[float] = []
    strange_times: list[float] = []
    for turn in range(TURNS):
        for probe in faces.probes[:PRODUCTS_A_TURN]:
            timed(numpy_times, product.nearest, probe)
        time.sleep(REST_SECONDS)
        own, *others = faces.probes[turn * SEARCHES_A_TURN : (turn + 1) * SEARCHES_A_TURN]
        timed(first_times, index.search, own, limit=1)
        for probe in others:
            timed(times, index.search, probe, limit=1)
        for stranger in faces.strangers[turn::TURNS]:
            timed(strange_times, index.search, stranger, limit=1)
    exact = product.nearest_to_each(faces.probes)
    recall = float(np.mean([index.search(probe, limit=1)[0].sample_id for probe in faces.probes] == exact))
    unit, typical, first, strange = (milliseconds(some) for some in (numpy_times, times, first_times, strange_times))
    report.figure("numpy's float32 product", f"{unit:.2f} ms")
    report.figure("search", f"{typical:.2f} ms", f"{unit / typical:.1f} times numpy's speed, recall@1 {recall:.4f}")
    report.figure("search, the first after others used the memory", f"{first:.2f} ms", f"{unit / first:.1f} times numpy's speed")
    report.figure("search for a stranger", f"{strange:.2f} ms", f"{unit / strange:.1f} times numpy's speed")
    report.bar(f"{faces.title}: recall@1 {recall:.4f}, at least {RECALL_BAR}", met=recall >= RECALL_BAR)
    if is_large(faces):
        report.bar(
            f"{faces.title}: {unit / typical:.1f} times numpy's speed, at least {SPEED_BAR}", met=unit / typical >= SPEED_BAR
        )
    return unit


def measure_targets(report: Report, faces: Faces, index: VectorIndex, product: Product, unit: float) -> None:
    """The search among given persons, those of the probes included."""
    probes = faces.probes[:SOME_PROBES]
    likely = product.nearest_to_each(probes) // faces.kind.samples_a_person
    persons = np.union1d(likely, np.linspace(0, faces.persons - 1, min(TARGETS, faces.persons // 2) - SOME_PROBES, dtype=np.intp))
    rows = np.isin(np.arange(len(faces.vectors)) // faces.kind.samples_a_person, persons)
    targets = persons.tolist()
    times: list[float] = []
    found = [timed(times, index.search, probe, limit=1, person_ids=targets)[0].sample_id for probe in probes]
    right = float(np.mean(found == product.nearest_to_each(probes, rows)))
    report.figure(
        f"search among {len(targets):,} given persons",
        f"{milliseconds(times):.2f} ms",
        f"{unit / milliseconds(times):.1f} times the speed of numpy's product with all, recall@1 {right:.3f}",
    )


def measure_threads(report: Report, faces: Faces, index: VectorIndex) -> None:
    """How many searches a second go through when several threads search at once, and when one does."""
    rates = []
    for threads in (1, THREADS):
        with ThreadPoolExecutor(threads) as pool:
            start = time.perf_counter()
            list(pool.map(lambda probe: index.search(probe, limit=1), faces.probes[:THREAD_SEARCHES]))
            rates.append(THREAD_SEARCHES / (time.perf_counter() - start))
    report.figure(f"searches a second by {THREADS} threads", f"{rates[1]:,.0f}", f"by one thread {rates[0]:,.0f}")


def measure_changes(report: Report, faces: Faces, index: VectorIndex) -> None:
    adding: list[float] = []
    removing: list[float] = []
    first = len(faces.vectors) + 1000
    for turn, probe in enumerate(faces.probes[:CHANGES]):
        timed(adding, index.apply, upto=2 + 2 * turn, added=[Entry(first + turn, first + turn, probe)], removed=[])
        timed(removing, index.apply, upto=3 + 2 * turn, added=[], removed=[turn * len(faces.vectors) // CHANGES])
    report.figure("adding one sample", f"{milliseconds(adding):.2f} ms")
    report.figure("removing one sample", f"{milliseconds(removing):.2f} ms")


def measure_embedded(report: Report, faces: Faces) -> None:
    """The embedded index, beside numpy, and what it takes of memory and of the time to start."""
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as folder:
        root = Path(folder)
        index = EmbeddedIndex(root, faces.kind.engine)
        measure_index(report, faces, index)
        index.close()
        del index
        gc.collect()  # unmaps the files, or the system would not forget them
        shared = sum(path.stat().st_blocks * 512 for path in root.rglob("*") if path.is_file()) / 1e6
        forget(root)
        machine = restart(faces, root, boot="00000000-0000-0000-0000-000000000001")
        process = restart(faces, root, boot="00000000-0000-0000-0000-000000000001")
    report.figure("files, shared by all processes", f"{shared:,.0f} MB")
    remark = f"besides {process.faiss_mb:.0f} MB for faiss, most of it shared"
    report.figure("memory of a process's own", f"{process.own_mb:.0f} MB", remark)
    remark = f"of which opening {process.opening_seconds:.3f} s, first search {process.first_search_seconds:.3f} s"
    report.figure("ready after a restart of the process", f"{process.ready_seconds:.2f} s", remark)
    remark = "nothing in memory, every row checked"
    report.figure("ready after a restart of the machine", f"{machine.ready_seconds:.2f} s", remark)
    if is_large(faces):
        report.bar(f"{faces.title}: {shared:,.0f} MB shared, at most {MEMORY_BAR_MB}", met=shared <= MEMORY_BAR_MB)
        slower = max(process.ready_seconds, machine.ready_seconds)
        report.bar(f"{faces.title}: ready in {slower:.2f} s, at most {READY_BAR_SECONDS}", met=slower <= READY_BAR_SECONDS)


def is_large(faces: Faces) -> bool:
    return len(faces.vectors) >= LARGE and faces.kind.dimension == LARGE_DIMENSION


@dataclass(frozen=True, slots=True)
class Restart:
    """What a new process takes until its first answer."""

    ready_seconds: float
    """From before the interpreter starts."""
    opening_seconds: float
    first_search_seconds: float
    own_mb: float
    """Memory that can't be shared, beyond what it had before it opened the index."""
    faiss_mb: float


def restart(faces: Faces, root: Path, boot: str) -> Restart:
    """Opens the index and searches once, in a process of its own, in a run of the machine of that name."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    start = time.perf_counter()
    process = context.Process(target=_restarted, args=(theirs, faces.kind, root, faces.probes[0], boot))
    process.start()
    theirs.close()
    ours.recv()
    ready = time.perf_counter() - start
    opening, searching, own, faiss = ours.recv()
    process.join()
    return Restart(ready, opening, searching, own, faiss)


def _restarted(parent: Connection, kind: Kind, root: Path, probe: Vectors, boot: str) -> None:
    from faces.index import header

    with tempfile.NamedTemporaryFile("w", encoding="ascii", prefix="boot-id-") as boot_id:
        boot_id.write(boot)
        boot_id.flush()
        header._BOOT_ID = Path(boot_id.name)  # noqa: SLF001 - there is no other way to pretend that the machine was restarted
        before = resident_megabytes("Anonymous")
        opening: list[float] = []
        searching: list[float] = []
        index = timed(opening, EmbeddedIndex, root, kind.engine)
        timed(searching, index.search, probe, limit=1)
        parent.send(None)
        after = resident_megabytes("Anonymous")
        index.close()
    parent.send((opening[0], searching[0], after - before, faiss_megabytes()))


def faiss_megabytes() -> float:
    """What importing faiss adds to the resident memory of a process that has numpy."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_import_faiss, args=(theirs,))
    process.start()
    added: float = ours.recv()
    process.join()
    return added


def _import_faiss(parent: Connection) -> None:
    before = resident_megabytes("Rss")
    import faiss  # noqa: F401

    parent.send(resident_megabytes("Rss") - before)


def resident_megabytes(kind: str) -> float:
    """This process's memory: "Rss", or "Anonymous" for what it can't share with others. 0 where the system doesn't tell."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / 1000


def forget(root: Path) -> None:
    """Takes the files out of the system's memory, as if it had just started."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in root.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=list(SIZES))
    parser.add_argument("--kinds", type=lambda text: [KINDS[name] for name in text.split(",")], default=list(KINDS.values()))
    parser.add_argument("--quick", action="store_true", help="no gallery larger than 100,000, no more than a million plates")
    parser.add_argument("--only", choices=["gallery", "sightings"], help="enrolled faces, or faces and plates in videos")
    parser.add_argument("--elasticsearch", default="", help="URL of a server; one is started where none is given")
    return parser.parse_args(arguments)


def main() -> int:
    options = parse_arguments()
    report = Report()
    sizes = [size for size in options.sizes if size <= 100_000 or not options.quick] if options.only != "sightings" else []
    for kind, size in itertools.product(options.kinds, sizes):
        faces = make_faces(kind, size, PROBES)
        print(f"\n{faces.title} samples of {faces.persons:,} persons, {kind.metric.value}, {os.cpu_count()} cores")
        measure_embedded(report, faces)
    if options.only != "gallery":
        measure_sightings(
            report,
            faces=100_000 if options.quick else 1_000_000,
            plates=1_000_000 if options.quick else 10_000_000,
            elasticsearch_faces=20_000 if options.quick else 100_000,
            elasticsearch_plates=50_000 if options.quick else 500_000,
            url=options.elasticsearch,
        )
    return 0 if report.close() else 1


if __name__ == "__main__":
    sys.exit(main())
