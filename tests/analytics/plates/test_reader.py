from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

from analytics.plates.types import PlateColour, PlateKind
from bench.made_up_plates import DESIGNS
from tests.media import face_photo, load_rgb, shared

DEMO = "testdata/plates/demo.png"
WIDTH_PX = 130
"""Of made-up plates."""


def photo_bgr(relative):
    return np.ascontiguousarray(load_rgb(shared(relative))[:, :, ::-1])


def texts(readings):
    return [reading.text for reading in readings]


def test_the_close_plate_of_the_sample_photo(reader):
    (reading,) = reader.read_image(photo_bgr("testdata/plates/align.jpg"))
    assert (reading.text, reading.kind, reading.colour) == ("藏DT5022", PlateKind.ORDINARY, PlateColour.BLUE)
    assert reading.confidence > 0.9
    assert reading.plate.province == "藏"
    assert reading.region is None


def test_the_readable_plates_of_the_sample_photo_and_no_brand_nor_telephone_number(reader):
    # Left to right: a van, a car, a lorry with BEIJING and a telephone number, a trailer, a lorry with ISUZU CXZ.
    vehicles = [(15, 135, 135, 240), (110, 130, 390, 310), (450, 0, 790, 320), (850, 0, 1280, 310), (1310, 0, 1660, 320)]
    readings = reader.read_image(photo_bgr(DEMO), vehicles)
    assert {reading.region: reading.text for reading in readings} == {
        0: "苏D561GM",
        1: "苏BD00111",
        2: "云2627252",
        3: "豫CG117挂",
        4: "粤Z5A55港",
    }
    assert len(readings) == 5


def test_the_whole_sample_photo_claims_nothing_that_is_not_there(reader):
    found = texts(reader.read_image(photo_bgr(DEMO)))
    assert "豫CG117挂" in found
    assert set(found) <= {"苏D561GM", "苏BD00111", "云2627252", "豫CG117挂", "粤Z5A55港", "苏ED51712"}


@pytest.mark.parametrize("regions", [None, [(90, 70, 250, 250)]], ids=["whole", "lorry"])
def test_forland_is_no_plate(reader, regions):
    assert reader.read_image(photo_bgr("testdata/plates/1.jpg"), regions) == []


def test_a_portrait_has_no_plate(reader):
    image = np.ascontiguousarray(face_photo("obama2.jpg")[:, :, ::-1])
    assert reader.read_image(image) == []


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_a_plate_of_each_kind_is_read_on_a_vehicle(reader, painter, design):
    picture = painter.plate(design, WIDTH_PX, "plain")
    (reading,) = reader.read_image(picture.image_bgr, [picture.vehicle_xyxy])
    assert (reading.text, reading.kind, reading.region) == (picture.text, design.kind, 0)
    left, top, right, bottom = reading.bbox_xyxy
    assert picture.vehicle_xyxy[0] < left < right < picture.vehicle_xyxy[2]
    assert picture.vehicle_xyxy[1] < top < bottom < picture.vehicle_xyxy[3]
    assert 0.7 * WIDTH_PX < reading.width_px < 1.2 * WIDTH_PX
    assert len(reading.plate.char_scores) == len(reading.text)


@pytest.mark.parametrize("condition", ["tilted", "night", "hazy", "blurred"])
def test_a_plate_is_read_in_bad_conditions(reader, painter, condition):
    picture = painter.plate(DESIGNS[0], WIDTH_PX, condition)
    assert texts(reader.read_image(picture.image_bgr, [picture.vehicle_xyxy])) == [picture.text]


@pytest.mark.parametrize(
    "lines",
    [
        ("FORLAND",),
        ("18787609746",),
        ("空车拉货", "13912345678"),
        ("京东物流",),
        ("粤港直通",),
        ("总质量3000KG",),
        ("2024-05-18",),
        ("V6 24V",),
    ],
    ids=" ".join,
)
def test_other_texts_on_a_vehicle_are_no_plates(reader, painter, lines):
    picture = painter.other(lines, WIDTH_PX, "plain")
    assert reader.read_image(picture.image_bgr, [picture.vehicle_xyxy]) == []


def test_a_foreign_plate_is_claimed_only_on_a_vehicle(reader, painter):
    picture = painter.plate(next(design for design in DESIGNS if design.name == "foreign, GB"), WIDTH_PX, "plain")
    assert texts(reader.read_image(picture.image_bgr, [picture.vehicle_xyxy])) == [picture.text]
    assert reader.read_image(picture.image_bgr) == []


