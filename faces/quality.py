"""Is this face good enough to enrol? Measured on an upright crop of fixed size, so that the numbers mean the same for any photo.

The limits were set on photos of 12 people and on blurred, darkened and overexposed copies of them, with both engines: all frontal
originals pass with room, and a copy is refused from about where its embedding leaves the person. A blur of 5 % of the distance
between the eyes moves dlib's descriptor by 0.28 to 0.38 of the 0.53 at which it would be somebody else's, a fifth of the light
by 0.22 to 0.30, and doubled light by up to 0.5. Skin, noise, compression and resolution hardly move the measures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from faces.average_face import LANDMARKS_3D
from faces.engines.arrays import require_face, require_image
from faces.types import DetectedFace, ImageRGB

_Floats = npt.NDArray[np.float64]

CROP_PX = 112
"""Side of the crop that is measured; the eyes of a frontal face are 35 pixels apart in it."""
_CROP_LANDMARKS = np.array([(38.3, 51.7), (73.5, 51.5), (56.0, 71.7), (41.5, 92.4), (70.7, 92.2)])
"""Where the landmarks of a frontal face lie in the crop: the alignment that ArcFace networks are trained with."""
_SKIN = (slice(28, 103), slice(22, 90))
"""Rows and columns of the crop without hair, ears and background."""
_MAX_REDUCTION = 24

_BURNT_LEVEL = 245
_LIT_PERCENTILE = 95


class RefusalCode(StrEnum):
    """Stable codes of why a photo is refused for enrolment."""

    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_SMALL = "too_small"
    CUT_OFF = "cut_off"
    TURNED_AWAY = "turned_away"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    DUPLICATE = "duplicate"


_MESSAGES: dict[RefusalCode, str] = {
    RefusalCode.NO_FACE: "未检测到人脸，请正对摄像头",
    RefusalCode.SEVERAL_FACES: "画面中有多张人脸，请仅一人入镜",
    RefusalCode.TOO_SMALL: "人脸过小，请靠近摄像头",
    RefusalCode.CUT_OFF: "人脸不完整，请让整张脸位于画面中",
    RefusalCode.TURNED_AWAY: "人脸角度过大，请正对摄像头",
    RefusalCode.BLURRED: "人脸模糊，请保持不动后重新拍摄",
    RefusalCode.TOO_DARK: "面部光线过暗，请到光线充足处拍摄",
    RefusalCode.TOO_BRIGHT: "面部过曝，请避开强光",
    RefusalCode.DUPLICATE: "该人脸已录入，请勿重复录入",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason, with what to tell the person in front of the camera."""

    code: RefusalCode
    message: str

    @classmethod
    def of(cls, code: RefusalCode) -> Refusal:
        return cls(code, _MESSAGES[code])


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """What was measured of one face."""

    width_px: int
    """The shorter side of its box in whole pixels, as far as it lies in the picture."""
    visible: float
    """Share of the crop that lies in the picture, 0 to 1."""
    sharpness: float
    """Share of the fine detail in all detail: 0.30 to 0.40 for a sharp face, 0.16 for one that is nothing but blur."""
    brightness: float
    """How light its lit parts are, 0 to 255: the mean would call dark skin dark."""
    overexposed: float
    """Share of the skin without any drawing left in the light, 0 to 1."""
    yaw_degrees: float
    """Positive where the nose points to the picture's right. A guess from five points, good to about 10 degrees, as pitch is."""
    pitch_degrees: float
    """Positive where the nose points down."""
    roll_degrees: float
    """Positive where the head leans clockwise."""

    @property
    def score(self) -> float:
        """All of it as one number, 0 to 1, as good as the worst: for choosing among photos, not for refusing one."""
        return min(
            _ramp(self.width_px, 40, 160),
            _ramp(self.visible, 0.6, 1.0),
            _ramp(self.sharpness, 0.18, 0.32),
            _ramp(self.brightness, 40, 130),
            _ramp(self.overexposed, 0.5, 0.05),
            _ramp(abs(self.yaw_degrees), 60, 12),
            _ramp(abs(self.pitch_degrees), 60, 24),
        )


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """What an enrolment photo has to reach."""

    min_width_px: int = 80
    min_visible: float = 0.85
    min_sharpness: float = 0.24
    min_brightness: float = 70.0
    max_overexposed: float = 0.35
    max_yaw_degrees: float = 35.0
    max_pitch_degrees: float = 40.0
    max_roll_degrees: float = 45.0


def measure(image_rgb: ImageRGB, face: DetectedFace) -> FaceQuality:
    """The quality of one face in its picture. Raises ValueError for a wrong array or a face that isn't in it.

    A face whose landmarks lie on one point has no shape to measure: it counts as turned away, and as blurred.
    """
    import cv2

    image = require_image(image_rgb)
    require_face(face, image)
    landmarks = face.landmarks.astype(np.float64)
    width_px = _width_px(face, image)
    if np.ptp(landmarks, axis=0).max() < 1:
        return FaceQuality(width_px, 1.0, 0.0, 0.0, 0.0, 90.0, 0.0, 0.0)
    transform = _alignment(landmarks)
    crop = _crop(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8), transform)
    skin = crop[_SKIN]
    yaw, pitch = _pose(landmarks)
    eyes = landmarks[1] - landmarks[0]
    return FaceQuality(
        width_px=width_px,
        visible=_visible(transform, width=image.shape[1], height=image.shape[0]),
        sharpness=_sharpness(crop),
        brightness=float(np.percentile(skin, _LIT_PERCENTILE)),
        overexposed=float((skin >= _BURNT_LEVEL).mean()),
        yaw_degrees=yaw,
        pitch_degrees=pitch,
        roll_degrees=math.degrees(math.atan2(eyes[1], eyes[0])),
    )


