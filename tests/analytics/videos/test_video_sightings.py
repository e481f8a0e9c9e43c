"""Faces and plates that real engines see in real videos (analytics.videos.analysis)."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from analytics.engines.motion import MotionDetector
from analytics.models import FaceSighting, PlateSighting, Video
from analytics.plates.reader import RapidPlateReader
from analytics.videos.analysis import LoadedEngines, analyse_whole
from analytics.videos.jobs import Outcome
from faces.engines.base import FaceEngine
from faces.engines.insightface_engine import InsightFaceEngine
from faces.similarity import similarity
from faces.types import Embedding
from tests.media import face_photo, insightface_models, shared

THRESHOLD = 0.4


@pytest.fixture(scope="module")
def engine() -> FaceEngine:
    return InsightFaceEngine(*insightface_models())


def analysed(source: Path, folder: Path, engines: LoadedEngines, interval_ms: int = 1000) -> Outcome:
    video = Video(pk=1, interval_ms=interval_ms)
    return analyse_whole(video, source, folder, engines, on_progress=lambda _share: None, cancelled=lambda: False)


def of_photo(engine: FaceEngine, name: str) -> Embedding:
    photo = face_photo(name)
    return engine.embed(photo, engine.detect(photo)[0])


def test_a_singer_is_seen_in_each_of_his_scenes_and_nobody_is_taken_for_him(engine: FaceEngine, tmp_path: Path) -> None:
    outcome = analysed(shared("testdata/video/hamilton_clip.mp4"), tmp_path, LoadedEngines(MotionDetector(), engine, None))
    miranda, other = of_photo(engine, "lin_manuel_miranda.png"), of_photo(engine, "obama.jpg")
    metric = engine.info.metric
    rows = [row for row, _picture in outcome.faces]
    his = [row for row in rows if similarity(metric, miranda, row.vector) >= THRESHOLD]
    # One long scene, from 3.0 to 7.3 s.
    assert len(his) >= 1
    assert all(2900 <= row.time_ms <= 7400 for row in his)
    assert not [row for row in rows if similarity(metric, other, row.vector) >= THRESHOLD]
    assert len({row.track for row in rows}) <= len(rows) < 12, "each appearance once, not each frame"
    for row, picture in outcome.faces:
        assert isinstance(row, FaceSighting)
        assert cv2.imread(str(picture)).shape[0] >= 24
        assert row.bbox_x + row.bbox_w <= 640


def test_plates_are_read_where_no_vehicle_moves(tmp_path: Path) -> None:
    photo = cv2.imread(str(shared("testdata/plates/demo.png")))
    source = panning_over(np.asarray(photo, np.uint8), tmp_path / "pan.mp4")
    outcome = analysed(source, tmp_path, LoadedEngines(MotionDetector(), None, RapidPlateReader(2)))
    read = {row.text for row, _picture in outcome.plates}
    assert {"苏BD00111", "豫CG117挂"} <= read
    assert len(outcome.plates) == len(read) <= 6
    for row, picture in outcome.plates:
        assert isinstance(row, PlateSighting)
        assert (row.key, 0.5 <= row.confidence <= 1) == (row.text, True)
        assert picture.stat().st_size > 1000


def test_a_car_park_without_a_readable_plate_has_none(tmp_path: Path) -> None:
    engines = LoadedEngines(MotionDetector(), None, RapidPlateReader(2))
    assert analysed(shared("testdata/video/car-detection.mp4"), tmp_path, engines).plates == []


def panning_over(image_bgr: np.ndarray, path: Path, seconds: int = 8, width: int = 1280) -> Path:
    """A camera that turns slowly over a wide photo."""
    height = image_bgr.shape[0] // 2 * 2
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(seconds * 10):
            left = round((image_bgr.shape[1] - width) * index / (seconds * 10))
            part = np.ascontiguousarray(image_bgr[:height, left : left + width])
            output.mux(stream.encode(av.VideoFrame.from_ndarray(part, format="bgr24")))
        output.mux(stream.encode())
    return path
