"""The enrolment check (faces/quality.py) on real photos, with the faces as each real engine finds them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faces.engines.base import FaceEngine
from faces.quality import measure, refusals
from faces.types import DetectedFace, ImageRGB
from tests.media import face_photo, insightface_sample, skimage_sample


def codes(picture: ImageRGB, face: DetectedFace) -> set[str]:
    return {refusal.code.value for refusal in refusals(measure(picture, face))}


def eye_distance(face: DetectedFace) -> float:
    return float(np.linalg.norm(face.landmarks[1] - face.landmarks[0]))


def blurred(picture: ImageRGB, sigma_px: float) -> ImageRGB:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px))


def lit(picture: ImageRGB, gain: float) -> ImageRGB:
    return np.clip(picture * gain, 0, 255).astype(np.uint8)


@pytest.fixture(params=["dlib", "insightface"])
def engine(request: pytest.FixtureRequest) -> FaceEngine:
    return request.getfixturevalue(f"{request.param}_engine")


WHOLE_FRONTAL_FACES = [
    "obama.jpg",
    "obama2.jpg",
    "obama3.jpg",
    "biden.jpg",
    "biden2.jpg",
    "lin_manuel_miranda.png",
    "alex_lacamoire.png",
    "obama_and_biden.jpg",
    "two_people.jpg",
]


@pytest.mark.parametrize("name", WHOLE_FRONTAL_FACES)
def test_whole_frontal_photos_pass_and_spoiled_ones_do_not(engine, name):
    picture = face_photo(name)
    face = engine.detect(picture)[0]
    assert codes(picture, face) == set()
    assert codes(blurred(picture, 0.07 * eye_distance(face)), face) == {"blurred"}
    assert codes(lit(picture, 0.25), face) == {"too_dark"}
    assert "too_bright" in codes(lit(picture, 3.0), face)


@pytest.mark.parametrize("name", ["obama_partial_face.jpg", "obama_partial_face2.jpg"])
def test_half_a_face_is_cut_off(engine, name):
    picture = face_photo(name)
    assert codes(picture, engine.detect(picture)[0]) == {"cut_off"}


def test_a_photo_from_elsewhere_passes(engine):
    picture = skimage_sample("astronaut.png")
    assert codes(picture, engine.detect(picture)[0]) == set()


def test_a_face_in_profile_is_turned_away(insightface_engine):
    picture = insightface_sample("t1.jpg")
    (profile,) = (face for face in insightface_engine.detect(picture) if face.bbox_xyxy[0] > 850 and face.bbox_xyxy[1] < 200)
    assert codes(picture, profile) == {"turned_away"}
