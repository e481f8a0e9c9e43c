from __future__ import annotations

import pickle
from dataclasses import replace

import cv2
import numpy as np
import pytest

from faces.engines.fake import Behaviour, FakeEngine, FakeFace
from faces.quality import FaceQuality, QualityLimits, Refusal, RefusalCode, measure, refusals
from faces.types import DetectedFace, ImageRGB
from tests.media import Placed, fake_photo, skimage_sample

GOOD = FaceQuality(
    width_px=200,
    visible=1.0,
    sharpness=0.35,
    brightness=180,
    overexposed=0.0,
    yaw_degrees=0.0,
    pitch_degrees=0.0,
    roll_degrees=0.0,
)


def codes(quality: FaceQuality, limits: QualityLimits | None = None) -> set[str]:
    return {refusal.code.value for refusal in refusals(quality, limits)}


def largest(picture: ImageRGB) -> DetectedFace:
    return FakeEngine().detect(picture)[0]


def blurred(picture: ImageRGB, sigma_px: float) -> ImageRGB:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px))


def lit(picture: ImageRGB, gain: float) -> ImageRGB:
    return np.clip(picture * gain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({}, None, id="good"),
        pytest.param({"width_px": 79}, "too_small", id="width"),
        pytest.param({"visible": 0.84}, "cut_off", id="visible"),
        pytest.param({"sharpness": 0.23}, "blurred", id="sharpness"),
        pytest.param({"brightness": 69}, "too_dark", id="brightness"),
        pytest.param({"overexposed": 0.36}, "too_bright", id="overexposed"),
        pytest.param({"yaw_degrees": 36.0}, "turned_away", id="yaw, right"),
        pytest.param({"yaw_degrees": -36.0}, "turned_away", id="yaw, left"),
        pytest.param({"pitch_degrees": 41.0}, "turned_away", id="pitch, down"),
        pytest.param({"pitch_degrees": -41.0}, "turned_away", id="pitch, up"),
        pytest.param({"roll_degrees": 46.0}, "turned_away", id="roll, right"),
        pytest.param({"roll_degrees": -46.0}, "turned_away", id="roll, left"),
    ],
)
def test_each_measure_has_its_refusal(change, code):
    assert codes(replace(GOOD, **change)) == ({code} if code else set())


def test_at_its_limits_a_face_still_passes():
    limits = QualityLimits()
    face = FaceQuality(
        width_px=limits.min_width_px,
        visible=limits.min_visible,
        sharpness=limits.min_sharpness,
        brightness=limits.min_brightness,
        overexposed=limits.max_overexposed,
        yaw_degrees=-limits.max_yaw_degrees,
        pitch_degrees=limits.max_pitch_degrees,
        roll_degrees=-limits.max_roll_degrees,
    )
    assert refusals(face, limits) == ()


def test_everything_that_is_wrong_is_named():
    bad = replace(GOOD, width_px=10, sharpness=0.1, brightness=5)
    assert [refusal.code for refusal in refusals(bad)] == [RefusalCode.TOO_SMALL, RefusalCode.BLURRED, RefusalCode.TOO_DARK]


def test_limits_can_be_set():
    assert codes(replace(GOOD, width_px=79), QualityLimits(min_width_px=60)) == set()


@pytest.mark.parametrize("code", list(RefusalCode), ids=str)
def test_every_code_has_a_chinese_message(code):
    refusal = Refusal.of(code)
    assert refusal.code is code
    assert any("一" <= letter <= "鿿" for letter in refusal.message)


def test_the_messages_differ():
    assert len({Refusal.of(code).message for code in RefusalCode}) == len(RefusalCode)


