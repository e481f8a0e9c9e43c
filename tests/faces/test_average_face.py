from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from faces.average_face import LANDMARKS_3D, projected_landmarks

CORNERS_AND_NOSE_BASE = np.array([(0.7, 0, -0.06), (0.3, 0, 0.06), (-0.7, 0, -0.06), (-0.3, 0, 0.06), (0, 0.77, 0.28)])


def turned(points_3d: np.ndarray, yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The points in a picture: 100 pixels between the eyes, around (300, 200)."""
    about_x, about_y, about_z = (
        cv2.Rodrigues(math.radians(angle) * np.array(axis, dtype=float))[0]
        for angle, axis in ((-pitch, (1, 0, 0)), (yaw, (0, 1, 0)), (roll, (0, 0, 1)))
    )
    return 100 * (points_3d @ (about_z @ about_x @ about_y).T)[:, :2] + (300, 200)


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll"),
    [
        pytest.param(0, 0, 0, id="frontal"),
        pytest.param(30, 0, 0, id="to the right"),
        pytest.param(-60, 0, 0, id="far to the left"),
        pytest.param(0, 15, 0, id="bowed"),
        pytest.param(0, -40, 0, id="raised"),
        pytest.param(25, -15, 40, id="turned, raised and leaning"),
        pytest.param(-25, 10, -120, id="turned, bowed and lying"),
        pytest.param(0, 0, 180, id="upside down"),
    ],
)
def test_a_turned_average_face_is_found_again(yaw, pitch, roll):
    points = turned(CORNERS_AND_NOSE_BASE, yaw, pitch, roll)
    landmarks = projected_landmarks(points, CORNERS_AND_NOSE_BASE)
    np.testing.assert_allclose(landmarks, turned(LANDMARKS_3D, yaw, pitch, roll), atol=0.1)


def test_a_mirrored_face_has_mirrored_landmarks():
    points = turned(CORNERS_AND_NOSE_BASE, 20, -10, 5) + np.random.default_rng(1).normal(scale=3, size=(5, 2))
    mirrored = (points * (-1, 1))[[2, 3, 0, 1, 4]]
    expected = (projected_landmarks(points, CORNERS_AND_NOSE_BASE) * (-1, 1))[[1, 0, 2, 4, 3]]
    np.testing.assert_allclose(projected_landmarks(mirrored, CORNERS_AND_NOSE_BASE), expected, atol=0.1)


def test_points_on_one_place_give_that_place():
    np.testing.assert_array_equal(projected_landmarks(np.full((5, 2), 50.0), CORNERS_AND_NOSE_BASE), np.full((5, 2), 50.0))
