"""What every detector does, whichever it is; and which one runs."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analytics.engines.base import Detection, Detector, DetectorUnavailable, Kind, VehicleType
from analytics.engines.hybrid import HybridDetector
from analytics.engines.motion import MotionDetector
from analytics.engines.registry import DetectorSpec, create_detector, resolve
from analytics.engines.yolox import YoloxDetector, cells, chosen, decode, input_size, letterbox
from analytics.video.reader import VideoReader
from tests.media import shared

YOLOX_NANO = "models/yolox/yolox_nano.onnx"


def _yolox() -> YoloxDetector:
    return YoloxDetector(shared(YOLOX_NANO))


DETECTORS: dict[str, Callable[[], Detector]] = {
    "motion": MotionDetector,
    "yolox": _yolox,
    "hybrid": lambda: HybridDetector(_yolox(), MotionDetector()),
}


@pytest.fixture(params=list(DETECTORS))
def detector(request: pytest.FixtureRequest) -> Detector:
    return DETECTORS[request.param]()


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(np.zeros((90, 160, 3), np.float32), id="float"),
        pytest.param(np.zeros((160, 90, 3), np.uint8), id="another size"),
        pytest.param(np.zeros((90, 160), np.uint8), id="grey"),
        pytest.param([[0]], id="no array"),
    ],
)
def test_a_wrong_frame_is_named(detector: Detector, frame: np.ndarray) -> None:
    detector.start(160, 90, 10)
    with pytest.raises(ValueError, match="frame"):
        detector.detect(frame, 0)


@pytest.mark.parametrize(("width", "height", "fps"), [(0, 90, 10), (160, 90, 0), (160, 90, float("nan"))], ids=str)
def test_a_video_that_can_t_be_is_named(detector: Detector, width: int, height: int, fps: float) -> None:
    with pytest.raises(ValueError, match="video"):
        detector.start(width, height, fps)


def test_an_empty_place_is_empty_and_start_forgets(detector: Detector) -> None:
    for shade, (width, height) in ((90, (160, 90)), (200, (90, 160))):
        detector.start(width, height, 10)
        for index in range(5):
            assert detector.detect(np.full((height, width, 3), shade, np.uint8), index * 100) == []


def test_a_person_is_found_where_they_stand(detector: Detector) -> None:
    with VideoReader(shared("testdata/video/people-3.mp4")) as reader:
        detector.start(reader.info.width, reader.info.height, 10)
        found: list[Detection] = []
        for frame in reader:
            if frame.index > 120:
                break
            if frame.index >= 40:
                found = detector.detect(frame.image_bgr, frame.time_ms)
    assert len(found) == 1
    left, top, right, bottom = found[0].bbox_xyxy
    assert found[0].kind is Kind.PERSON
    assert (left, top, right, bottom) == pytest.approx((390, 15, 515, 400), abs=35)


@pytest.mark.parametrize(("width", "height"), [pytest.param(832, 416, id="reduced"), pytest.param(200, 100, id="enlarged")])
def test_a_letterboxed_frame_comes_back_to_its_place(width: int, height: int) -> None:
    frame = np.zeros((height, width, 3), np.uint8)
    network_input, scale = letterbox(frame, (416, 416))
    assert network_input.shape == (1, 3, 416, 416)
    assert network_input.dtype == np.float32
    assert scale == pytest.approx(416 / width)
    assert network_input[0, 0, 207, 415] == 0
    assert network_input[0, 0, 209, 0] == 114


def _output(*found: tuple[int, float, float, float, float, int, float]) -> np.ndarray:
    """The network's output for (cell, x, y, width, height in cells, class, score)."""
    output = np.zeros((3549, 85), np.float32)
    for cell, x, y, width, height, number, score in found:
        output[cell, :4] = (x, y, np.log(width), np.log(height))
        output[cell, 4] = 1
        output[cell, 5 + number] = score
    return output


def _decoded(*found: tuple[int, float, float, float, float, int, float]) -> list[Detection]:
    grid, strides = cells(416, 416)
    boxes, scores = decode(_output(*found), grid, strides)
    return chosen(boxes, scores, (416, 416))


def test_cells_are_decoded_at_their_strides() -> None:
    grid, strides = cells(416, 416)
    assert len(grid) == 3549
    assert grid[53].tolist() == [1, 1]
    assert [float(strides[index, 0]) for index in (0, 52 * 52, 52 * 52 + 26 * 26)] == [8, 16, 32]
    person = _decoded((53, 0.5, 0.5, 2, 1, 0, 0.9))
    assert [(one.bbox_xyxy, one.kind) for one in person] == [((4.0, 8.0, 20.0, 16.0), Kind.PERSON)]
    assert person[0].score == pytest.approx(0.9)
    coarse = _decoded((52 * 52 + 26 * 26 + 14, 0, 0, 1, 1, 2, 0.8))
    assert coarse[0].bbox_xyxy == (16.0, 16.0, 48.0, 48.0)
    assert coarse[0].vehicle_type is VehicleType.CAR


@pytest.mark.parametrize(
    ("number", "kind"),
    [(0, "person"), (1, "bicycle"), (2, "car"), (3, "motorcycle"), (5, "bus"), (7, "truck"), (67, None), (16, None)],
    ids=["person", "bicycle", "car", "motorcycle", "bus", "truck", "cell phone", "dog"],
)
def test_coco_classes(number: int, kind: str | None) -> None:
    found = _decoded((1000, 0, 0, 3, 3, number, 0.9))
    assert [one.vehicle_type or one.kind for one in found] == ([kind] if kind else [])


