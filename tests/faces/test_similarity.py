from __future__ import annotations

import math

import numpy as np
import pytest

from faces.similarity import DECISION_POINT, from_scores, score_at, similarities, similarity
from faces.types import Metric


def unit(degrees: float) -> np.ndarray:
    """A direction in a plane."""
    return np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))], np.float32)


def at(distance: float) -> np.ndarray:
    """A point at a distance from the origin."""
    return np.array([distance, 0], np.float32)


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [(0, 1.0), (60, 0.5), (66.42, 0.4), (90, 0.0), (120, 0.0), (180, 0.0)],
)
def test_cosine_similarity_is_the_cosine_and_never_negative(degrees, expected):
    assert similarity(Metric.COSINE, unit(10), unit(10 + degrees)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        pytest.param(0.0, 1.0, id="the same embedding"),
        pytest.param(0.30, 0.942, id="the same pose and light"),
        pytest.param(0.40, 0.801, id="a good match"),
        pytest.param(0.47, 0.603, id="farthest portraits of one person"),
        pytest.param(0.5294, 0.400, id="decision point"),
        pytest.param(0.586, 0.233, id="nearest portraits of two people"),
        pytest.param(0.60, 0.200, id="dlib's customary limit"),
        pytest.param(1.0, 0.001, id="strangers"),
        pytest.param(1e6, 0.0, id="beyond the range of exp"),
    ],
)
def test_euclidean_similarity_falls_with_the_distance(distance, expected):
    assert similarity(Metric.EUCLIDEAN, at(0), at(distance)) == pytest.approx(expected, abs=1e-3)


def test_equal_embeddings_are_exactly_alike():
    assert similarity(Metric.EUCLIDEAN, at(0.7), at(0.7)) == 1.0


def test_more_distance_is_always_less_similarity():
    scores = from_scores(Metric.EUCLIDEAN, np.linspace(0, 2, 2001))
    assert (np.diff(scores) < 0).all()
    assert scores.min() >= 0
    assert scores.max() <= 1


@pytest.mark.parametrize("metric", list(Metric))
def test_a_matrix_is_compared_row_by_row(metric):
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(50, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    probe = vectors[7] * 0.9 + vectors[8] * 0.1
    together = similarities(metric, probe, vectors)
    assert together.shape == (50,)
    assert together.argmax() == 7
    np.testing.assert_allclose(together, [similarity(metric, probe, row) for row in vectors], atol=1e-6)


def test_an_empty_gallery_has_no_similarities():
    assert similarities(Metric.COSINE, unit(0), np.zeros((0, 2), np.float32)).shape == (0,)


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize("wanted", [0.01, 0.2, DECISION_POINT, 0.5, 0.8, 0.999])
def test_the_score_at_a_similarity_gives_it_back(metric, wanted):
    assert from_scores(metric, score_at(metric, wanted)) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize(
    ("metric", "wanted", "score"),
    [
        pytest.param(Metric.COSINE, 0.0, -1.0, id="every cosine reaches 0"),
        pytest.param(Metric.COSINE, 1.0, 1.0, id="cosine of 1"),
        pytest.param(Metric.EUCLIDEAN, 0.0, math.inf, id="every distance reaches 0"),
        pytest.param(Metric.EUCLIDEAN, 1.0, 0.0, id="distance of 0"),
        pytest.param(Metric.EUCLIDEAN, DECISION_POINT, 0.5294, id="dlib's decision point"),
    ],
)
def test_the_ends_of_the_scale(metric, wanted, score):
    assert score_at(metric, wanted) == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize("wanted", [-0.01, 1.01, math.nan])
def test_a_similarity_outside_its_range_is_refused(metric, wanted):
    with pytest.raises(ValueError, match="between 0 and 1"):
        score_at(metric, wanted)


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize(
    ("probe", "matrix"),
    [
        pytest.param(np.zeros(3, np.float32), np.zeros((5, 2), np.float32), id="other dimension"),
        pytest.param(np.zeros((1, 2), np.float32), np.zeros((5, 2), np.float32), id="a matrix as probe"),
        pytest.param(np.zeros(2, np.float32), np.zeros(2, np.float32), id="a vector as matrix"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(metric, probe, matrix):
    with pytest.raises(ValueError, match="shapes"):
        similarities(metric, probe, matrix)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(np.zeros(3, np.float32), np.zeros(2, np.float32), id="other dimension"),
        pytest.param(np.zeros(2, np.float32), np.zeros((1, 2), np.float32), id="a matrix"),
    ],
)
def test_embeddings_that_do_not_fit_are_refused(first, second):
    with pytest.raises(ValueError, match="shapes"):
        similarity(Metric.COSINE, first, second)
