"""How well each face engine tells people apart, on a folder of photos that are named by person.

    python -m bench.accuracy [FOLDER] [--threshold 0.4] [--insightface-root FOLDER] [--pack mobile]

The person is the folder a photo lies in, or, directly in FOLDER, the letters its name begins with: obama2.jpg is obama's.
A photo with several faces is left out, since nobody knows which one is meant. Prints the least alike photos of one person and
the most alike of two, and identifies each photo against all others at the threshold.
"""

from __future__ import annotations

import argparse
import itertools
import re
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from bench.engine import SHARED, add_engine_arguments, available_engines, load_rgb, photo_paths
from faces.engines.base import FaceEngine
from faces.similarity import DECISION_POINT, similarities
from faces.types import Embedding, Metric

_LETTERS = re.compile(r"[^\W\d_]+")
_SHOWN_PAIRS = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """One photo of one person."""

    person: str
    name: str
    embedding: Embedding = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photos and how alike they are."""

    similarity: float
    score: float
    """The metric's own: a cosine or a distance."""
    names: str

    def __str__(self) -> str:
        return f"{self.similarity:.3f} ({self.score:.3f}) {self.names}"


def main() -> None:
    """Runs every engine that can run here over the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=SHARED / "testdata" / "faces")
    parser.add_argument("--threshold", type=float, default=DECISION_POINT)
    add_engine_arguments(parser)
    arguments = parser.parse_args()
    paths = photo_paths(arguments.folder)
    if not paths:
        raise SystemExit(f"no photos in {arguments.folder}")
    with tempfile.TemporaryDirectory(prefix="bench-accuracy-") as cache:
        for engine in available_engines(Path(cache), arguments.insightface_root, arguments.pack):
            metric = engine.info.metric
            print(f"\n{engine.info.identity}, similarity ({'cosine' if metric is Metric.COSINE else 'distance'})")
            samples = _embed(engine, arguments.folder, paths)
            if samples:
                matrix = np.stack([similarities(metric, s.embedding, np.stack([o.embedding for o in samples])) for s in samples])
                _print_pairs(metric, samples, matrix)
                _print_identification(samples, matrix, arguments.threshold)


def person_of(path: Path, folder: Path) -> str:
    """Whose photo it is: the folder's name, or the letters the file's name begins with."""
    if path.parent != folder:
        return path.parent.name
    letters = _LETTERS.match(path.stem)
    return letters[0].lower() if letters else path.stem


def _embed(engine: FaceEngine, folder: Path, paths: Sequence[Path]) -> list[Sample]:
    samples, left_out = [], []
    for path in tqdm(paths, desc=engine.info.name, unit="photo", leave=False):
        photo = load_rgb(path)
        faces = engine.detect(photo)
        if len(faces) == 1:
            samples.append(Sample(person_of(path, folder), path.name, engine.embed(photo, faces[0])))
        else:
            left_out.append(f"{path.name} ({len(faces)} faces)")
    people = {sample.person for sample in samples}
    print(f"  {len(samples)} photos of {len(people)} people; left out: {', '.join(left_out) or 'none'}")
    return samples


def _print_pairs(metric: Metric, samples: Sequence[Sample], matrix: npt.NDArray[np.float64]) -> None:
    same: list[Pair] = []
    different: list[Pair] = []
    for (i, first), (j, second) in itertools.combinations(enumerate(samples), 2):
        score = (
            float(first.embedding @ second.embedding)
            if metric is Metric.COSINE
            else float(np.linalg.norm(first.embedding - second.embedding))
        )
        pair = Pair(float(matrix[i, j]), score, f"{first.name} - {second.name}")
        (same if first.person == second.person else different).append(pair)
    for title, pairs, best_first in (("one person, least alike", same, False), ("two people, most alike", different, True)):
        if not pairs:
            print(f"  {title}: no pairs")
            continue
        ordered = sorted(pairs, key=lambda pair: pair.similarity, reverse=best_first)
        mean = statistics.fmean(pair.score for pair in pairs)
        print(f"  {title}, of {len(pairs)} pairs (mean {mean:.3f}):")
        for pair in ordered[:_SHOWN_PAIRS]:
            print(f"    {pair}")


def _print_identification(samples: Sequence[Sample], matrix: npt.NDArray[np.float64], threshold: float) -> None:
    """Each photo as the probe, the others as the gallery: as /recognize would answer."""
    others = matrix.copy()
    np.fill_diagonal(others, -1.0)
    outcomes: dict[str, list[str]] = {"right": [], "wrong": [], "missed": [], "strangers turned away": []}
    for index, probe in enumerate(samples):
        nearest = samples[int(others[index].argmax())]
        known = any(other.person == probe.person for other in samples if other is not probe)
        if others[index].max() < threshold:
            outcome = "missed" if known else "strangers turned away"
        else:
            outcome = "right" if nearest.person == probe.person else "wrong"
        outcomes[outcome].append(probe.name)
    print(f"  identified at {threshold:g}: " + ", ".join(f"{len(names)} {outcome}" for outcome, names in outcomes.items()))
    for outcome in ("wrong", "missed"):
        if outcomes[outcome]:
            print(f"    {outcome}: {', '.join(outcomes[outcome])}")


if __name__ == "__main__":
    main()
