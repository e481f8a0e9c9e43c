"""Faces in parts of frames (analytics.videos.face_finder), and when a video is looked at for them (analytics.videos.faces)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analytics.boxes import BoxXYXY
from analytics.video.types import Frame, ImageBGR
from analytics.videos.face_finder import FaceFinder, Look
from analytics.videos.faces import FaceCollector, FoundFace
from analytics.videos.scenes import Part
from faces.engines.fake import FakeEngine, FakeFace
from faces.types import DetectedFace, EngineInfo, ImageRGB
from tests.media import Placed, fake_photo

EVERY_MS = 500


class Counting(FakeEngine):
    """The fake engine, that notes what it looks at; by the name of another, parts are given to it as to that."""

    def __init__(self, name: str = "fake") -> None:
        super().__init__()
        self._name = name
        self.pixels: list[int] = []

    @property
    def info(self) -> EngineInfo:
        return replace(super().info, name=self._name, has_fixed_input=self._name == "insightface")

    def detect(self, image_rgb: ImageRGB, *, expects_none: bool = False) -> list[DetectedFace]:
        self.pixels.append(image_rgb.shape[0] * image_rgb.shape[1])
        return super().detect(image_rgb, expects_none=expects_none)


def frame(*faces: Placed, time_ms: int = 0, width: int = 640, height: int = 480) -> Frame:
    return Frame(0, time_ms, np.ascontiguousarray(fake_photo(*faces, width=width, height=height)[:, :, ::-1]))


def placed(person: int, x: int, y: int, size_px: int = 80) -> Placed:
    return Placed(FakeFace(person), x, y, size_px)


def part_around(face: Placed) -> Part:
    return Part(face.x - 20, face.y - 20, face.x + face.size_px + 20, face.y + face.size_px + 20)


@pytest.mark.parametrize(("name", "calls"), [("fake", 3), ("insightface", 1)], ids=["each by itself", "on one sheet"])
def test_faces_come_back_to_the_frames_and_places_that_they_are_of(name: str, calls: int) -> None:
    engine = Counting(name)
    one, two, three = placed(1, 100, 60), placed(2, 400, 300, 100), placed(3, 250, 200, 60)
    looks = [
        Look(frame(one, two), (part_around(one), part_around(two))),
        Look(frame(three), (part_around(three),)),
    ]
    first, second = FaceFinder(engine).find(looks)
    assert len(engine.pixels) == calls
    for found, truth in (([*first], [one, two]), ([*second], [three])):
        boxes = sorted(face.bbox_xyxy for face in found)
        assert len(boxes) == len(truth)
        for box, face in zip(boxes, truth, strict=True):
            assert box == pytest.approx((face.x, face.y, face.x + face.size_px, face.y + face.size_px), abs=3)


def test_faces_of_a_large_frame_are_searched_reduced_and_told_in_its_pixels() -> None:
    engine = Counting("insightface")
    face = placed(1, 1200, 600, 240)
    ((found,),) = FaceFinder(engine).find([Look(frame(face, width=1920, height=1080), (part_around(face),))])
    assert found.bbox_xyxy == pytest.approx((1200, 600, 1440, 840), abs=8)


def test_more_than_a_sheet_holds_goes_on_several() -> None:
    engine = Counting("insightface")
    looks = [Look(frame(placed(1, 100, 100, 200)), (Part(60, 60, 360, 360),)) for _ in range(9)]
    assert [len(found) for found in FaceFinder(engine).find(looks)] == [1] * 9
    assert len(engine.pixels) == 3


def collected(engine: FakeEngine, folder: Path, frames: list[Frame], people: Sequence[BoxXYXY] = ()) -> list[FoundFace]:
    collector = FaceCollector(engine, folder, every_ms=EVERY_MS, min_size_px=20)
    for one in frames:
        collector.look(one, people)
    return collector.finish()


def film(*scenes: tuple[float, tuple[Placed, ...]]) -> list[Frame]:
    """One frame for each look; of each scene its seconds and who is in it."""
    shown = [faces for seconds, faces in scenes for _ in range(round(seconds * 1000 / EVERY_MS))]
    return [frame(*faces, time_ms=EVERY_MS * number) for number, faces in enumerate(shown)]


@pytest.mark.parametrize("name", ["fake", "insightface"])
def test_an_empty_picture_that_does_not_change_is_looked_at_once(name: str, tmp_path: Path) -> None:
    engine = Counting(name)
    assert collected(engine, tmp_path, film((60, ()))) == []
    assert len(engine.pixels) == 1


@pytest.mark.parametrize("name", ["fake", "insightface"])
def test_somebody_who_comes_stands_still_and_goes_is_one_appearance(name: str, tmp_path: Path) -> None:
    engine = Counting(name)
    found = collected(engine, tmp_path, film((10, ()), (20, (placed(7, 300, 200),)), (10, ())))
    (face,) = found
    assert 10_000 <= face.time_ms <= 30_000
    assert (face.box.x, face.box.y) == (pytest.approx(300, abs=4), pytest.approx(200, abs=4))
    assert len(engine.pixels) <= 45
    assert name == "insightface" or max(engine.pixels[1:]) < 640 * 480 / 4, "not the whole picture at each look"


@pytest.mark.parametrize("name", ["fake", "insightface"])
def test_each_of_several_who_come_one_after_the_other_is_found(name: str, tmp_path: Path) -> None:
    first, second = placed(1, 80, 200), placed(2, 420, 200)
    scenes = film((5, ()), (5, (first,)), (10, (first, second)), (5, (second,)), (5, ()))
    found = collected(Counting(name), tmp_path, scenes)
    engine = FakeEngine()
    known = [engine.embed(photo, engine.detect(photo)[0]) for photo in (fake_photo(first), fake_photo(second))]
    assert sorted(int(np.argmax([float(one @ face.embedding) for one in known])) for face in found) == [0, 1]


@pytest.mark.parametrize("name", ["fake", "insightface"])
def test_somebody_who_comes_back_to_the_same_place_later_appears_twice(name: str, tmp_path: Path) -> None:
    there = (placed(7, 300, 200),)
    found = collected(Counting(name), tmp_path, film((5, ()), (5, there), (60, ()), (5, there), (5, ())))
    assert [face.time_ms // 10_000 for face in found] in ([0, 7], [1, 7])


def test_of_somebody_who_stands_the_upper_part_is_looked_at(tmp_path: Path) -> None:
    body = (260.0, 40.0, 380.0, 440.0)

    def standing(level: int, *faces: Placed) -> Frame:
        image = np.ascontiguousarray(fake_photo(*faces)[:, :, ::-1])
        image[140:440, 260:380] = level
        return Frame(0, 0, image)

    engine = Counting()
    levels = [40 + 60 * (number // 3 % 3) for number in range(12)]
    frames = [standing(level) for level in levels] + [standing(160, placed(3, 280, 50))] * 3
    for number, one in enumerate(frames):
        one.time_ms = number * EVERY_MS
    found = collected(engine, tmp_path, [frame(), *frames], (body,))
    assert len(found) == 1
    assert all(pixels < 200 * 200 for pixels in engine.pixels[1:4]), "legs are not looked at"


def test_a_frame_of_its_own_shows_the_same_parts() -> None:
    image: ImageBGR = np.ascontiguousarray(fake_photo(FakeFace(1))[:, :, ::-1])
    assert (Frame(0, 0, image).part_bgr(11, 21, 40, 61) == image[21:61, 11:40]).all()
