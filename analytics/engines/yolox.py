"""People and vehicles by YOLOX (Ge et al. 2021, Apache-2.0) on onnxruntime: any size, exported as Megvii's scripts do it.

The network takes (1, 3, height, width) float32 BGR 0 to 255, letterboxed with grey, and gives (1, cells, 5 + classes): box
centre and size in units of each cell's stride, objectness, class probabilities. The strides are 8, 16 and 32, the classes
COCO's 80.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analytics.engines.base import (
    Detection,
    DetectionFailed,
    DetectorUnavailable,
    Kind,
    VehicleType,
    require_frame,
    require_start,
)
from analytics.video.types import ImageBGR

FloatArray = npt.NDArray[np.float32]

STRIDES = (8, 16, 32)
FILL = 114
DEFAULT_SIDE = 640
"""Of a model that was exported for any size."""
BOX_NUMBERS = 5
COCO_CLASSES = 80
PERSON = 0
VEHICLES = {
    1: VehicleType.BICYCLE,
    2: VehicleType.CAR,
    3: VehicleType.MOTORCYCLE,
    5: VehicleType.BUS,
    7: VehicleType.TRUCK,
}
"""COCO's numbers of what is counted as a vehicle."""
MIN_SCORE = 0.3
"""What is reported; the tracker goes on with a faint one, but begins with a sure one only."""
MAX_OVERLAP = 0.45


class YoloxDetector:
    """Detector by YOLOX. A person is one whether they move or not."""

    def __init__(self, model: Path, threads: int = 0) -> None:
        """Loads the model; `threads` of onnxruntime, 0 is one a core. Raises DetectorUnavailable."""
        if not model.is_file():
            raise DetectorUnavailable(f"no model at {model}: install it with `manage.py models pull {model.stem}`")
        try:
            import onnxruntime
        except ImportError as error:
            raise DetectorUnavailable(f"the Python package {error.name} is missing: `pip install -r requirements.txt`") from error
        self._vendor_errors = _onnxruntime_errors()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # errors
        try:
            self._session: Any = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        except self._vendor_errors as error:
            raise DetectorUnavailable(f"{model} can't be loaded; pull it again: {error}") from error
        self.name = f"yolox:{model.stem}"
        given = self._session.get_inputs()[0]
        self._input_name: str = given.name
        self._input_size = input_size(given.shape)
        self._grid, self._scales = cells(*self._input_size)
        self._frame_size = (0, 0)

    def start(self, width: int, height: int, fps: float) -> None:
        """As Detector.start."""
        require_start(width, height, fps)
        self._frame_size = (width, height)

    def detect(self, frame_bgr: ImageBGR, time_ms: int) -> list[Detection]:
        """As Detector.detect."""
        del time_ms
        frame = require_frame(frame_bgr, *self._frame_size)
        network_input, scale = letterbox(frame, self._input_size)
        try:
            output: FloatArray = self._session.run(None, {self._input_name: network_input})[0]
        except self._vendor_errors as error:
            raise DetectionFailed(f"YOLOX failed on a frame of {frame.shape}") from error
        expected = (1, len(self._grid), BOX_NUMBERS + COCO_CLASSES)
        if output.shape != expected:
            raise DetectionFailed(f"the model gives {output.shape}, not {expected}: not a YOLOX of COCO's classes")
        boxes, scores = decode(output[0], self._grid, self._scales)
        return chosen(boxes / scale, scores, self._frame_size)


def input_size(shape: list[int | str | None]) -> tuple[int, int]:
    """Width and height that a model's input asks for. Raises DetectorUnavailable where that can't be a YOLOX's."""
    if len(shape) != 4:  # noqa: PLR2004 - batch, colours, height, width
        raise DetectorUnavailable(f"a YOLOX takes one input of four dimensions, not {shape}")
    height, width = (side if isinstance(side, int) else DEFAULT_SIDE for side in shape[2:])
    if height % STRIDES[-1] or width % STRIDES[-1] or height <= 0 or width <= 0:
        raise DetectorUnavailable(f"a YOLOX's sides are multiples of {STRIDES[-1]}, not {width} x {height}")
    return width, height


