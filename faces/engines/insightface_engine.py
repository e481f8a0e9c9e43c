"""insightface: any of its packs (buffalo_l, buffalo_s, raccoon_s, your own), run through insightface.app.FaceAnalysis."""

from __future__ import annotations

import hashlib
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from faces.engines.arrays import is_usable, largest_first, require_face, require_image
from faces.engines.base import DetectionFailed, EmbeddingFailed, EngineUnavailable
from faces.engines.onnx_session import onnxruntime_errors, session_options
from faces.types import DetectedFace, Embedding, EngineInfo, ImageRGB, Metric

_PACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,42}")
"""A plain folder name, short enough for an identity of 64 characters."""
_MAX_ASPECT = 64
"""In a longer and thinner picture no face reaches the ten pixels that a detector input of 640 would have to show of it."""


def pack_folder(insightface_root: Path, pack: str) -> Path:
    """Where FaceAnalysis(name=pack, root=insightface_root) has its models. Raises EngineUnavailable for an impossible name."""
    if not _PACK_NAME.fullmatch(pack):
        raise EngineUnavailable(f"{pack!r} is no name of a model pack: letters, digits, '.', '_' and '-', at most 43")
    return insightface_root.expanduser() / "models" / pack


def is_installed(insightface_root: Path, pack: str) -> bool:
    """Whether the pack's folder holds models; whether they are sound shows when they are loaded."""
    return any(pack_folder(insightface_root, pack).glob("**/*.onnx"))


class InsightFaceEngine:
    """FaceEngine by an installed insightface pack; it never downloads one."""

    def __init__(self, root: Path, pack: str, threads: int = 1) -> None:
        """Loads detector and recogniser, each with `threads` threads on the CPU.

        Raises EngineUnavailable where the pack isn't installed, can't be loaded, or finds faces without landmarks.
        """
        folder = pack_folder(root, pack)
        if not is_installed(root, pack):
            raise EngineUnavailable(f"no model pack in {folder}: install it with `manage.py models pull {pack}`")
        try:
            import cv2
            import insightface.app  # noqa: F401 - to tell a missing package from a broken pack
        except ImportError as error:
            raise EngineUnavailable(
                f"the Python package {error.name} can't be imported: install it with `pip install -r requirements.txt`"
            ) from error
        # LinAlgError is what the estimate of the alignment raises where it doesn't converge.
        self._vendor_errors: tuple[type[Exception], ...] = (
            cv2.error,
            np.linalg.LinAlgError,
            RuntimeError,
            *onnxruntime_errors(),
        )
        broken: tuple[type[Exception], ...] = (AssertionError, KeyError, OSError, TypeError, ValueError, *self._vendor_errors)
        try:
            self._detector, self._recogniser = _load(folder, threads)
            self._info = _describe(self._recogniser, pack)
        except broken as error:
            raise EngineUnavailable(
                f"the model pack in {folder} can't be loaded ({error!r}): check it with `manage.py models verify {pack}`"
            ) from error
        if not getattr(self._detector, "use_kps", False):
            raise EngineUnavailable(f"the detector of the pack {pack} gives no landmarks, which recognition needs")

    @property
    def info(self) -> EngineInfo:
        return self._info

    def detect(self, image_rgb: ImageRGB, *, expects_none: bool = False) -> list[DetectedFace]:  # noqa: ARG002 - it always looks for all
        """As FaceEngine.detect. The score is the detector's probability, from 0.5 on."""
        image = require_image(image_rgb)
        height, width = image.shape[:2]
        if max(height, width) > _MAX_ASPECT * min(height, width):
            return []
        try:
            boxes, landmarks = self._detector.detect(_to_bgr(image))
        except self._vendor_errors as error:
            raise DetectionFailed(f"insightface's detector failed on a picture of {image.shape}") from error
        faces = [
            DetectedFace(bbox_xyxy=(left, top, right, bottom), score=score, landmarks=points)
            for (left, top, right, bottom, score), points in zip(boxes.tolist(), landmarks, strict=True)
        ]
        return largest_first([face for face in faces if _is_in_picture(face, width, height)])

    def embed(self, image_rgb: ImageRGB, face: DetectedFace) -> Embedding:
        """As FaceEngine.embed: of unit length."""
        from insightface.app.common import Face

        image = require_image(image_rgb)
        require_face(face, image)
        if not np.ptp(face.landmarks, axis=0).all():
            raise EmbeddingFailed("the landmarks of the face lie on one point or line: it can't be aligned")
        try:
            with warnings.catch_warnings():
                # The vendor calls a method that scikit-image is about to rename, for every face.
                warnings.simplefilter("ignore", FutureWarning)
                raw = self._recogniser.get(_to_bgr(image), Face(kps=face.landmarks))
        except self._vendor_errors as error:
            raise EmbeddingFailed(f"insightface's recogniser failed on a picture of {image.shape}") from error
        if not is_usable(raw):
            raise EmbeddingFailed("insightface's recogniser gave numbers that can't be compared")
        embedding: Embedding = (raw / np.linalg.norm(raw.astype(np.float64))).astype(np.float32)
        return embedding


def _load(folder: Path, threads: int) -> tuple[Any, Any]:
    """The pack's detector and recogniser."""
    from insightface.app import FaceAnalysis

    # The folder itself, not pack and root: FaceAnalysis looks for a name in the current directory first, and downloads
    # what it doesn't find.
    analysis = FaceAnalysis(
        name=str(folder.resolve()),
        allowed_modules=["detection", "recognition"],
        providers=["CPUExecutionProvider"],
        sess_options=session_options(threads),
    )
    analysis.prepare(ctx_id=-1)
    return analysis.models["detection"], analysis.models["recognition"]


def _describe(recogniser: Any, pack: str) -> EngineInfo:
    """Names the weights, and lets them say their dimension on an empty face."""
    width, height = recogniser.input_size
    weights_sha256 = hashlib.sha256(Path(recogniser.model_file).read_bytes()).hexdigest()
    return EngineInfo(
        name="insightface",
        identity=f"insightface:{pack}@{weights_sha256[:8]}",
        dimension=recogniser.get_feat(np.zeros((height, width, 3), np.uint8)).size,
        metric=Metric.COSINE,
        has_fixed_input=True,
    )


def _to_bgr(image: ImageRGB) -> Any:
    import cv2

    return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)


def _is_in_picture(face: DetectedFace, width: int, height: int) -> bool:
    """Whether anything of the box is inside; a detector that fills up the picture may find something in the filling."""
    left, top, right, bottom = face.bbox_xyxy
    return face.area > 0 and right > 0 and bottom > 0 and left < width and top < height
