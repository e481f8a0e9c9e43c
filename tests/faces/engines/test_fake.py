from __future__ import annotations

import io
import math
import multiprocessing

import cv2
import numpy as np
import pytest
from PIL import Image

from faces.engines.base import DetectionFailed, EmbeddingFailed
from faces.engines.fake import MIN_SIZE_PX, Behaviour, FakeEngine, FakeFace
from faces.types import ImageRGB
from tests.media import Placed, blank, fake_jpeg, fake_photo, insightface_sample


def decoded(jpeg: bytes) -> ImageRGB:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.mark.parametrize("quality", [50, 75, 95])
@pytest.mark.parametrize("size_px", [MIN_SIZE_PX, 57, 80, 200, 400])
@pytest.mark.parametrize(
    "face",
    [FakeFace(0), FakeFace(127, 15, Behaviour.TURNED_AWAY, 15), FakeFace(85, 10, Behaviour.NORMAL, 5)],
    ids=["all zero", "all one", "alternating"],
)
def test_a_code_survives_jpeg(engine, face, size_px, quality):
    picture = decoded(fake_jpeg(Placed(face, 101, 33, size_px), quality=quality))
    (found,) = engine.detect(picture)
    np.testing.assert_allclose(found.bbox_xyxy, (101, 33, 101 + size_px, 33 + size_px), atol=3)
    np.testing.assert_array_equal(engine.embed(picture, found), face.embedding())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda picture: cv2.resize(picture, None, fx=0.31, fy=0.31), id="reduced"),
        pytest.param(lambda picture: cv2.resize(picture, None, fx=1.7, fy=1.7), id="enlarged"),
        pytest.param(lambda picture: (picture * 0.2).astype(np.uint8), id="darkened"),
        pytest.param(lambda picture: np.clip(picture * 3.0, 0, 255).astype(np.uint8), id="overexposed"),
        pytest.param(lambda picture: cv2.GaussianBlur(picture, (0, 0), 8), id="blurred"),
    ],
)
def test_a_code_survives_what_the_quality_check_refuses(engine, change):
    picture = change(fake_photo(FakeFace(42, 3)))
    (found,) = engine.detect(picture)
    np.testing.assert_array_equal(engine.embed(picture, found), FakeFace(42, 3).embedding())


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(lambda: np.rot90(fake_photo(FakeFace(9))), id="rotated"),
        pytest.param(lambda: np.rot90(fake_photo(FakeFace(9)), 2), id="upside down"),
        pytest.param(lambda: fake_photo(FakeFace(9))[:, ::-1], id="mirrored"),
        pytest.param(lambda: np.roll(fake_photo(FakeFace(9)), 1, axis=2), id="another colour"),
        pytest.param(lambda: insightface_sample("t1.jpg"), id="real faces"),
        pytest.param(lambda: fake_photo(FakeFace(9))[:, :320], id="cut off"),
    ],
)
def test_what_is_no_code_is_no_face(engine, picture):
    assert engine.detect(picture()) == []


def test_every_person_has_a_direction_of_its_own():
    embeddings = np.stack([FakeFace(person).embedding() for person in range(128)])
    np.testing.assert_allclose(embeddings @ embeddings.T, np.eye(128), atol=1e-6)


@pytest.mark.parametrize("first", [0, 3, 15])
@pytest.mark.parametrize("second", [0, 11, 12])
def test_variations_of_a_person_are_alike_by_their_difference(first, second):
    cosine = FakeFace(5, first).embedding() @ FakeFace(5, second).embedding()
    assert cosine == pytest.approx(math.cos(math.radians(6 * (first - second))), abs=1e-6)


@pytest.mark.parametrize("field", [{"person": 128}, {"person": -1}, {"variation": 16}, {"magnitude": 16}], ids=str)
def test_a_field_out_of_its_range_is_refused(field):
    with pytest.raises(ValueError, match=next(iter(field))):
        FakeFace(**({"person": 1} | field)).cells()


def test_several_faces_of_several_sizes(engine):
    picture = fake_photo(Placed(FakeFace(1), 20, 20, 40), Placed(FakeFace(2), 100, 20, 120), Placed(FakeFace(3), 300, 20, 80))
    found = engine.detect(picture)
    persons = [engine.embed(picture, face) for face in found]
    np.testing.assert_array_equal(persons, [FakeFace(person).embedding() for person in (2, 3, 1)])


def test_a_face_turned_away_shows_in_its_landmarks(engine):
    (frontal,) = engine.detect(fake_photo(FakeFace(1)))
    (turned,) = engine.detect(fake_photo(FakeFace(1, behaviour=Behaviour.TURNED_AWAY)))
    assert turned.landmarks[2, 0] > frontal.landmarks[1, 0]


def test_detection_can_be_told_to_fail(engine):
    with pytest.raises(DetectionFailed):
        engine.detect(fake_photo(FakeFace(1), FakeFace(2, behaviour=Behaviour.DETECTION_FAILS)))


def test_embedding_can_be_told_to_fail(engine):
    picture = fake_photo(FakeFace(1), FakeFace(2, behaviour=Behaviour.EMBEDDING_FAILS))
    left, right = sorted(engine.detect(picture), key=lambda face: face.bbox_xyxy)
    engine.embed(picture, left)
    with pytest.raises(EmbeddingFailed):
        engine.embed(picture, right)


def test_a_box_without_a_code_fails_to_embed(engine):
    (face,) = engine.detect(fake_photo(FakeFace(1)))
    with pytest.raises(EmbeddingFailed):
        engine.embed(blank(), face)


@pytest.mark.parametrize(("magnitude", "seconds"), [(0, 0.1), (4, 1.6), (15, 3276.8)])
@pytest.mark.parametrize("behaviour", [Behaviour.DETECTION_SLEEPS, Behaviour.EMBEDDING_SLEEPS], ids=lambda value: value.name)
def test_each_step_can_be_told_to_sleep(behaviour, magnitude, seconds):
    slept: list[float] = []
    engine = FakeEngine(sleep=slept.append)
    picture = fake_photo(FakeFace(1, behaviour=behaviour, magnitude=magnitude))
    (face,) = engine.detect(picture)
    assert slept == ([pytest.approx(seconds)] if behaviour is Behaviour.DETECTION_SLEEPS else [])
    engine.embed(picture, face)
    assert slept == [pytest.approx(seconds)]


def _detect(picture: ImageRGB) -> None:
    FakeEngine().detect(picture)


def test_a_process_can_be_told_to_crash():
    process = multiprocessing.get_context("spawn").Process(
        target=_detect, args=(fake_photo(FakeFace(1, behaviour=Behaviour.CRASHES)),)
    )
    process.start()
    process.join(30)
    assert process.exitcode == 70
