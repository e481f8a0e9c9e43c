"""Faces and plates are looked for beside the analysis, and what goes wrong there reaches it (analytics.videos.sightings)."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.engines.motion import MotionDetector
from analytics.models import Video
from analytics.pipeline import AnalysisCancelled, Observation
from analytics.plates.ocr import PlateReadingFailed
from analytics.plates.types import PlateReading
from analytics.video.types import Frame
from analytics.videos.analysis import LoadedEngines, analyse_whole
from analytics.videos.faces import FaceCollector
from analytics.videos.sightings import Sightings
from faces.engines.base import DetectionFailed
from faces.engines.fake import FakeEngine
from faces.types import DetectedFace, ImageRGB
from tests.analytics import clips
from tests.media import FakeFace, fake_photo


class FailingEngine(FakeEngine):
    def detect(self, image_rgb: ImageRGB, *, expects_none: bool = False) -> list[DetectedFace]:
        raise DetectionFailed("the vendor's")


class FailingReader:
    def read_image(self, *_image: Any, **_where: Any) -> list[PlateReading]:
        raise PlateReadingFailed("the vendor's")


class Slow(FakeEngine):
    """Waits until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()

    def detect(self, image_rgb: ImageRGB, *, expects_none: bool = False) -> list[DetectedFace]:
        assert self.may_go_on.wait(20)
        return super().detect(image_rgb, expects_none=expects_none)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "video-sightings"]


def analysed(source: Path, folder: Path, engines: LoadedEngines, *, cancelled: bool = False) -> Any:
    video = Video(pk=1, interval_ms=1000)
    return analyse_whole(video, source, folder, engines, on_progress=lambda _share: None, cancelled=lambda: cancelled)


@pytest.mark.parametrize(
    ("engines", "error"),
    [
        (lambda: LoadedEngines(MotionDetector(), FailingEngine(), None), DetectionFailed),
        (lambda: LoadedEngines(MotionDetector(), None, FailingReader()), PlateReadingFailed),
    ],
    ids=["faces", "plates"],
)
def test_an_engine_that_fails_ends_the_analysis_and_leaves_no_video(engines: Any, error: type[Exception], tmp_path: Path) -> None:
    source = clips.write(tmp_path / "in.mp4")
    with pytest.raises(error):
        analysed(source, tmp_path, engines())
    assert not (tmp_path / "processed.mp4").exists()
    assert threads() == []


def test_a_cancelled_analysis_leaves_no_thread(tmp_path: Path) -> None:
    source = clips.write(tmp_path / "in.mp4")
    with pytest.raises(AnalysisCancelled):
        analysed(source, tmp_path, LoadedEngines(MotionDetector(), FakeEngine(), None), cancelled=True)
    assert threads() == []


def observations(count: int) -> Iterable[Observation]:
    image = np.ascontiguousarray(fake_photo(FakeFace(1))[:, :, ::-1])
    return (Observation(Frame(number, 1000 * number, image), (), ()) for number in range(count))


def test_the_analysis_waits_for_an_engine_that_is_slower_instead_of_filling_the_memory(tmp_path: Path) -> None:
    engine = Slow()
    handed: list[int] = []

    def hand_over(sightings: Sightings) -> None:
        for observation in observations(200):
            sightings.take(observation)
            handed.append(observation.frame.index)

    with Sightings(FaceCollector(engine, tmp_path, every_ms=500, min_size_px=20), None, face_every_ms=500) as sightings:
        thread = threading.Thread(target=hand_over, args=(sightings,))
        thread.start()
        thread.join(1.0)
        waiting = len(handed)
        engine.may_go_on.set()
        thread.join(20)
        faces, plates = sightings.finish()
    assert waiting < 100
    assert len(handed) == 200
    assert len(faces) == 1
    assert plates == []
