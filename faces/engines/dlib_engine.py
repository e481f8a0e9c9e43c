"""dlib: HOG detector, landmarks, and the face network run by onnxruntime. Works from the requirements alone.

Measured choices, on 26 faces of 12 people and 155 turned and scaled copies of them: descriptors aligned by the 5-point predictor
separate people slightly better than by the 68-point one, and neither dlib's CNN detector's boxes nor averaging over shifted boxes
adds to it. The 68-point predictor must not be loaded: the iBUG 300-W photos it was trained on are not for commercial use.
"""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from faces.average_face import projected_landmarks
from faces.engines.arrays import is_usable, largest_first, require_face, require_image
from faces.engines.base import DetectionFailed, EmbeddingFailed, EngineUnavailable
from faces.engines.dlib_network import INPUT_NAME, OUTPUT_NAME, UnknownNetwork, network_path
from faces.engines.onnx_session import onnxruntime_errors, session_options
from faces.types import DetectedFace, Embedding, EngineInfo, ImageRGB, Metric

Corners: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom, as DetectedFace.bbox_xyxy."""

DIMENSION = 128
CHIP_SIZE_PX = 150
CHIP_PADDING = 0.25

FIRST_LOOK_PIXELS = 640 * 480
"""A larger picture is reduced to as many pixels first: a face that fills an eighth of its width is found, in constant time."""
SECOND_LOOK_PIXELS = 1920 * 1080
SECOND_LOOK_MAX_SCALE = 2.0
"""Where the first look finds nothing, faces down to 40 pixels are looked for, in at most as many pixels as SECOND_LOOK_PIXELS."""

SURE_MARGIN = 0.2
"""Beside a face of at least this margin, fainter detections are dropped. Patches that are no face have margins of up to 0.15 and
may be larger than the true face, whose margin is mostly above 0.5. A hard face of 0.06 mostly is the best of its picture."""

_MODELS_PACKAGE = "face_recognition_models"
_INSTALL_HINT = "install it with `pip install -r requirements.txt`"
_RIGHT_EYE_CORNERS, _LEFT_EYE_CORNERS = slice(0, 2), slice(2, 4)
"""Of the five points, sides as in the picture."""
_FIVE_POINTS_3D = np.array(
    [(0.70, -0.015, -0.06), (0.30, 0.015, 0.06), (-0.70, -0.015, -0.06), (-0.30, 0.015, 0.06), (0.0, 0.77, 0.28)]
)
"""The five points on the average face, outer before inner corner, then the base of the nose; axes and unit as in LANDMARKS_3D.