def cells(width: int, height: int) -> tuple[FloatArray, FloatArray]:
    """Of each cell of the output its column and row, (cells, 2), and its stride, (cells, 1)."""
    grids, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        grids.append(np.stack([columns, rows], axis=-1).reshape(-1, 2))
        strides.append(np.full((grids[-1].shape[0], 1), stride))
    return np.concatenate(grids).astype(np.float32), np.concatenate(strides).astype(np.float32)


def letterbox(frame: ImageBGR, size: tuple[int, int]) -> tuple[FloatArray, float]:
    """The frame scaled into `size` (width, height), the rest grey, as (1, 3, height, width); and the scale."""
    import cv2

    width, height = size
    scale = min(width / frame.shape[1], height / frame.shape[0])
    fitted = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
    resized = cv2.resize(frame, fitted, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    canvas = np.full((height, width, 3), FILL, np.uint8)
    canvas[: fitted[1], : fitted[0]] = resized
    return np.ascontiguousarray(canvas.transpose(2, 0, 1)[np.newaxis], np.float32), scale


def decode(output: FloatArray, grid: FloatArray, strides: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Boxes (n, 4) left, top, right, bottom in pixels of the network's input, and scores (n, classes), of the sure cells."""
    scores = output[:, 4:5] * output[:, BOX_NUMBERS:]
    kinds = scores[:, [PERSON, *VEHICLES]]
    worth = kinds.max(axis=1) >= MIN_SCORE
    centre = (output[worth, :2] + grid[worth]) * strides[worth]
    half = np.exp(output[worth, 2:4]) * strides[worth] / 2
    return np.concatenate([centre - half, centre + half], axis=1), scores[worth]


def chosen(boxes: FloatArray, scores: FloatArray, frame_size: tuple[int, int]) -> list[Detection]:
    """The people and vehicles among the boxes (n, 4), in pixels of the frame, one for each thing.

    Overlaps are resolved within people and within all vehicles together: a van is not a car and a truck.
    """
    people = _suppressed(boxes, scores[:, PERSON])
    vehicle_classes = list(VEHICLES)
    vehicle_scores = scores[:, vehicle_classes]
    vehicles = _suppressed(boxes, vehicle_scores.max(axis=1) if len(boxes) else np.zeros(0, np.float32))
    found: list[tuple[int, float, VehicleType | None]] = [(index, float(scores[index, PERSON]), None) for index in people]
    for index in vehicles:
        best = int(vehicle_scores[index].argmax())
        found.append((index, float(vehicle_scores[index, best]), VEHICLES[vehicle_classes[best]]))
    detections = []
    width, height = frame_size
    for index, score, vehicle_type in found:
        left, top = (max(0.0, float(side)) for side in boxes[index, :2])
        right, bottom = min(float(width), float(boxes[index, 2])), min(float(height), float(boxes[index, 3]))
        if left < right and top < bottom:
            kind = Kind.PERSON if vehicle_type is None else Kind.VEHICLE
            detections.append(Detection((left, top, right, bottom), kind, min(1.0, score), vehicle_type=vehicle_type))
    return detections


def _suppressed(boxes: FloatArray, scores: FloatArray) -> list[int]:
    """Indices of the boxes that are sure enough and not a worse view of a surer one."""
    import cv2

    if len(boxes) == 0:
        return []
    corners_and_sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(corners_and_sizes.tolist(), scores.tolist(), MIN_SCORE, MAX_OVERLAP)
    return [int(index) for index in np.asarray(kept).reshape(-1)]


def _onnxruntime_errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises. Its exceptions have no class of their own in common, so that they can't be caught by one name."""
    from onnxruntime.capi import onnxruntime_pybind11_state as native

    return tuple(value for value in vars(native).values() if isinstance(value, type) and issubclass(value, Exception))
