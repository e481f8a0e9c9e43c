"""How embeddings are kept: an int8 code each, which scores it, and 512 sign bits, which say whether it is worth scoring.

A code counts in steps of a 127th of the embedding's own largest component: no engine's range has to be known, nothing is clipped.

The signs are those of the components along random axes, the gallery's mean being the origin. The signs of two embeddings differ
on a share of angle / pi of the axes, whatever their distribution (M. Charikar, "Similarity estimation techniques from rounding
algorithms", 2002): so the rows that differ least are those worth scoring, and `SignFrame.reach` says how far one has to go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.types import Metric

Vectors = npt.NDArray[np.float32]
"""(n, width): embeddings, padded with zeros to the width of the codes."""
Codes = npt.NDArray[np.int8]
"""(n, width): round(vector * 127 / the vector's largest component)."""
Factors = npt.NDArray[np.float32]
"""(n, 2): what a code is to be multiplied by, and the squared norm of the product."""
Signs = npt.NDArray[np.uint8]
"""(n, SIGN_BYTES): packed bits."""
Probe = npt.NDArray[np.float32]
"""(width,): an embedding to compare with, padded likewise."""
Slots = npt.NDArray[np.intp]
"""(n,): row numbers."""

SIGN_BITS = 512
SIGN_BYTES = SIGN_BITS // 8

_REACH_DEVIATIONS = 3.5
"""A sign distance exceeds its mean by more than so many standard deviations once in 4,000 times."""
_BLOCK_ELEMENTS = 1 << 17
"""So many codes are turned into float32 at once: the result stays in a core's cache."""
_AXES_SEED = 20250601


def code_width(dimension: int) -> int:
    """How long codes are: whole 64-bit words."""
    return -(-dimension // 8) * 8


def quantise(vectors: Vectors, metric: Metric) -> tuple[Codes, Factors]:
    """The codes of finite vectors; under COSINE of vectors other than zero, whatever their length."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    steps = np.divide(127, largest, out=np.zeros_like(largest), where=largest > 0)
    rounded = np.rint(vectors * steps)
    squared_norms = np.einsum("ij,ij->i", rounded, rounded)
    factors = np.empty((len(vectors), 2), np.float32)
    if metric is Metric.COSINE:
        factors[:, 0] = 1 / np.sqrt(squared_norms)
        factors[:, 1] = 1
    else:
        factors[:, 0] = largest[:, 0] / 127
        factors[:, 1] = squared_norms * np.square(factors[:, 0])
    return rounded.astype(np.int8), factors


def dequantise(codes: Codes, factors: Factors) -> Vectors:
    """The vectors that the codes stand for; of unit length under COSINE."""
    return codes * factors[:, :1]


def nearness(codes: Codes, factors: Factors, slots: Slots, probe: Probe, metric: Metric) -> npt.NDArray[np.float32]:
    """How near the rows at `slots` are to the probe (width,): larger is nearer, see `score`."""
    dots = np.empty(len(slots), np.float32)
    block = max(1, _BLOCK_ELEMENTS // codes.shape[1])
    buffer = np.empty((min(block, len(slots)), codes.shape[1]), np.float32)
    for start in range(0, len(slots), block):
        part = slots[start : start + block]
        rows = buffer[: len(part)]
        rows[...] = codes.take(part, axis=0)
        np.dot(rows, probe, out=dots[start : start + block])
    scales, squared_norms = factors.take(slots, axis=0).T
    dots *= scales
    return dots if metric is Metric.COSINE else dots - squared_norms / 2


def score(near: float, probe: Probe, metric: Metric) -> float:
    """The metric's own number for a nearness: the cosine of a probe of unit length, or the Euclidean distance."""
    if metric is Metric.COSINE:
        return near
    return math.sqrt(max(0.0, float(probe @ probe) - 2 * near))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SignFrame:
    """The origin and the axes that a gallery's signs refer to."""

    mean: npt.NDArray[np.float32]
    """(width,)"""
    axes: npt.NDArray[np.float32]
    """(width, SIGN_BITS): columns of unit length, orthogonal to each other in groups of `width`."""

    @classmethod
    def fit(cls, vectors: Vectors) -> SignFrame:
        """A frame for vectors like these."""
        width = vectors.shape[1]
        random = np.random.default_rng(_AXES_SEED)
        groups = [np.linalg.qr(random.standard_normal((width, width)))[0] for _ in range(-(-SIGN_BITS // width))]
        axes = np.concatenate(groups, axis=1)[:, :SIGN_BITS]
        return cls(mean=vectors.mean(axis=0), axes=np.ascontiguousarray(axes, dtype=np.float32))

    def signs(self, vectors: Vectors) -> Signs:
        return np.packbits((vectors - self.mean) @ self.axes > 0, axis=1)

    def reach(self, probe: Probe, vector: Probe, metric: Metric) -> float:
        """The sign distance from the probe that hardly any row lies beyond which is as near to the probe as `vector` is."""
        a, b = probe - self.mean, vector - self.mean
        length = float(np.linalg.norm(a)) or 1.0
        if metric is Metric.COSINE:
            angle = math.acos(_clipped(float(a @ b) / (length * (float(np.linalg.norm(b)) or 1.0))))
        else:
            # Lengths differ, and a row at the same distance may lie off at a wider angle: at most where it touches the sphere.
            angle = math.asin(_clipped(float(np.linalg.norm(a - b)) / length))
        share = angle / math.pi
        return SIGN_BITS * share + _REACH_DEVIATIONS * math.sqrt(SIGN_BITS * share * (1 - share))


def _clipped(ratio: float) -> float:
    return min(1.0, max(-1.0, ratio))
