from __future__ import annotations

import importlib.util
import io
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from faces.engines.base import DetectionFailed, EmbeddingFailed, EngineUnavailable
from faces.engines.dlib_engine import (
    FIRST_LOOK_PIXELS,
    SECOND_LOOK_PIXELS,
    DlibEngine,
    first_look_scale,
    second_look_scale,
    without_faint,
)
from faces.types import ImageRGB
from tests.faces.engines.test_dlib_network import DAT, TOLERANCE
from tests.media import as_jpeg, blank, face_photo, insightface_sample, skimage_sample


def portrait(face_px: int) -> ImageRGB:
    """The astronaut's head with a face of about this size."""
    head = skimage_sample("astronaut.png")[20:230, 120:330]
    side = round(210 * face_px / 88)
    return np.asarray(Image.fromarray(head).resize((side, side), Image.Resampling.LANCZOS))


def placed(head: ImageRGB, width: int, height: int, x: int, y: int) -> ImageRGB:
    picture = blank(width, height).copy()
    picture[y : y + head.shape[0], x : x + head.shape[1]] = head
    return picture


def dlibs_own_descriptor(picture: ImageRGB, bbox_xyxy: tuple[float, float, float, float]) -> np.ndarray:
    import dlib

    left, top, right, bottom = (round(edge) for edge in bbox_xyxy)
    predictor = dlib.shape_predictor(str(DAT.parent / "shape_predictor_5_face_landmarks.dat"))
    shape = predictor(picture, dlib.rectangle(left, top, right - 1, bottom - 1))
    network = dlib.face_recognition_model_v1(str(DAT))
    return np.array(network.compute_face_descriptor(picture, shape))


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(lambda: skimage_sample("astronaut.png"), id="astronaut"),
        pytest.param(lambda: insightface_sample("Tom_Hanks_54745.png"), id="a small grey portrait"),
        pytest.param(lambda: insightface_sample("t1.jpg"), id="the largest of a group"),
        pytest.param(lambda: face_photo("biden.jpg"), id="a large photo"),
        pytest.param(lambda: face_photo("obama_partial_face.jpg"), id="a face cut by the frame"),
    ],
)
def test_embeddings_are_dlibs_own_descriptors(dlib_engine, picture):
    image = picture()
    face = dlib_engine.detect(image)[0]
    own = dlibs_own_descriptor(image, face.bbox_xyxy)
    np.testing.assert_allclose(dlib_engine.embed(image, face), own, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("face_px", "width", "height", "x", "y"),
    [
        pytest.param(88, 640, 480, 50, 60, id="by the first look"),
        pytest.param(50, 640, 480, 400, 300, id="small: by the second look, enlarged"),
        pytest.param(100, 1920, 1080, 1500, 700, id="small in a large photo: by the second look, at its own size"),
        pytest.param(900, 3000, 2400, 300, 200, id="large in a huge photo"),
        pytest.param(60, 200, 180, 20, 15, id="in a small photo"),
    ],
)
@pytest.mark.parametrize("expects_none", [False, True], ids=["", "though none was expected"])
def test_the_box_is_in_pixels_of_the_picture(dlib_engine, face_px, width, height, x, y, expects_none):
    picture = placed(portrait(face_px), width, height, x, y)
    (face,) = dlib_engine.detect(picture, expects_none=expects_none)
    scale = face_px / 88
    expected = [edge * scale + origin for edge, origin in zip((59, 63, 147, 151), (x, y, x, y), strict=True)]
    np.testing.assert_allclose(face.bbox_xyxy, expected, atol=0.25 * face_px)


def test_a_face_far_below_forty_pixels_is_not_found(dlib_engine):
    assert dlib_engine.detect(placed(portrait(20), 640, 480, 200, 200)) == []


@pytest.mark.parametrize(
    ("width", "height"),
    [(1, 1), (320, 240), (640, 480), (1000, 750), (1920, 1080), (8000, 6000), (20, 4000), (1, 100_000)],
    ids=str,
)
def test_both_looks_are_bounded(width, height):
    picture = np.broadcast_to(np.zeros(3, np.uint8), (height, width, 3))
    first, second = first_look_scale(picture), second_look_scale(picture)
    assert first <= 1
    assert first < second <= 2
    assert first**2 * width * height <= FIRST_LOOK_PIXELS * 1.001
    assert second**2 * width * height <= SECOND_LOOK_PIXELS * 1.001


def test_a_640x480_picture_is_looked_at_as_it_is():
    assert first_look_scale(blank(640, 480)) == 1.0