@pytest.mark.parametrize("on_a_panel", [True, False], ids=["on a panel", "on the body"])
def test_a_text_like_a_foreign_plates_is_one_only_where_it_fills_a_panel(reader, on_a_panel):
    image = np.full((300, 420, 3), (225, 228, 230), np.uint8)
    if on_a_panel:
        cv2.rectangle(image, (60, 40), (360, 260), (90, 60, 60), -1)
        cv2.rectangle(image, (106, 128), (316, 182), (225, 228, 230), -1)
    cv2.putText(image, "KW 1234", (114, 170), cv2.FONT_HERSHEY_SIMPLEX, 1.45, (20, 20, 20), 4)
    assert texts(reader.read_image(image, [(0, 0, 420, 300)])) == (["KW1234"] if on_a_panel else [])


def test_a_text_that_is_there_twice_is_returned_once(reader, painter):
    picture = painter.plate(DESIGNS[0], WIDTH_PX, "plain")
    left, top, right, bottom = map(int, picture.vehicle_xyxy)
    vehicle = picture.image_bgr[top:bottom, left:right]
    both = np.concatenate([vehicle, vehicle])
    halves = [(0, 0, right - left, bottom - top), (0, bottom - top, right - left, 2 * (bottom - top))]
    assert texts(reader.read_image(both, halves)) == [picture.text]


def test_a_plate_outside_the_regions_is_not_read_and_one_in_two_of_them_is_read_once(reader, painter):
    picture = painter.plate(DESIGNS[0], WIDTH_PX, "plain")
    left, top, right, bottom = picture.vehicle_xyxy
    elsewhere = (0.0, 0.0, 640.0, top - 30) if top > 150 else (0.0, bottom + 20, 640.0, 480.0)
    assert reader.read_image(picture.image_bgr, [elsewhere]) == []
    both = [elsewhere, picture.vehicle_xyxy, (left - 5, top - 5, right + 5, bottom + 5)]
    (reading,) = reader.read_image(picture.image_bgr, both)
    assert reading.text == picture.text
    assert reading.region in {1, 2}


@pytest.mark.parametrize(
    "region",
    [
        pytest.param((-500, -500, -10, -10), id="left of it"),
        pytest.param((700, 500, 900, 800), id="right of it"),
        pytest.param((320, 0, 320, 480), id="no width"),
        pytest.param((640, 480, 0, 0), id="turned round"),
        pytest.param((float("nan"), 0, 640, 480), id="nan"),
        pytest.param((0, 0, float("inf"), 480), id="infinite"),
        pytest.param((0, 0, 3, 3), id="tiny"),
    ],
)
def test_regions_with_nothing_in_them_are_passed_over(reader, painter, region):
    picture = painter.plate(DESIGNS[0], WIDTH_PX, "plain")
    assert reader.read_image(picture.image_bgr, [region]) == []


def test_a_region_beyond_the_picture_is_cut_to_it(reader, painter):
    picture = painter.plate(DESIGNS[0], WIDTH_PX, "plain")
    assert texts(reader.read_image(picture.image_bgr, [(-900, -900, 2000, 2000)])) == [picture.text]


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 5000, 3), (5000, 2, 3), (13, 13, 3), (14, 4000, 3)], ids=str)
def test_pictures_too_small_for_a_plate_have_none(reader, shape):
    assert reader.read_image(np.full(shape, 200, np.uint8)) == []
    assert reader.read_image(np.full(shape, 200, np.uint8), [(0, 0, shape[1], shape[0])]) == []


def test_a_huge_picture_is_searched_reduced(reader):
    assert reader.read_image(np.full((4000, 5000, 3), 120, np.uint8)) == []


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((0, 10, 3), np.uint8),
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 1), np.uint8),
        np.zeros((1, 10, 10, 3), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.full((10, 10, 3), np.nan),
        np.zeros((10, 10, 3), np.int16),
        np.zeros((10, 10, 3), bool),
    ],
    ids=lambda image: f"{image.shape} {image.dtype}",
)
def test_other_arrays_are_refused(reader, image):
    with pytest.raises(ValueError, match="expected height x width x 3 of uint8"):
        reader.read_image(image)


@pytest.mark.parametrize("image", [None, b"jpeg", "photo.jpg", [[[0, 0, 0]]]], ids=repr)
def test_what_is_no_array_is_refused(reader, image):
    with pytest.raises(TypeError, match="expected an array"):
        reader.read_image(image)


def test_a_view_of_a_larger_picture_is_read_like_a_copy(reader, painter):
    picture = painter.plate(DESIGNS[0], WIDTH_PX, "plain")
    left, top, right, bottom = map(int, picture.vehicle_xyxy)
    view = picture.image_bgr[top:bottom, left:right]
    assert texts(reader.read_image(view)) == [picture.text]


def test_importing_the_library_imports_no_vendor():
    modules = "grammar, ocr, panels, reader, regions, search, voting"
    code = (
        f"import sys; from analytics.plates import {modules};"
        "print(sorted({'cv2', 'onnxruntime', 'rapidocr', 'rapidfuzz'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
