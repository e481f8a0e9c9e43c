"""What every face engine promises (faces/engines/base.py), asked of each."""

from __future__ import annotations

import math
import pickle
import time
from dataclasses import replace

import numpy as np
import pytest

from faces.engines.registry import EngineSpec, create_engine
from faces.similarity import DECISION_POINT, similarity
from faces.types import DetectedFace, ImageRGB, Metric
from tests.media import blank


def noise(height: int, width: int) -> ImageRGB:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_info_says_what_an_embedding_row_needs(case):
    info = case.engine.info
    assert info.identity.startswith(f"{info.name}:")
    assert len(info.identity) <= 64
    assert info.dimension > 0
    assert info.metric in set(Metric)


def test_one_face_in_its_place(case):
    (face,) = case.engine.detect(case.portrait)
    left, top, right, bottom = face.bbox_xyxy
    height, width = case.portrait.shape[:2]
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert face.landmarks.shape == (5, 2)
    assert face.landmarks.dtype == np.float32
    (left_eye, right_eye, nose, mouth_left, mouth_right) = face.landmarks
    assert left < left_eye[0] < nose[0] < right_eye[0] < right
    assert left < mouth_left[0] < nose[0] < mouth_right[0] < right
    assert top < max(left_eye[1], right_eye[1]) < nose[1] < min(mouth_left[1], mouth_right[1]) < bottom


def test_several_faces_the_largest_first(case):
    found = case.engine.detect(case.group)
    assert len(found) >= 3
    areas = [face.area for face in found]
    assert areas == sorted(areas, reverse=True)


def test_the_place_scales_with_the_picture(case):
    (face,), (smaller,) = case.engine.detect(case.portrait), case.engine.detect(case.portrait_again)
    scale = case.portrait_again.shape[0] / case.portrait.shape[0]
    tolerance = 0.15 * (face.bbox_xyxy[2] - face.bbox_xyxy[0])
    np.testing.assert_allclose(np.array(smaller.bbox_xyxy), np.array(face.bbox_xyxy) * scale, atol=tolerance)
    np.testing.assert_allclose(smaller.landmarks, face.landmarks * scale, atol=tolerance / 2)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(blank(level=128), id="grey"),
        pytest.param(blank(level=0), id="black"),
        pytest.param(noise(240, 320), id="noise"),
        pytest.param(noise(1, 1), id="1x1"),
        pytest.param(noise(1, 2), id="1x2"),
        pytest.param(noise(2, 1), id="2x1"),
        pytest.param(noise(3, 3), id="3x3"),
        pytest.param(noise(1, 4000), id="one row"),
        pytest.param(noise(4000, 1), id="one column"),
        pytest.param(noise(20, 4000), id="20x4000"),
        pytest.param(noise(4000, 20), id="4000x20"),
        pytest.param(noise(16, 1024), id="at the longest aspect"),
    ],
)
def test_no_face_in_odd_pictures(case, picture):
    assert case.engine.detect(picture) == []


def test_a_huge_picture_takes_bounded_time(case):
    huge = blank(8000, 6000)
    started = time.perf_counter()
    assert case.engine.detect(huge) == []
    assert time.perf_counter() - started < 10  # about a second on an idle machine


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(None, id="None"),
        pytest.param([[[0, 0, 0]]], id="a list"),
        pytest.param(np.zeros((48, 64), np.uint8), id="grey without channels"),
        pytest.param(np.zeros((48, 64, 4), np.uint8), id="RGBA"),
        pytest.param(np.zeros((48, 64, 1), np.uint8), id="one channel"),
        pytest.param(np.zeros((3, 48, 64), np.uint8), id="channels first"),
        pytest.param(np.zeros((1, 48, 64, 3), np.uint8), id="a batch"),
        pytest.param(np.zeros((48, 64, 3), np.float32), id="float32"),
        pytest.param(np.zeros((48, 64, 3), np.uint16), id="uint16"),
        pytest.param(np.zeros((0, 64, 3), np.uint8), id="no rows"),
        pytest.param(np.zeros((48, 0, 3), np.uint8), id="no columns"),
    ],
)
def test_a_wrong_array_is_a_value_error(case, array):
    (face,) = case.engine.detect(case.portrait)
    with pytest.raises(ValueError, match="a picture must be"):
        case.engine.detect(array)
    with pytest.raises(ValueError, match="a picture must be"):
        case.engine.embed(array, face)