def test_the_models_package_is_found_and_not_imported(dlib_engine):
    assert "face_recognition_models" not in sys.modules


def test_a_broken_cached_network_is_named(dlib_cache, dlib_engine, tmp_path):
    (converted,) = dlib_cache.iterdir()
    broken = tmp_path / converted.name
    broken.write_bytes(converted.read_bytes()[:1000])
    with pytest.raises(EngineUnavailable, match=f"{converted.name} can't be loaded; delete it"):
        DlibEngine(tmp_path)


def test_a_cache_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(EngineUnavailable, match="folder for converted models can't be used"):
        DlibEngine(tmp_path / "cache")


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        pytest.param(None, "the Python package face_recognition_models is missing", id="no package"),
        pytest.param("empty", "dlib_face_recognition_resnet_model_v1.dat is missing", id="a package without models"),
    ],
)
def test_missing_models_are_named_with_the_mend(monkeypatch, tmp_path, folder, message):
    spec = None if folder is None else importlib.util.spec_from_file_location("models", tmp_path / folder / "__init__.py")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)
    with pytest.raises(EngineUnavailable, match=f"{message}.*pip install -r requirements.txt"):
        DlibEngine(tmp_path)


def test_a_package_without_the_68_point_model_is_enough(monkeypatch, tmp_path, dlib_cache, dlib_engine):
    models = tmp_path / "models"
    models.mkdir()
    for name in ("dlib_face_recognition_resnet_model_v1.dat", "shape_predictor_5_face_landmarks.dat"):
        (models / name).symlink_to(DAT.parent / name)
    spec = importlib.util.spec_from_file_location("face_recognition_models", tmp_path / "__init__.py")
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec if name == "face_recognition_models" else find_spec(name))
    picture = skimage_sample("astronaut.png")
    (face,) = DlibEngine(dlib_cache).detect(picture)
    np.testing.assert_array_equal(face.landmarks, dlib_engine.detect(picture)[0].landmarks)


def test_the_68_point_model_is_not_opened(monkeypatch, dlib_cache):
    import dlib

    loaded = []
    monkeypatch.setattr(dlib, "shape_predictor", lambda path: loaded.append(Path(path).name))
    DlibEngine(dlib_cache)
    assert loaded == ["shape_predictor_5_face_landmarks.dat"]


ASTRONAUT_EYES = [(204, 101), (247, 104)]
ASTRONAUT_NOSE_AND_MOUTH = [(224, 129), (203, 140), (245, 142)]
"""In astronaut.png, read off by eye."""


def mirrored(points: list[tuple[int, int]], order: list[int]) -> list[tuple[int, int]]:
    """The points in the mirrored picture of 512 columns."""
    return [(511 - points[index][0], points[index][1]) for index in order]


@pytest.mark.parametrize(
    ("picture", "eyes", "nose_and_mouth"),
    [
        pytest.param(lambda: skimage_sample("astronaut.png"), ASTRONAUT_EYES, ASTRONAUT_NOSE_AND_MOUTH, id="astronaut"),
        pytest.param(
            lambda: np.ascontiguousarray(skimage_sample("astronaut.png")[:, ::-1]),
            mirrored(ASTRONAUT_EYES, [1, 0]),
            mirrored(ASTRONAUT_NOSE_AND_MOUTH, [0, 2, 1]),
            id="mirrored",
        ),
    ],
)
def test_landmarks_lie_on_the_face(dlib_engine, picture, eyes, nose_and_mouth):
    (face,) = dlib_engine.detect(picture())
    np.testing.assert_allclose(face.landmarks[:2], eyes, atol=4)
    np.testing.assert_allclose(face.landmarks[2:], nose_and_mouth, atol=13)  # she smiles, the average face doesn't


def test_the_eyes_are_the_middles_of_their_corners(dlib_engine):
    import dlib

    picture = face_photo("biden.jpg")
    face = dlib_engine.detect(picture)[0]
    left, top, right, bottom = (round(edge) for edge in face.bbox_xyxy)
    predictor = dlib.shape_predictor(str(DAT.parent / "shape_predictor_5_face_landmarks.dat"))
    parts = predictor(picture, dlib.rectangle(left, top, right - 1, bottom - 1)).parts()
    points = np.array([(point.x, point.y) for point in parts])
    np.testing.assert_allclose(face.landmarks[:2], [points[2:4].mean(axis=0), points[:2].mean(axis=0)], atol=0.01)


def test_the_network_keeps_to_its_threads(dlib_cache):
    engine = DlibEngine(dlib_cache, threads=2)
    assert engine._session.get_session_options().intra_op_num_threads == 2


