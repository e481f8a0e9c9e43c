"""One pass over a video, with a detector that says what it is told."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import av
import numpy as np
import pytest

from analytics.counting import Count
from analytics.engines.base import Detection, DetectionFailed, Kind
from analytics.pipeline import AnalysisCancelled, Hooks, Observation, Report, Step, analyse, run_to_end
from analytics.video.errors import VideoError
from analytics.video.types import ImageBGR
from tests.analytics import clips

Script = Callable[[int], list[Detection]]


class Scripted:
    """Detects what the script says for a time."""

    name = "scripted"

    def __init__(self, script: Script) -> None:
        self._script = script
        self.asked_ms: list[int] = []
        self.started: tuple[int, int, float] | None = None

    def start(self, width: int, height: int, fps: float) -> None:
        self.started = (width, height, fps)

    def detect(self, frame_bgr: ImageBGR, time_ms: int) -> list[Detection]:
        self.asked_ms.append(time_ms)
        return self._script(time_ms)


def passing(begin_ms: int, kind: Kind, y: float = 48) -> Script:
    """Something that crosses the clips' frame from left to right in two seconds."""

    def script(time_ms: int) -> list[Detection]:
        x = (time_ms - begin_ms) / 2000 * clips.WIDTH
        return [Detection((max(0, x - 10), y - 15, min(clips.WIDTH, x + 10), y + 15), kind, 0.9)] if 5 < x < 155 else []

    return script


def both(*scripts: Script) -> Script:
    return lambda time_ms: [detection for script in scripts for detection in script(time_ms)]


TRAFFIC = both(passing(0, Kind.PERSON), passing(2500, Kind.VEHICLE), passing(3000, Kind.PERSON, 80))


def collect(steps: Generator[Step, None, Report]) -> tuple[list[Step], Report]:
    found = []
    while True:
        try:
            found.append(next(steps))
        except StopIteration as end:
            return found, end.value


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return clips.write(tmp_path / "clip.mp4", count=55)


@pytest.mark.parametrize(
    ("interval_ms", "steps", "people", "vehicles"),
    [
        pytest.param(1000, [0, 1000, 2000, 3000, 4000, 5000], [1, 0, 0, 1, 0, 0], [0, 0, 0, 1, 0, 0], id="1 s"),
        pytest.param(2000, [0, 2000, 4000], [1, 1, 0], [0, 1, 0], id="2 s"),
        pytest.param(10_000, [0], [2], [1], id="longer than the video"),
        pytest.param(1375, [0, 1400, 2800, 4200], [1, 0, 1, 0], [0, 0, 1, 0], id="between frames"),
    ],
)
def test_one_frame_an_interval_and_who_passed_in_it(
    clip: Path, interval_ms: int, steps: list[int], people: list[int], vehicles: list[int]
) -> None:
    found, report = collect(analyse(clip, interval_ms=interval_ms, detector=Scripted(TRAFFIC)))
    assert [step.time_ms for step in found if not step.closing] == steps
    assert [step.closing for step in found] == [False] * len(steps) + [True]
    assert list(report.people_per_interval) == people
    assert list(report.vehicles_per_interval) == vehicles
    assert report.total == Count(2, 1)
    assert len(report.people_counts) == len(report.vehicle_counts) == len(steps)
    assert sum((step.passed for step in found), Count()) == report.total
    assert found[0].passed == Count(), "nobody can have passed before the first frame"
    assert [step.passed.people for step in found[1:]] == people
    assert [step.now.people for step in found if not step.closing] == list(report.people_counts)


def test_the_report_tells_the_rest(clip: Path) -> None:
    _, report = collect(analyse(clip, interval_ms=1000, detector=Scripted(TRAFFIC)))
    assert (report.detector, report.frames, report.duration_ms, report.broken_at_ms) == ("scripted", 55, 5500, None)
    assert [track.kind for track in report.tracks] == [Kind.PERSON, Kind.VEHICLE, Kind.PERSON]
    assert all(track.first_ms <= track.counted_ms <= track.last_ms for track in report.tracks)
    assert report.people_counts == (0, 1, 0, 0, 1, 0)
    assert report.vehicle_counts == (0, 0, 0, 0, 1, 0)


def test_the_first_step_comes_before_the_second_frame_is_read(clip: Path) -> None:
    detector = Scripted(TRAFFIC)
    steps = analyse(clip, interval_ms=60_000, detector=detector)
    assert next(steps).time_ms == 0
    assert detector.asked_ms == [0]


def test_the_detector_is_asked_fifteen_times_a_second_at_most(tmp_path: Path) -> None:
    detector = Scripted(lambda _: [])
    run_to_end(analyse(clips.write(tmp_path / "fast.mp4", fps=50, count=100), interval_ms=1000, detector=detector))
    assert detector.started is not None
    assert detector.started[2] == 15
    assert 20 <= len(detector.asked_ms) <= 30