x and y are those of the mean face that dlib aligns its chips to. The depths are anatomy's: an outer corner lies about 7 mm behind
the inner one, the base of the nose 17 mm before the eyes, which are 62 mm apart.
"""


@dataclass(frozen=True, slots=True)
class _ModelFiles:
    network: Path
    landmarks_5: Path


def _model_files() -> _ModelFiles:
    # The package's own __init__ imports pkg_resources, which current setuptools no longer has: it is found, not imported.
    package = importlib.util.find_spec(_MODELS_PACKAGE)
    if package is None or package.origin is None:
        raise EngineUnavailable(f"the Python package {_MODELS_PACKAGE} is missing: {_INSTALL_HINT}")
    folder = Path(package.origin).parent / "models"
    files = _ModelFiles(
        network=folder / "dlib_face_recognition_resnet_model_v1.dat",
        landmarks_5=folder / "shape_predictor_5_face_landmarks.dat",
    )
    for path in (files.network, files.landmarks_5):
        if not path.is_file():
            raise EngineUnavailable(f"{path.name} is missing from the Python package {_MODELS_PACKAGE}: {_INSTALL_HINT}")
    return files


class DlibEngine:
    """FaceEngine by dlib. `cache_dir` keeps the converted network; `threads` is for the network alone, dlib itself has one."""

    def __init__(self, cache_dir: Path, threads: int = 1) -> None:
        """Loads the models, converting the network where `cache_dir` doesn't have it yet. Raises EngineUnavailable."""
        try:
            import cv2
            import dlib
            import onnxruntime
        except ImportError as error:
            raise EngineUnavailable(f"the Python package {error.name} can't be imported: {_INSTALL_HINT}") from error
        files = _model_files()
        try:
            onnx_path = network_path(files.network, cache_dir)
        except OSError as error:
            raise EngineUnavailable(f"the folder for converted models can't be used: {error}") from error
        except UnknownNetwork as error:
            raise EngineUnavailable(f"{files.network.name} can't be converted: {error}") from error
        self._vendor_errors: tuple[type[Exception], ...] = (cv2.error, RuntimeError, *onnxruntime_errors())
        try:
            self._session = onnxruntime.InferenceSession(
                str(onnx_path), session_options(threads), providers=["CPUExecutionProvider"]
            )
        except self._vendor_errors as error:
            raise EngineUnavailable(f"{onnx_path} can't be loaded; delete it, and it will be made anew: {error}") from error
        self._dlib = dlib
        self._detector = dlib.get_frontal_face_detector()
        try:
            self._landmarks_5 = dlib.shape_predictor(str(files.landmarks_5))
        except RuntimeError as error:
            raise EngineUnavailable(f"dlib can't load its landmark model: {error}; {_INSTALL_HINT}") from error

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(name="dlib", identity="dlib:resnet-v1", dimension=DIMENSION, metric=Metric.EUCLIDEAN)

    def detect(self, image_rgb: ImageRGB, *, expects_none: bool = False) -> list[DetectedFace]:
        """As FaceEngine.detect. The score is the HOG detector's margin: above 0, seldom above 3.

        Of the landmarks, the eyes are measured. The tip of the nose and the corners of the mouth, which dlib's five points do not
        show, are those of an average face turned as the five are: they tell of the pose, nothing of the expression. To the five,
        a head bowed by more than 20 degrees looks like one bowed by less.
        """
        import cv2

        image = require_image(image_rgb)
        try:
            # The detector finds as many faces in grey as in colour, a fifth faster.
            grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
            found = [] if expects_none else self._look(grey, first_look_scale(image))
            found = found or self._look(grey, second_look_scale(image))
            return largest_first([self._face(image, box, score) for box, score in without_faint(found)])
        except self._vendor_errors as error:
            raise DetectionFailed(f"dlib's detector failed on a picture of {image.shape}") from error

    def embed(self, image_rgb: ImageRGB, face: DetectedFace) -> Embedding:
        """As FaceEngine.embed: what dlib's own compute_face_descriptor gives for the face's 5-point shape."""
        image = require_image(image_rgb)
        require_face(face, image)
        try:
            chip = self.chip(image, face)
            descriptors = self._session.run([OUTPUT_NAME], {INPUT_NAME: chip[np.newaxis]})[0]
        except self._vendor_errors as error:
            raise EmbeddingFailed(f"dlib's face network failed on a picture of {image.shape}") from error
        embedding: Embedding = descriptors[0].astype(np.float32, copy=False)
        if not is_usable(embedding):
            raise EmbeddingFailed("dlib's face network gave numbers that can't be compared")
        return embedding

    def chip(self, image_rgb: ImageRGB, face: DetectedFace) -> npt.NDArray[np.uint8]:
        """The face upright and aligned, (150, 150, 3) RGB: what the network sees."""
        shape = self._landmarks_5(image_rgb, self._rectangle(face.bbox_xyxy))
        chip: npt.NDArray[np.uint8] = self._dlib.get_face_chip(image_rgb, shape, size=CHIP_SIZE_PX, padding=CHIP_PADDING)
        return chip

    def _rectangle(self, bbox_xyxy: Corners) -> Any:
        left, top, right, bottom = map(round, bbox_xyxy)
        # To dlib, right and bottom are the last column and row inside.
        return self._dlib.rectangle(left, top, max(left, right - 1), max(top, bottom - 1))

    def _look(self, grey: npt.NDArray[np.uint8], scale: float) -> list[tuple[Corners, float]]:
        """Boxes in pixels of the picture with their scores, looked for in the picture at `scale`."""
        scaled = _resized(grey, scale)
        rectangles, scores, _ = self._detector.run(scaled, 0, 0.0)
        # The sizes are rounded to whole pixels, so that each axis has a scale of its own.
        x, y = grey.shape[1] / scaled.shape[1], grey.shape[0] / scaled.shape[0]
        return [
            ((box.left() * x, box.top() * y, (box.right() + 1) * x, (box.bottom() + 1) * y), float(score))
            for box, score in zip(rectangles, scores, strict=True)
        ]

    def _face(self, image: ImageRGB, box: Corners, score: float) -> DetectedFace:
        shape = self._landmarks_5(image, self._rectangle(box))
        five_points = np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64)
        return DetectedFace(bbox_xyxy=box, score=score, landmarks=landmarks_of(five_points))


def landmarks_of(five_points: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """DetectedFace.landmarks of dlib's five points (5, 2): the middles of the eye corners, the rest of the average face."""
    landmarks = projected_landmarks(five_points, _FIVE_POINTS_3D)
    landmarks[0] = five_points[_LEFT_EYE_CORNERS].mean(axis=0)
    landmarks[1] = five_points[_RIGHT_EYE_CORNERS].mean(axis=0)
    return landmarks.astype(np.float32)


def without_faint(found: list[tuple[Corners, float]]) -> list[tuple[Corners, float]]:
    """The boxes and margins without those below SURE_MARGIN; all of them where none reaches it."""
    return [(box, margin) for box, margin in found if margin >= SURE_MARGIN] or found


def first_look_scale(image: ImageRGB) -> float:
    """How the picture is reduced for the first look: at most 1."""
    return min(1.0, math.sqrt(FIRST_LOOK_PIXELS / (image.shape[0] * image.shape[1])))


def second_look_scale(image: ImageRGB) -> float:
    """How the picture is enlarged, or less reduced, for the second look: always larger than for the first."""
    return min(SECOND_LOOK_MAX_SCALE, math.sqrt(SECOND_LOOK_PIXELS / (image.shape[0] * image.shape[1])))


def _resized(image: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.uint8]:
    import cv2

    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    if size == (image.shape[1], image.shape[0]):
        return image
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.uint8)