class Broken:
    """A vendor's object that raises, whatever is asked of it."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def run(self, *_args):
        raise self.error


@pytest.mark.parametrize(
    "detector",
    [
        pytest.param(Broken(RuntimeError("out of memory")), id="dlib's"),
        pytest.param(Broken(cv2.error("assertion failed")), id="OpenCV's"),
    ],
)
def test_errors_of_the_detector_become_detection_failed(dlib_engine, monkeypatch, detector):
    monkeypatch.setattr(dlib_engine, "_detector", detector)
    with pytest.raises(DetectionFailed):
        dlib_engine.detect(blank())


class NotFinite:
    def run(self, *_args):
        return [np.full((1, 128), np.nan, np.float32)]


@pytest.mark.parametrize(
    "session", [pytest.param(Broken(RuntimeError("out of memory")), id="raises"), pytest.param(NotFinite(), id="not finite")]
)
def test_errors_of_the_network_become_embedding_failed(dlib_engine, monkeypatch, session):
    picture = skimage_sample("astronaut.png")
    face = dlib_engine.detect(picture)[0]
    monkeypatch.setattr(dlib_engine, "_session", session)
    with pytest.raises(EmbeddingFailed):
        dlib_engine.embed(picture, face)


def test_errors_of_onnxruntime_are_among_the_caught(dlib_engine, monkeypatch):
    picture = skimage_sample("astronaut.png")
    face = dlib_engine.detect(picture)[0]
    monkeypatch.setattr(dlib_engine, "chip", lambda *_: np.zeros((1, 1, 3), np.uint8))  # refused by the network's input
    with pytest.raises(EmbeddingFailed):
        dlib_engine.embed(picture, face)


PEOPLE = {
    "obama": ("obama.jpg", "obama2.jpg", "obama3.jpg"),
    "biden": ("biden.jpg", "biden2.jpg"),
    "lin": ("lin_manuel_miranda.png",),
    "alex": ("alex_lacamoire.png",),
}


def test_known_photos_are_told_apart_with_room(dlib_engine):
    embeddings = {
        person: [dlib_engine.embed(photo, dlib_engine.detect(photo)[0]) for photo in map(face_photo, names)]
        for person, names in PEOPLE.items()
    }
    same = [np.linalg.norm(a - b) for group in embeddings.values() for i, a in enumerate(group) for b in group[i + 1 :]]
    different = [
        np.linalg.norm(a - b)
        for person, group in embeddings.items()
        for other, others in embeddings.items()
        if person < other
        for a in group
        for b in others
    ]
    assert max(same) < 0.48
    assert min(different) > 0.58


@pytest.mark.parametrize("quality", [95, 70, 50])
@pytest.mark.parametrize("side_px", [400, 480, 512, 640, 1024])
def test_a_patch_that_is_no_face_is_dropped_beside_a_sure_face(dlib_engine, side_px, quality):
    original = Image.fromarray(skimage_sample("astronaut.png"))
    resized = np.asarray(original.resize((side_px, side_px), Image.Resampling.LANCZOS))
    picture = np.asarray(Image.open(io.BytesIO(as_jpeg(resized, quality))).convert("RGB"))
    (face,) = dlib_engine.detect(picture)
    eyes = face.landmarks[:2] * 512 / side_px
    np.testing.assert_allclose(eyes, ASTRONAUT_EYES, atol=5)


BOX = (0.0, 0.0, 50.0, 50.0)


@pytest.mark.parametrize(
    ("margins", "kept"),
    [
        pytest.param([], [], id="none"),
        pytest.param([0.06], [0.06], id="a faint one alone"),
        pytest.param([0.06, 0.19], [0.06, 0.19], id="none of them sure"),
        pytest.param([0.05, 1.5, 0.19], [1.5], id="faint ones beside a sure one"),
        pytest.param([0.2, 1.5], [0.2, 1.5], id="sure ones"),
    ],
)
def test_faint_detections_are_dropped_beside_a_sure_one(margins, kept):
    assert without_faint([(BOX, margin) for margin in margins]) == [(BOX, margin) for margin in kept]


def test_two_people_are_two_faces(dlib_engine):
    assert len(dlib_engine.detect(face_photo("two_people.jpg"))) == 2
    assert len(dlib_engine.detect(face_photo("obama_and_biden.jpg"))) == 2


def test_a_cache_folder_is_made_where_it_is_missing(dlib_engine, tmp_path):
    folder = tmp_path / "deep" / "cache"
    DlibEngine(folder)
    assert [path.suffix for path in Path(folder).iterdir()] == [".onnx"]