@pytest.mark.parametrize(
    "worse",
    [
        {"width_px": 90},
        {"visible": 0.9},
        {"sharpness": 0.27},
        {"brightness": 90},
        {"overexposed": 0.2},
        {"yaw_degrees": -30.0},
        {"pitch_degrees": 35.0},
    ],
    ids=lambda worse: next(iter(worse)),
)
def test_the_score_is_as_good_as_the_worst(worse):
    assert GOOD.score == 1.0
    assert 0 < replace(GOOD, **worse).score < 1
    assert replace(replace(GOOD, **worse), sharpness=0.0).score == 0.0


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        pytest.param(lambda: fake_photo(FakeFace(5)), set(), id="good"),
        pytest.param(lambda: fake_photo(Placed(FakeFace(5), 100, 100, 70)), {"too_small"}, id="small"),
        pytest.param(lambda: blurred(fake_photo(FakeFace(5)), 6), {"blurred"}, id="blurred"),
        pytest.param(lambda: lit(fake_photo(FakeFace(5)), 0.25), {"too_dark"}, id="dark"),
        pytest.param(lambda: lit(fake_photo(FakeFace(127, 15)), 3.0), {"too_bright"}, id="overexposed"),
        pytest.param(lambda: fake_photo(FakeFace(5, behaviour=Behaviour.TURNED_AWAY)), {"turned_away"}, id="turned away"),
        pytest.param(lambda: blurred(lit(fake_photo(FakeFace(5)), 0.25), 6), {"too_dark", "blurred"}, id="dark and blurred"),
    ],
)
def test_fake_faces_drive_every_refusal(picture, expected):
    image = picture()
    assert codes(measure(image, largest(image))) == expected


@pytest.mark.parametrize("person", range(0, 128, 9))
def test_every_fake_person_is_good_enough(person):
    image = fake_photo(FakeFace(person, variation=person % 16))
    assert codes(measure(image, largest(image))) == set()


def astronaut(side_px: int = 512) -> tuple[ImageRGB, DetectedFace]:
    """The sample photo and its face, as a detector finds it, at a size."""
    scale = side_px / 512
    picture = skimage_sample("astronaut.png")
    resized = cv2.resize(picture, (side_px, side_px), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    landmarks = np.array([(202, 108), (246, 110), (226, 137), (207, 151), (244, 152)], np.float32) * scale
    box = (179 * scale, 83 * scale, 267 * scale, 171 * scale)
    return np.asarray(resized), DetectedFace(bbox_xyxy=box, score=1.0, landmarks=landmarks)


@pytest.mark.parametrize("side_px", [512, 800, 2048])
def test_resolution_hardly_moves_the_measures(side_px):
    reference = measure(*astronaut(512))
    other = measure(*astronaut(side_px))
    assert other.sharpness == pytest.approx(reference.sharpness, abs=0.03)
    assert other.brightness == pytest.approx(reference.brightness, abs=4)
    assert other.yaw_degrees == pytest.approx(reference.yaw_degrees, abs=1)
    assert other.width_px == pytest.approx(reference.width_px * side_px / 512, abs=2)


def _noisy(picture: ImageRGB, sigma: float = 10) -> ImageRGB:
    return np.clip(picture + np.random.default_rng(1).normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)


def test_a_large_face_is_averaged_down_without_aliasing():
    """The noise of single pixels in a large photo of a blurred face averages out; it must not pass for sharpness."""
    picture, face = astronaut(2048)
    smooth = blurred(picture, 12)
    assert measure(_noisy(smooth, 25), face).sharpness == pytest.approx(measure(smooth, face).sharpness, abs=0.03)


def _as_poor_jpeg(picture: ImageRGB) -> ImageRGB:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda picture: lit(picture, 0.5), id="half the light"),
        pytest.param(_noisy, id="noise"),
        pytest.param(_as_poor_jpeg, id="JPEG"),
        pytest.param(lambda picture: (picture * 0.4 + 90).astype(np.uint8), id="less contrast"),
    ],
)
def test_sharpness_is_neither_light_nor_noise_nor_compression(change):
    picture, face = astronaut()
    assert measure(change(picture), face).sharpness == pytest.approx(measure(picture, face).sharpness, abs=0.02)


