"""The average face in space, and its landmarks in a picture where only other points of a face were measured."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]

LANDMARKS_3D: _Floats = np.array([(-0.5, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, 0.57, 0.45), (-0.42, 1.13, 0.05), (0.42, 1.13, 0.05)])
"""(5, 3), in the order of DetectedFace.landmarks: x to the right, y down, z towards the viewer; the eyes are 1 apart."""

_STEPS = 15
_LONGEST_STEP_RADIANS = 0.35
"""From upright and frontal, 15 steps of 20 degrees go further than any face that can be seen is turned."""


def projected_landmarks(points: _Floats, points_3d: _Floats) -> _Floats:
    """The landmarks (5, 2) of the average face, turned, scaled and moved so that its `points_3d` (n, 3) lie on `points` (n, 2).

    Projected without perspective, nearest by least squares: Gauss-Newton from the frontal face. The turn is kept a turn: a free
    affine fit of so few points takes half of a turn of the head for a shear. At least four points, not all on one plane. Where
    two turns look almost the same, it gives the one nearer to frontal.
    """
    import cv2

    middle, middle_3d = points.mean(axis=0), points_3d.mean(axis=0)
    target, model = points - middle, points_3d - middle_3d
    scale, rotation = _frontal_start(target, model)
    for _ in range(_STEPS):
        turned = model @ rotation.T
        missing = target - scale * turned[:, :2]
        step, *_ = np.linalg.lstsq(scale * _derivatives(turned), missing.ravel(), rcond=None)
        turn, growth = step[:3], step[3]
        turn *= _LONGEST_STEP_RADIANS / max(float(np.linalg.norm(turn)), _LONGEST_STEP_RADIANS)
        rotation = cv2.Rodrigues(turn)[0] @ rotation
        scale *= math.exp(min(1.0, max(-1.0, growth)))
    landmarks: _Floats = scale * ((LANDMARKS_3D - middle_3d) @ rotation.T)[:, :2] + middle
    return landmarks


def _frontal_start(target: _Floats, model: _Floats) -> tuple[float, _Floats]:
    """Scale and rotation (3, 3) of the frontal face, leaning as the points do."""
    seen = target[:, 0] + 1j * target[:, 1]
    frontal = model[:, 0] + 1j * model[:, 1]
    factor = np.vdot(frontal, seen) / np.vdot(frontal, frontal)
    lean = float(np.angle(factor))
    rotation = np.array([(math.cos(lean), -math.sin(lean), 0), (math.sin(lean), math.cos(lean), 0), (0, 0, 1)])
    return float(abs(factor)), rotation


def _derivatives(turned: _Floats) -> _Floats:
    """(2n, 4): how x and y of each point change with a further turn about each axis, and with the logarithm of the scale."""
    x, y, z = turned.T
    nought = np.zeros_like(x)
    of_x = np.stack([nought, z, -y, x], axis=1)
    of_y = np.stack([-z, nought, x, y], axis=1)
    return np.stack([of_x, of_y], axis=1).reshape(-1, 4)
