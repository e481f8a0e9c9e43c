"""People and vehicles counted beside the truth, by every detector that can run here.

    python -m bench.counting [real] [scenes] [perturbed] [--videos FOLDER] [--model ONNX] [--detectors motion,yolox,hybrid]

real: the two sample videos whose truth is known frame by frame, per interval of 1, 2 and 5 seconds. scenes: made-up videos (see
bench/made_up_scenes.py). perturbed: the sample videos mirrored, dimmed, cropped… (see bench/perturbations.py). Without a
word, everything but perturbed with the slow detectors. How fast: bench/video.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from analytics.counting import Count, count_kinds
from analytics.engines.base import Detector
from analytics.engines.registry import DetectorSpec, create_detector
from analytics.pace import MAX_PER_SECOND, Pace
from analytics.pipeline import Report, analyse, run_to_end
from analytics.tracking import Tracker
from analytics.video.reader import VideoReader
from bench.made_up_scenes import CASES, frames
from bench.perturbations import PERTURBATIONS, Image
from bench.video import DETECTORS, available_detectors

SHARED = Path(__file__).resolve().parents[2] / "shared"
INTERVALS_MS = (1000, 2000, 5000)
PARTS = ("real", "scenes", "perturbed")


@dataclass(frozen=True)
class Truth:
    """What is in a sample video."""

    fps: float
    people: tuple[tuple[int, int], ...] = ()
    """First and last frame of each."""
    vehicles: tuple[tuple[int, int], ...] = ()

    @property
    def total(self) -> Count:
        return Count(len(self.people), len(self.vehicles))

    def come(self, stays: Sequence[tuple[int, int]], start_ms: float, end_ms: float) -> int:
        """How many come into view between two times."""
        return sum(start_ms <= first * 1000 / self.fps < end_ms for first, _ in stays)

    def there(self, stays: Sequence[tuple[int, int]], time_ms: float) -> int:
        """How many are in view at a time."""
        return sum(first <= time_ms * self.fps / 1000 <= last for first, last in stays)


TRUTH = {
    "car-detection": Truth(12.5, vehicles=((60, 107), (183, 230), (190, 238), (316, 345))),
    "people-3": Truth(10, people=((66, 203), (228, 455), (502, 705))),
}


def main() -> None:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="|".join(PARTS))
    parser.add_argument("--videos", type=Path, default=SHARED / "testdata" / "video")
    parser.add_argument("--model", type=Path, default=SHARED / "models" / "yolox" / "yolox_nano.onnx")
    parser.add_argument("--detectors", type=lambda text: text.split(","), default=list(DETECTORS))
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    parts = arguments.parts or list(PARTS)
    videos = {name: arguments.videos / f"{name}.mp4" for name in TRUTH}
    videos = {name: path for name, path in videos.items() if path.is_file()}
    for missing in TRUTH.keys() - videos.keys():
        print(f"{missing}: skipped, not in {arguments.videos}")
    detectors = list(available_detectors(arguments.detectors, arguments.model))
    if "real" in parts:
        _real(videos, detectors)
    if "scenes" in parts:
        _scenes()
    if "perturbed" in parts:
        _perturbed(videos, detectors if arguments.parts else detectors[:1])


def count(pictures: Iterable[tuple[int, Image]], fps: float, detector: Detector) -> Count:
    """The people and vehicles of pictures in memory, looked at as often as the pipeline does."""
    tracker: Tracker | None = None
    fps = min(fps, MAX_PER_SECOND)
    total = Count()
    pace = Pace()
    time_ms = 0
    for time_ms, image in pictures:
        if not pace.is_due(time_ms):
            continue
        height, width = image.shape[:2]
        if tracker is None:
            detector.start(width, height, fps)
            tracker = Tracker(width, height, fps)
        detections = detector.detect(image, time_ms)
        tracked = tracker.update(detections, time_ms)
        pace.looked(time_ms, len(detections), tracked.visible)
        total += count_kinds(track.kind for track in tracked.counted)
    if tracker is None:
        return total
    return total + count_kinds(track.kind for track in tracker.finish(time_ms).counted)


def _real(videos: dict[str, Path], detectors: Sequence[Detector]) -> None:
    for name, path in videos.items():
        truth = TRUTH[name]
        print(f"\n{name}: in truth {_shown(truth.total)}")
        for detector in detectors:
            for interval_ms in INTERVALS_MS:
                report = run_to_end(analyse(path, interval_ms=interval_ms, detector=detector))
                _print_intervals(truth, report, interval_ms)


def _print_intervals(truth: Truth, report: Report, interval_ms: int) -> None:
    starts = [index * interval_ms for index in range(len(report.people_counts))]
    verdict = "ok" if report.total == truth.total else "WRONG"
    print(f"  {report.detector}, every {interval_ms / 1000:g} s: {_shown(report.total)} {verdict}")
    for kind, stays, passed, present in (
        ("people", truth.people, report.people_per_interval, report.people_counts),
        ("vehicles", truth.vehicles, report.vehicles_per_interval, report.vehicle_counts),
    ):
        if not stays and not any(passed) and not any(present):
            continue
        come = [truth.come(stays, start, start + interval_ms) for start in starts]
        there = [truth.there(stays, start) for start in starts]
        right = sum(a == b for a, b in zip(there, present, strict=True))
        print(f"    {kind} that come   {_digits(come)}\n    {kind} counted     {_digits(passed)}")
        print(f"    {kind} in view     {_digits(there)}\n    {kind} seen        {_digits(present)}  {right}/{len(there)} right")


def _digits(numbers: Iterable[int]) -> str:
    return "".join("." if number == 0 else str(number) for number in numbers)


def _shown(total: Count) -> str:
    return f"{total.people} people, {total.vehicles} vehicles"


def _scenes() -> None:
    print("\nmade-up scenes, motion")
    right = 0
    for name, case in CASES.items():
        found = count(frames(case.scene), case.scene.fps, create_detector(DetectorSpec("motion")))
        right += _verdict(name, found, Count(case.people, case.vehicles))
    print(f"  {right} of {len(CASES)} right")


def _verdict(name: str, found: Count, truth: Count) -> bool:
    right = found == truth
    print(f"  {name:40} {_shown(found):24} {'ok' if right else 'WRONG: ' + _shown(truth)}", flush=True)
    return right


def _perturbed(videos: dict[str, Path], detectors: Sequence[Detector]) -> None:
    for name, path in videos.items():
        with VideoReader(path) as reader:
            pictures = [(frame.time_ms, frame.image_bgr) for frame in reader]
        for detector in detectors:
            print(f"\n{name}, perturbed, {detector.name}")
            right = 0
            for label, (perturbation, times) in PERTURBATIONS.items():
                perturbed = list(perturbation(pictures))
                fps = 1000 * (len(perturbed) - 1) / (perturbed[-1][0] - perturbed[0][0])
                truth = Count(TRUTH[name].total.people * times, TRUTH[name].total.vehicles * times)
                right += _verdict(label, count(perturbed, fps, detector), truth)
            print(f"  {right} of {len(PERTURBATIONS)} right")


if __name__ == "__main__":
    main()