@pytest.mark.parametrize("turn", [-40, -20, 20, 40])
def test_roll_is_measured_and_changes_nothing_else(turn):
    picture, face = astronaut()
    rotation = cv2.getRotationMatrix2D((225, 125), -turn, 1.0)
    turned = np.asarray(cv2.warpAffine(picture, rotation, (512, 512)))
    landmarks = (face.landmarks @ rotation[:, :2].T + rotation[:, 2]).astype(np.float32)
    straight, rolled = measure(picture, face), measure(turned, replace(face, landmarks=landmarks))
    assert rolled.roll_degrees == pytest.approx(straight.roll_degrees + turn, abs=1)
    assert rolled.sharpness == pytest.approx(straight.sharpness, abs=0.04)
    assert rolled.brightness == pytest.approx(straight.brightness, abs=5)


HEAD = np.array([(-0.5, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, 0.57, 0.45), (-0.42, 1.13, 0.05), (0.42, 1.13, 0.05)])


@pytest.mark.parametrize("yaw", [-50, -20, 0, 30, 60])
@pytest.mark.parametrize("pitch", [-30, 0, 25])
def test_pose_of_a_turned_head(yaw, pitch):
    """The landmarks of an average head, turned about the vertical, then nodded, then seen from far away."""
    y, p = np.radians(yaw), np.radians(pitch)
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    landmarks = ((HEAD @ turn.T @ nod.T)[:, :2] * 60 + 200).astype(np.float32)
    quality = measure(np.zeros((480, 480, 3), np.uint8), DetectedFace((100, 100, 300, 300), 1.0, landmarks))
    nose = nod @ turn @ np.array([0, 0, 1])
    assert quality.yaw_degrees == pytest.approx(np.degrees(np.arcsin(nose[0])), abs=0.5)
    assert quality.pitch_degrees == pytest.approx(np.degrees(np.arcsin(nose[1])), abs=0.5)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_a_face_cut_by_the_frame_is_less_visible(share):
    picture, face = astronaut()
    cut = round(179 + 88 * share)
    moved = replace(
        face,
        landmarks=face.landmarks - np.array([cut, 0], np.float32),
        bbox_xyxy=(face.bbox_xyxy[0] - cut, face.bbox_xyxy[1], face.bbox_xyxy[2] - cut, face.bbox_xyxy[3]),
    )
    quality = measure(picture[:, cut:], moved)
    assert quality.width_px == pytest.approx(min(88, 88 * (1 - share)), abs=2)
    assert ("cut_off" in codes(quality)) == (share > 0)


def test_the_width_is_the_shorter_side_inside_the_picture():
    picture, face = astronaut()
    assert measure(picture, replace(face, bbox_xyxy=(-20.0, 10.0, 150.4, 600.0))).width_px == 150
    assert measure(picture, replace(face, bbox_xyxy=(100.0, 450.0, 300.0, 600.0))).width_px == 62


def test_landmarks_on_one_point_are_no_face_to_enrol():
    picture, face = astronaut()
    assert {"turned_away", "blurred"} <= codes(measure(picture, replace(face, landmarks=np.full((5, 2), 90, np.float32))))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_surface_is_blurred(level):
    _, face = astronaut()
    assert "blurred" in codes(measure(np.full((512, 512, 3), level, np.uint8), face))


@pytest.mark.parametrize("scale", [1e-3, 30.0], ids=["tiny", "huge"])
def test_faces_of_absurd_size_are_measured_in_bounded_time(scale):
    picture, face = astronaut()
    landmarks = (face.landmarks - 225) * np.float32(scale * 10) + 225
    assert measure(picture, replace(face, landmarks=landmarks)).visible <= 1


def test_wrong_arrays_and_faces_are_refused():
    picture, face = astronaut()
    with pytest.raises(ValueError, match="a picture must be"):
        measure(picture[..., 0], face)
    with pytest.raises(ValueError, match="box"):
        measure(picture, replace(face, bbox_xyxy=(600.0, 0.0, 700.0, 100.0)))


def test_a_quality_travels_between_processes():
    assert pickle.loads(pickle.dumps(GOOD)) == GOOD
