"""One scale for all engines: from a metric's own scores to a similarity between 0 and 1 that asks for a decision at 0.4.

The protocols' thresholds are similarities: 0.4 decides (/recognize 5.0), half of it makes a candidate among `targets`, and above
0.8 a match is a good one (Face Handle API).

COSINE: the cosine itself, 0 where it is negative. Of one person it is 0.53 and more, of two at most 0.30 (bench.accuracy).

EUCLIDEAN (dlib): a logistic curve of the distance, scaled to be exactly 1 at 0:

    distance     0      0.30   0.40   0.47   0.5293  0.5860  0.60   0.80
    similarity   1.00   0.94   0.80   0.60   0.40    0.23    0.20   0.02

0.4 lies at a distance of 0.529, halfway between the farthest photos of one person (0.47) and the nearest of two (0.586) that were
measured on portraits. dlib's customary 0.6, which lets strangers in, is 0.2: good enough for a candidate, never for a decision.

dlib's network knows few faces from East Asia; its users report different people there at distances below 0.5 (dlib's issues 1944
and 2816). Where that matters, install an insightface pack, or run bench.accuracy on photos of the people concerned and raise the
threshold: 0.6 is a distance of 0.47, 0.8 one of 0.40.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from faces.types import Embedding, Metric

DECISION_POINT = 0.4

_MIDDLE_DISTANCE = 0.5
_STEEPNESS = math.log(16) / 0.2
"""Chosen so that a distance of 0.4 is a similarity of 0.8, and 0.6 is 0.2."""
_SCALE = 1 + math.exp(-_STEEPNESS * _MIDDLE_DISTANCE)


def similarity(metric: Metric, first: Embedding, second: Embedding) -> float:
    """How alike two embeddings of one engine are, 0 to 1. Raises ValueError unless both have the same one dimension."""
    if second.ndim != 1:
        raise ValueError(f"embeddings must have one dimension, not shapes {first.shape} and {second.shape}")
    return float(similarities(metric, first, second[np.newaxis])[0])


def similarities(metric: Metric, probe: Embedding, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """How alike the probe (d,) and each row of the matrix (n, d) are: (n,), 0 to 1. Raises ValueError for other shapes."""
    if probe.ndim != 1 or matrix.ndim != 2 or matrix.shape[1] != probe.shape[0]:  # noqa: PLR2004
        raise ValueError(f"a probe (d,) and a matrix (n, d) are needed, not shapes {probe.shape} and {matrix.shape}")
    if metric is Metric.COSINE:
        return from_scores(metric, matrix @ probe)
    return from_scores(metric, np.linalg.norm(matrix - probe, axis=1))


def from_scores(metric: Metric, scores: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The similarities of the metric's own scores: of cosines, or of Euclidean distances. NaN stays NaN."""
    own = np.asarray(scores, dtype=np.float64)
    if metric is Metric.COSINE:
        return np.clip(own, 0.0, 1.0)
    # exp overflows from a distance of 51 on; no similarity is left long before.
    exponents = np.minimum(_STEEPNESS * (own - _MIDDLE_DISTANCE), 700.0)
    return np.clip(_SCALE / (1 + np.exp(exponents)), 0.0, 1.0)


def score_at(metric: Metric, similarity_wanted: float) -> float:
    """The metric's own score at a similarity: the least cosine, or the greatest distance, that reaches it.

    At 0, which everything reaches, -1 for COSINE and infinity for EUCLIDEAN. Raises ValueError outside 0 to 1.
    """
    if not 0.0 <= similarity_wanted <= 1.0:
        raise ValueError(f"a similarity lies between 0 and 1: {similarity_wanted}")
    if metric is Metric.COSINE:
        return similarity_wanted if similarity_wanted > 0 else -1.0
    if similarity_wanted == 0:
        return math.inf
    odds = _SCALE / similarity_wanted - 1
    return max(0.0, _MIDDLE_DISTANCE + math.log(odds) / _STEEPNESS)
