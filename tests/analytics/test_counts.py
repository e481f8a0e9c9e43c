"""Who is counted, end to end: real videos whose truth is known, made harder, and made-up scenes. More in bench/counting.py."""

from __future__ import annotations

import pytest

from analytics.counting import Count
from analytics.engines.hybrid import HybridDetector
from analytics.engines.motion import MotionDetector
from analytics.engines.yolox import YoloxDetector
from analytics.pipeline import analyse, run_to_end
from analytics.video.reader import VideoReader
from bench.counting import TRUTH, Truth, count
from bench.made_up_scenes import CASES, frames
from bench.perturbations import PERTURBATIONS
from tests.media import shared

SCENES = [
    "nothing, exposure steps",
    "nothing, shaking camera",
    "one walks, 5 a second",
    "one walks, shadow",
    "one is there at first, then leaves",
    "two cross",
    "car from above, aslant",
    "white car, exposure dips",
    "two cars from the side",
    "car stops at a barrier",
    "person and car",
]


@pytest.mark.parametrize("name", SCENES)
def test_made_up_scenes(name: str) -> None:
    case = CASES[name]
    assert count(frames(case.scene), case.scene.fps, MotionDetector()) == Count(case.people, case.vehicles)


@pytest.mark.parametrize("name", list(TRUTH))
def test_real_videos_by_motion_frame_by_frame(name: str) -> None:
    truth = TRUTH[name]
    report = run_to_end(analyse(shared(f"testdata/video/{name}.mp4"), interval_ms=2000, detector=MotionDetector()))
    assert report.total == truth.total
    assert sum(report.people_per_interval) == truth.total.people
    assert sum(report.vehicles_per_interval) == truth.total.vehicles
    for stays, present in ((truth.people, report.people_counts), (truth.vehicles, report.vehicle_counts)):
        there = [truth.there(stays, 2000 * index) for index in range(len(present))]
        assert sum(a == b for a, b in zip(there, present, strict=True)) >= 0.9 * len(there)


def test_a_car_from_above_is_one_to_the_hybrid() -> None:
    video, model = shared("testdata/video/car-detection.mp4"), shared("models/yolox/yolox_nano.onnx")
    hybrid = HybridDetector(YoloxDetector(model), MotionDetector())
    with VideoReader(video) as reader:
        until_the_first_has_left = ((frame.time_ms, frame.image_bgr) for frame in reader if frame.time_ms < 9000)
        assert count(until_the_first_has_left, reader.info.fps, hybrid) == Count(0, 1)


@pytest.mark.parametrize(
    ("name", "perturbation"),
    [
        ("car-detection", "half the size"),
        ("car-detection", "exposure steps"),
        ("people-3", "every third frame"),
    ],
    ids=lambda value: value,
)
def test_real_videos_made_harder(name: str, perturbation: str) -> None:
    truth: Truth = TRUTH[name]
    perturbed, _ = PERTURBATIONS[perturbation]
    with VideoReader(shared(f"testdata/video/{name}.mp4")) as reader:
        pictures = list(perturbed((frame.time_ms, frame.image_bgr) for frame in reader))
    fps = 1000 * (len(pictures) - 1) / (pictures[-1][0] - pictures[0][0])
    assert count(pictures, fps, MotionDetector()) == truth.total
