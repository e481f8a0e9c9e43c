"""Embeddings of people who don't exist: to measure galleries larger than anybody has photos for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from faces.index.base import Entry
from faces.types import EngineInfo, Metric

Vectors = npt.NDArray[np.float32]
"""(n, dimension)"""

ROWS_AT_ONCE = 50_000
STRANGERS = 100


@dataclass(frozen=True, slots=True)
class Kind:
    """How embeddings are distributed. Lengths are in units of the spread around the mean."""

    name: str
    dimension: int
    metric: Metric
    samples_a_person: int
    directions: int
    """Over about so many directions the spread is distributed (the participation ratio of its variances)."""
    mean_length: float
    likeness: tuple[float, float]
    """The least and the greatest cosine, seen from the mean, of a probe to its sample and of a sample to its person's centre."""

    @property
    def engine(self) -> EngineInfo:
        return EngineInfo("made up", f"made-up:{self.name}", self.dimension, self.metric)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("even", 512, Metric.COSINE, 1, 512, 0.0, (0.5, 0.8)),
        Kind("uneven", 512, Metric.COSINE, 4, 100, 0.3, (0.5, 0.8)),
        Kind("dlib", 128, Metric.EUCLIDEAN, 2, 30, 2.2, (0.8, 0.95)),
    )
}


@dataclass(frozen=True, slots=True)
class Faces:
    """Enrolled samples, and those who come to be recognised."""

    kind: Kind
    vectors: Vectors = field(repr=False)
    """Samples 0, 1, 2 and so on; the first `samples_a_person` are person 0's."""
    probes: Vectors = field(repr=False)
    """Each a likeness of some sample."""
    strangers: Vectors = field(repr=False)
    """Of persons who are not enrolled."""

    @property
    def title(self) -> str:
        return f"{self.kind.name} {self.kind.dimension}-d, {len(self.vectors):,}"

    @property
    def persons(self) -> int:
        return -(-len(self.vectors) // self.kind.samples_a_person)

    def entries(self) -> Iterator[Entry]:
        return (Entry(i, i // self.kind.samples_a_person, vector) for i, vector in enumerate(self.vectors))


def make_faces(kind: Kind, count: int, probes: int) -> Faces:
    """The same at each call."""
    random = np.random.default_rng(1)
    axes = _axes(kind, random)
    mean = random.standard_normal(kind.dimension, dtype=np.float32)
    mean *= np.float32(kind.mean_length) / np.linalg.norm(mean)
    vectors = np.empty((count, kind.dimension), np.float32)
    step = ROWS_AT_ONCE // kind.samples_a_person * kind.samples_a_person
    for start in range(0, count, step):
        part = vectors[start : start + step]
        centres = _spread(-(-len(part) // kind.samples_a_person), axes, random)
        repeated = np.repeat(centres, kind.samples_a_person, axis=0)[: len(part)]
        part[...] = _likenesses(repeated, axes, kind, random) if kind.samples_a_person > 1 else repeated
    likenesses = _likenesses(vectors[random.integers(0, count, probes)], axes, kind, random)
    strangers = _spread(STRANGERS, axes, random)
    for group in (vectors, likenesses, strangers):
        for start in range(0, len(group), ROWS_AT_ONCE):
            part = group[start : start + ROWS_AT_ONCE]
            part += mean
            if kind.metric is Metric.COSINE:
                part /= np.linalg.norm(part, axis=1, keepdims=True)
    return Faces(kind, vectors, likenesses, strangers)


def _axes(kind: Kind, random: np.random.Generator) -> Vectors:
    """What turns standard normal numbers into vectors of about unit length with the kind's spread."""
    ranks = np.arange(1, kind.dimension + 1)
    falls = [ranks**-decay / (ranks**-decay).sum() for decay in np.linspace(0, 3, 301)]
    variances = min(falls, key=lambda fall: abs(1 / np.square(fall).sum() - kind.directions))
    rotation = np.linalg.qr(random.standard_normal((kind.dimension, kind.dimension)))[0]
    axes: Vectors = (np.sqrt(variances)[:, np.newaxis] * rotation).astype(np.float32)
    return axes


def _spread(count: int, axes: Vectors, random: np.random.Generator) -> Vectors:
    spread: Vectors = random.standard_normal((count, len(axes)), dtype=np.float32) @ axes
    return spread


def _likenesses(vectors: Vectors, axes: Vectors, kind: Kind, random: np.random.Generator) -> Vectors:
    cosines: Vectors = random.uniform(*kind.likeness, (len(vectors), 1)).astype(np.float32)
    noise = _spread(len(vectors), axes, random)
    noise *= np.linalg.norm(vectors, axis=1, keepdims=True) / np.linalg.norm(noise, axis=1, keepdims=True)
    return (cosines * vectors + np.sqrt(1 - cosines**2) * noise).astype(np.float32, copy=False)