def test_overlaps_are_resolved_among_people_and_among_vehicles() -> None:
    same = ((1000, 0, 0, 6, 6), (1001, -1, 0, 6, 6))
    assert len(_decoded((*same[0], 0, 0.9), (*same[1], 0, 0.8))) == 1
    van = _decoded((*same[0], 2, 0.7), (*same[1], 7, 0.8))
    assert [one.vehicle_type for one in van] == [VehicleType.TRUCK]
    rider = _decoded((*same[0], 0, 0.9), (*same[1], 3, 0.8))
    assert {one.kind for one in rider} == {Kind.PERSON, Kind.VEHICLE}
    assert len(_decoded((1000, 0, 0, 3, 3, 0, 0.29))) == 0


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        pytest.param([1, 3, 416, 416], (416, 416), id="nano"),
        pytest.param([1, 3, 384, 640], (640, 384), id="oblong"),
        pytest.param(["batch", 3, "height", "width"], (640, 640), id="any size"),
        pytest.param([1, 3, 100, 100], None, id="no whole cells"),
        pytest.param([1, 1000], None, id="no picture"),
    ],
)
def test_the_size_is_the_model_s(shape: list[int | str | None], size: tuple[int, int] | None) -> None:
    if size is None:
        with pytest.raises(DetectorUnavailable):
            input_size(shape)
    else:
        assert input_size(shape) == size


def test_a_model_that_is_none_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "yolox_s.onnx"
    with pytest.raises(DetectorUnavailable, match="models pull yolox_s"):
        YoloxDetector(broken)
    broken.write_bytes(b"no model")
    with pytest.raises(DetectorUnavailable, match="pull it again"):
        YoloxDetector(broken)


class _Saying:
    """A detector that says what it is told."""

    name = "saying"

    def __init__(self, *detections: Detection) -> None:
        self._detections = list(detections)

    def start(self, width: int, height: int, fps: float) -> None: ...

    def detect(self, frame_bgr: np.ndarray, time_ms: int) -> list[Detection]:
        return self._detections


def test_the_hybrid_adds_moving_vehicles_that_the_network_does_not_know() -> None:
    person = Detection((0, 0, 50, 100), Kind.PERSON, 0.9)
    same_person = Detection((0, 0, 55, 100), Kind.VEHICLE, 0.9, 0.4, needs_motion=True)
    car = Detection((200, 0, 300, 100), Kind.VEHICLE, 0.9, 0.8, needs_motion=True)
    dog = Detection((400, 0, 450, 50), Kind.PERSON, 0.9, 0.8, needs_motion=True)
    hybrid = HybridDetector(_Saying(person), _Saying(same_person, car, dog))  # type: ignore[arg-type]
    hybrid.start(500, 200, 10)
    found = hybrid.detect(np.zeros((200, 500, 3), np.uint8), 0)
    assert [one.bbox_xyxy for one in found] == [person.bbox_xyxy, car.bbox_xyxy]
    assert found[1].kind_weight == pytest.approx(0.4)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    (tmp_path / "yolox_tiny").mkdir()
    (tmp_path / "yolox_tiny" / "yolox_tiny.onnx").write_bytes(b"model")
    return tmp_path


@pytest.mark.parametrize(
    ("choice", "pack", "name"),
    [
        pytest.param("auto", "yolox_tiny", "hybrid", id="auto, installed"),
        pytest.param("auto", "yolox_s", "motion", id="auto, not installed"),
        pytest.param("motion", "yolox_tiny", "motion", id="motion by name"),
        pytest.param("yolox", "yolox_tiny", "yolox", id="yolox by name"),
        pytest.param("hybrid", "yolox_tiny", "hybrid", id="hybrid by name"),
    ],
)
def test_a_choice_becomes_a_detector(installed: Path, choice: str, pack: str, name: str) -> None:
    spec, reason = resolve(choice, detection_root=installed, pack=pack)  # type: ignore[arg-type]
    assert spec.name == name
    assert reason.startswith("auto: the model pack" if choice == "auto" else "chosen by name")
    assert pickle.loads(pickle.dumps(spec)) == spec


@pytest.mark.parametrize("choice", ["yolox", "hybrid"])
def test_a_choice_by_name_never_falls_back(installed: Path, choice: str) -> None:
    with pytest.raises(DetectorUnavailable, match="models pull yolox_s"):
        resolve(choice, detection_root=installed, pack="yolox_s")  # type: ignore[arg-type]


def test_a_wrong_choice_or_pack_is_named(installed: Path) -> None:
    with pytest.raises(ValueError, match="no detector is called"):
        resolve("best", detection_root=installed, pack="yolox_s")  # type: ignore[arg-type]
    with pytest.raises(DetectorUnavailable, match="no name of a model pack"):
        resolve("auto", detection_root=installed, pack="../yolox_s")


def test_a_spec_becomes_a_detector() -> None:
    assert create_detector(DetectorSpec("motion")).name == "motion"
    model = shared(YOLOX_NANO)
    assert create_detector(DetectorSpec("yolox", model)).name == "yolox:yolox_nano"
    assert create_detector(DetectorSpec("hybrid", model)).name == "yolox:yolox_nano+motion"