def test_the_processed_video_plays_in_every_browser(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "processed.mp4"
    run_to_end(analyse(clip, interval_ms=1000, detector=Scripted(TRAFFIC), output=output))
    data = output.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "the index comes first"
    with av.open(str(output)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        decoded = [(round(frame.time * 1000), frame.to_ndarray(format="bgr24")) for frame in container.decode(stream)]
    assert [time_ms for time_ms, _ in decoded] == pytest.approx([100 * index for index in range(55)], abs=1)
    plain = clips.pattern(10)
    drawn = decoded[10][1].astype(int)
    assert np.abs(drawn - plain)[50:].max() > 60, "the box of who is walking"
    assert np.abs(decoded[25][1].astype(int) - clips.pattern(25))[50:].max() < 30, "nobody there, nothing drawn"


@pytest.mark.parametrize(("width", "height"), [(161, 97), (99, 131)], ids=str)
def test_odd_sides_are_made_even(tmp_path: Path, width: int, height: int) -> None:
    path = clips.write(tmp_path / "odd.avi", codec="ffv1", width=width, height=height, count=3)
    output = tmp_path / "processed.mp4"
    run_to_end(analyse(path, interval_ms=1000, detector=Scripted(lambda _: []), output=output))
    with av.open(str(output)) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height) == (width - 1, height - 1)


def test_steps_show_what_was_drawn_and_observers_what_was_not(clip: Path) -> None:
    seen: list[Observation] = []
    plain: list[bool] = []

    def observe(observation: Observation) -> None:
        seen.append(observation)
        image = observation.frame.image_bgr
        plain.append(int(np.abs(image.astype(int) - clips.pattern(observation.frame.index))[50:].max()) < 30)

    hooks = Hooks(on_observation=observe)
    steps, _ = collect(analyse(clip, interval_ms=1000, detector=Scripted(TRAFFIC), hooks=hooks))
    assert all(plain[:-1]), "before anything is drawn"
    assert [observation.frame.time_ms for observation in seen[:3]] == [0, 100, 200]
    finished = [track for observation in seen for track in observation.finished]
    assert len(finished) == 3
    assert all(len(track.path) > 10 for track in finished)
    assert len(steps) == 7


def test_progress_never_goes_back_and_ends_at_one(clip: Path) -> None:
    shares: list[float] = []
    run_to_end(analyse(clip, interval_ms=500, detector=Scripted(TRAFFIC), hooks=Hooks(on_progress=shares.append)))
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == 1
    assert 0.4 < shares[len(shares) // 2] < 0.6


def test_cancelling_stops_and_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    detector = Scripted(TRAFFIC)
    output = tmp_path / "processed.mp4"
    hooks = Hooks(cancelled=lambda: len(detector.asked_ms) >= 5)
    with pytest.raises(AnalysisCancelled):
        run_to_end(analyse(clip, interval_ms=1000, detector=detector, output=output, hooks=hooks))
    assert len(detector.asked_ms) == 5
    assert not output.exists()


def test_who_stops_listening_stops_the_work(clip: Path, tmp_path: Path) -> None:
    detector = Scripted(TRAFFIC)
    output = tmp_path / "processed.mp4"
    steps = analyse(clip, interval_ms=100, detector=detector, output=output)
    next(steps)
    next(steps)
    steps.close()
    assert len(detector.asked_ms) == 2
    assert not output.exists()


def test_a_detector_that_fails_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    def fail(time_ms: int) -> list[Detection]:
        raise DetectionFailed(f"at {time_ms}")

    output = tmp_path / "processed.mp4"
    with pytest.raises(DetectionFailed):
        run_to_end(analyse(clip, interval_ms=1000, detector=Scripted(fail), output=output))
    assert not output.exists()


def test_a_broken_video_is_analysed_as_far_as_it_goes(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "clip.mp4", count=100, options={"movflags": "+faststart"})
    report = run_to_end(analyse(clips.cut_off(path, 0.6), interval_ms=1000, detector=Scripted(passing(0, Kind.PERSON))))
    assert report.broken_at_ms is not None
    assert report.broken_at_ms < 9900
    assert report.total == Count(1, 0)


@pytest.mark.parametrize("interval_ms", [0, -5])
def test_an_interval_is_at_least_a_millisecond(clip: Path, interval_ms: int) -> None:
    with pytest.raises(ValueError, match="interval"):
        next(analyse(clip, interval_ms=interval_ms, detector=Scripted(TRAFFIC)))


def test_a_bad_video_leaves_no_output(tmp_path: Path) -> None:
    upload, output = tmp_path / "upload.mp4", tmp_path / "processed.mp4"
    upload.write_bytes(b"no video")
    with pytest.raises(VideoError):
        run_to_end(analyse(upload, interval_ms=1000, detector=Scripted(TRAFFIC), output=output))
    assert not output.exists()