def refusals(quality: FaceQuality, limits: QualityLimits | None = None) -> tuple[Refusal, ...]:
    """Why the face is refused, everything that is wrong with it; empty where it is good enough."""
    limits = QualityLimits() if limits is None else limits
    turned = (
        abs(quality.yaw_degrees) > limits.max_yaw_degrees
        or abs(quality.pitch_degrees) > limits.max_pitch_degrees
        or abs(quality.roll_degrees) > limits.max_roll_degrees
    )
    wrong = {
        RefusalCode.TOO_SMALL: quality.width_px < limits.min_width_px,
        RefusalCode.CUT_OFF: quality.visible < limits.min_visible,
        RefusalCode.TURNED_AWAY: turned,
        RefusalCode.BLURRED: quality.sharpness < limits.min_sharpness,
        RefusalCode.TOO_DARK: quality.brightness < limits.min_brightness,
        RefusalCode.TOO_BRIGHT: quality.overexposed > limits.max_overexposed,
    }
    return tuple(Refusal.of(code) for code, applies in wrong.items() if applies)


def _ramp(value: float, worst: float, best: float) -> float:
    """0 at `worst` and beyond, 1 at `best` and beyond, straight in between."""
    return min(1.0, max(0.0, (value - worst) / (best - worst)))


def _width_px(face: DetectedFace, image: ImageRGB) -> int:
    left, top, right, bottom = (round(edge) for edge in face.bbox_xyxy)
    height, width = image.shape[:2]
    across: int = min(right, width) - max(left, 0)
    down: int = min(bottom, height) - max(top, 0)
    return min(across, down)


def _alignment(landmarks: _Floats) -> _Floats:
    """The similarity transform (2, 3) from the picture to the crop that fits the landmarks best: least squares."""
    source = landmarks[:, 0] + 1j * landmarks[:, 1]
    target = _CROP_LANDMARKS[:, 0] + 1j * _CROP_LANDMARKS[:, 1]
    centred = source - source.mean()
    factor = np.vdot(centred, target - target.mean()) / np.vdot(centred, centred)
    shift = target.mean() - factor * source.mean()
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def _crop(grey: npt.NDArray[np.uint8], transform: _Floats) -> npt.NDArray[np.float32]:
    """The upright face, (112, 112). A large one is cut out at its own size first and then averaged down, without aliasing."""
    import cv2

    scale = math.hypot(transform[0, 0], transform[1, 0])
    reduction = min(_MAX_REDUCTION, max(1, math.ceil(1 / scale)))
    side = CROP_PX * reduction
    upright = cv2.warpAffine(grey, transform * reduction, (side, side), borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(upright, (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA).astype(np.float32)


def _sharpness(crop: npt.NDArray[np.float32]) -> float:
    """Contrast between blurs of 0.7 and 1.6 pixels over the contrast to a blur of 4: blur takes the fine detail first.

    A ratio, so that light and contrast cancel out; the first blur drops the noise of single pixels.
    """
    import cv2

    def blurred(sigma: float) -> npt.NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(crop, (0, 0), sigma), dtype=np.float32)

    fine = (blurred(0.7) - blurred(1.6))[_SKIN]
    all_detail = (crop - blurred(4.0))[_SKIN]
    # Of an empty surface, what is left is rounding.
    return float(np.sqrt((fine**2).mean()) / max(np.sqrt((all_detail**2).mean()), 1.0))


def _visible(transform: _Floats, *, width: int, height: int) -> float:
    rows, columns = np.mgrid[0:CROP_PX, 0:CROP_PX]
    points = np.stack([columns.ravel(), rows.ravel()]) - transform[:, 2:]
    x, y = np.linalg.solve(transform[:, :2], points)
    return float(((x >= 0) & (x < width) & (y >= 0) & (y < height)).mean())


def _pose(landmarks: _Floats) -> tuple[float, float]:
    """Yaw and pitch in degrees: the average face, turned and projected without perspective, that fits the landmarks best."""
    centred_face = LANDMARKS_3D - LANDMARKS_3D.mean(axis=0)
    projection, *_ = np.linalg.lstsq(centred_face, landmarks - landmarks.mean(axis=0), rcond=None)
    left, _, right = np.linalg.svd(projection.T, full_matrices=False)
    towards_viewer = (left @ right)[:, 2]  # the two rows of a rotation nearest to the projection: where the z axis goes
    yaw, pitch = np.degrees(np.arcsin(np.clip(towards_viewer, -1, 1)))
    return float(yaw), float(pitch)
