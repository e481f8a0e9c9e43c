"""How the camera's exposure has changed between two looks at the same things."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analytics.engines.arrays import FloatArray, Picture

BINS = 10
SAMPLES = 25
"""Pixels that a bin of brightness needs before its gain may differ from the whole picture's."""
LEAST_SHARE = 0.01
"""Of all pixels, for the same."""
LEEWAY = 0.2
"""How much a bin's gain may differ from the whole picture's: a large object must not become a tone curve of its own."""
DARKEST = 8
"""Below, one grey level is more than a tenth, and a ratio says nothing."""
GAIN_RANGE = (0.05, 20.0)
_GAIN_SPACE = 32
"""More than any gain."""
_LEVELS = np.arange(256)
_MIDDLES = (np.arange(BINS) + 0.5) * (256 / BINS)


def tone_curves(learnt: FloatArray, seen: FloatArray) -> FloatArray:
    """The gains (256, 3), by learnt brightness and colour, that map `learnt` to `seen`: the same n pixels, n x 3 each.

    Each colour has its own curve, for the white balance: the median of the ratios in bins of brightness, near the median of
    all. An automatic exposure brightens dark pixels by another factor than bright ones, but not by any factor.
    """
    usable = learnt > DARKEST
    before = learnt[usable]
    colours = np.nonzero(usable)[1].astype(np.float32)
    ratio = np.minimum(seen[usable] / before, _GAIN_SPACE - 1)
    totals, wholes = _medians(colours, ratio, 3)
    whole = np.clip(wholes, *GAIN_RANGE)[:, np.newaxis]
    bins = colours * BINS + np.minimum(np.floor(before * (BINS / 256)), BINS - 1)
    counts, medians = (numbers.reshape(3, BINS) for numbers in _medians(bins, ratio, 3 * BINS))
    enough = counts >= np.maximum(SAMPLES, LEAST_SHARE * totals)[:, np.newaxis]
    gains = np.where(enough, np.clip(medians, whole * (1 - LEEWAY), whole * (1 + LEEWAY)), whole)
    curves = np.ones((256, 3), np.float32)
    for channel in np.flatnonzero(totals):
        curves[:, channel] = np.interp(_LEVELS, _MIDDLES, gains[channel])
    return curves


def _medians(groups: FloatArray, ratio: FloatArray, count: int) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Of each of `count` groups its size and its upper median; that of an empty one is any number.

    One sort does for all: the group's number stands before the ratio. numpy's own median takes several times as long for one.
    """
    sizes = np.bincount(groups.astype(np.intp), minlength=count)
    if ratio.size == 0:
        return sizes, np.ones(count, np.float32)
    ordered = np.sort(groups * _GAIN_SPACE + ratio)
    middles = np.minimum(np.cumsum(sizes) - sizes + sizes // 2, ratio.size - 1)
    return sizes, ordered[middles] - np.arange(count) * _GAIN_SPACE


def inverse(curves: FloatArray) -> FloatArray:
    """(256, 3): what was learnt of each level that is seen."""
    mapped = np.maximum.accumulate(_LEVELS[:, np.newaxis] * curves, axis=0)
    return np.stack([np.interp(_LEVELS, mapped[:, channel], _LEVELS) for channel in range(3)], axis=1).astype(np.float32)


def unexposed(seen: Picture, curves: FloatArray) -> FloatArray:
    """What was learnt of a picture that the curves map to `seen`."""
    import cv2

    return cv2.LUT(seen, inverse(curves)[np.newaxis])