@pytest.mark.parametrize(
    "bbox_xyxy",
    [
        pytest.param((math.nan, 0.0, 10.0, 10.0), id="nan"),
        pytest.param((0.0, 0.0, math.inf, 10.0), id="infinite"),
        pytest.param((10.0, 0.0, 10.0, 10.0), id="no width"),
        pytest.param((0.0, 10.0, 10.0, 5.0), id="upside down"),
        pytest.param((-50.0, 0.0, -10.0, 10.0), id="left of the picture"),
        pytest.param((0.0, 100_000.0, 10.0, 100_010.0), id="below the picture"),
    ],
)
def test_a_face_that_cannot_be_in_the_picture_is_a_value_error(case, bbox_xyxy):
    (face,) = case.engine.detect(case.portrait)
    with pytest.raises(ValueError, match="box"):
        case.engine.embed(case.portrait, replace(face, bbox_xyxy=bbox_xyxy))


@pytest.mark.parametrize(
    "landmarks",
    [
        pytest.param(np.zeros((4, 2), np.float32), id="four"),
        pytest.param(np.full((5, 2), np.nan, np.float32), id="nan"),
    ],
)
def test_wrong_landmarks_are_a_value_error(case, landmarks):
    (face,) = case.engine.detect(case.portrait)
    with pytest.raises(ValueError, match="landmarks"):
        case.engine.embed(case.portrait, replace(face, landmarks=landmarks))


def test_an_embedding_has_the_promised_form(case):
    (face,) = case.engine.detect(case.portrait)
    embedding = case.engine.embed(case.portrait, face)
    assert embedding.shape == (case.engine.info.dimension,)
    assert embedding.dtype == np.float32
    assert np.isfinite(embedding).all()
    if case.engine.info.metric is Metric.COSINE:
        assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)


def test_the_same_picture_gives_the_same_embedding_whatever_came_between(case):
    (face,) = case.engine.detect(case.portrait)
    first = case.engine.embed(case.portrait, face)
    other = case.engine.detect(case.group)[0]
    case.engine.embed(case.group, other)
    np.testing.assert_array_equal(case.engine.embed(case.portrait, face), first)


def test_the_same_person_is_alike_and_others_are_not(case):
    def embedding(picture: ImageRGB, face: DetectedFace) -> np.ndarray:
        return case.engine.embed(picture, face)

    engine, metric = case.engine, case.engine.info.metric
    person = embedding(case.portrait, engine.detect(case.portrait)[0])
    person_again = embedding(case.portrait_again, engine.detect(case.portrait_again)[0])
    others = [embedding(case.group, face) for face in engine.detect(case.group)]
    assert similarity(metric, person, person_again) > 2 * DECISION_POINT
    assert max(similarity(metric, person, other) for other in others) < DECISION_POINT


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(np.asfortranarray, id="Fortran order"),
        pytest.param(lambda picture: np.repeat(picture, 2, axis=1)[:, ::2], id="strided"),
        pytest.param(lambda picture: np.ascontiguousarray(picture[..., ::-1])[..., ::-1], id="a view of BGR"),
    ],
)
def test_the_memory_layout_changes_nothing(case, view):
    picture = view(case.portrait)
    (face,), (same_face,) = case.engine.detect(case.portrait), case.engine.detect(picture)
    assert same_face.bbox_xyxy == face.bbox_xyxy
    np.testing.assert_array_equal(case.engine.embed(picture, same_face), case.engine.embed(case.portrait, face))


def test_a_read_only_picture_is_read_and_not_changed(case):
    picture = case.portrait.copy()
    picture.setflags(write=False)
    (face,) = case.engine.detect(picture)
    case.engine.embed(picture, face)
    np.testing.assert_array_equal(picture, case.portrait)


def test_a_face_travels_between_processes(case):
    (face,) = case.engine.detect(case.portrait)
    copy = pickle.loads(pickle.dumps(face))
    assert copy.bbox_xyxy == face.bbox_xyxy
    np.testing.assert_array_equal(case.engine.embed(case.portrait, copy), case.engine.embed(case.portrait, face))


def test_the_registry_makes_the_same_engine(case, dlib_cache, tmp_path):
    root, pack = tmp_path, "none"
    if case.engine.info.name == "insightface":
        from tests.media import insightface_models

        root, pack = insightface_models()
    spec = EngineSpec(case.engine.info.name, root, pack, dlib_cache)
    assert create_engine(pickle.loads(pickle.dumps(spec))).info == case.engine.info
