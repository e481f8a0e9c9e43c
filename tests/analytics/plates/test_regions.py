from __future__ import annotations

import cv2
import numpy as np
import pytest

from analytics.plates import regions as geometry
from analytics.plates.panels import panel_around
from analytics.plates.types import PlateColour


def quad(left, top, right, bottom):
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def turned(corners, degrees):
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = corners.mean(axis=0)
    return ((corners - centre) @ turn.T + centre).astype(np.float32)


def plate(ground, ink, *, body=(90, 90, 90), box=(120, 100, 280, 150)):
    """A vehicle's body with a plate on it, and where the text stands."""
    image = np.full((260, 400, 3), body, np.uint8)
    left, top, right, bottom = box
    cv2.rectangle(image, (left, top), (right, bottom), ground, -1)
    cv2.putText(image, "A12345", (left + 8, bottom - 12), cv2.FONT_HERSHEY_SIMPLEX, 1.22, ink, 4)
    return image, quad(left + 6, top + 8, right - 6, bottom - 8)


@pytest.mark.parametrize("degrees", [-20, 0, 15, 25])
@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]])
def test_corners_are_put_in_reading_order(degrees, order):
    corners = turned(quad(10, 10, 110, 40), degrees)
    np.testing.assert_allclose(geometry.order_corners(corners[order]), corners, atol=1e-3)


def test_a_turned_plate_is_seen_straight():
    image, _ = plate((160, 60, 20), (255, 255, 255))
    corners = turned(quad(120, 100, 280, 150), 12)
    matrix = cv2.getRotationMatrix2D((200, 125), -12, 1)
    rotated = cv2.warpAffine(image, matrix, (400, 260))
    straight = geometry.rectified(rotated, corners, 48)
    assert straight.shape == (48, round(160 / 50 * 48), 3)
    expected = geometry.rectified(image, quad(120, 100, 280, 150), 48)
    assert np.abs(straight.astype(int) - expected).mean() < 12


def test_a_large_plate_keeps_its_thin_strokes_when_reduced():
    image = np.full((900, 2400, 3), 255, np.uint8)
    image[:, ::40] = 0
    straight = geometry.rectified(image, quad(0, 0, 2400, 900), 48)
    assert 235 < straight.mean() < 255
    assert straight.std() < 25


@pytest.mark.parametrize(
    ("ground", "ink", "expected"),
    [
        ((160, 60, 20), (255, 255, 255), PlateColour.BLUE),
        ((110, 190, 90), (10, 10, 10), PlateColour.GREEN),
        ((25, 175, 235), (10, 10, 10), PlateColour.YELLOW),
        ((235, 235, 235), (20, 20, 20), PlateColour.WHITE),
        ((25, 25, 25), (235, 235, 235), PlateColour.BLACK),
        ((128, 128, 128), (130, 130, 130), PlateColour.UNKNOWN),
        ((40, 30, 200), (255, 255, 255), PlateColour.UNKNOWN),
    ],
    ids=["blue", "green", "yellow", "white", "black", "no contrast", "red"],
)
def test_the_colour_of_the_ground(ground, ink, expected):
    image, text = plate(ground, ink)
    assert geometry.ground_colour(image, text) is expected


@pytest.mark.parametrize(
    "ground", [(160, 60, 20), (110, 190, 90), (25, 175, 235), (240, 240, 240)], ids=["blue", "green", "yellow", "white"]
)
def test_a_plate_is_among_the_panels(ground):
    ink = (255, 255, 255) if sum(ground) < 300 else (10, 10, 10)
    image, text = plate(ground, ink)
    panels = geometry.plate_panels(image)
    assert any(geometry.overlap(box(panel), box(text)) > 0.8 and abs(geometry.quad_size(panel)[0] - 160) < 24 for panel in panels)
    assert len(geometry.plate_panels(image, limit=1)) <= 1


def box(corners):
    return geometry.bounding_box([corners], np.inf, np.inf)


def test_an_even_picture_has_no_panels():
    assert geometry.plate_panels(np.full((300, 400, 3), 120, np.uint8)) == []
    assert geometry.plate_panels(np.full((1, 1, 3), 120, np.uint8)) == []


@pytest.mark.parametrize(
    ("upper", "lower", "expected"),
    [
        pytest.param(quad(130, 100, 190, 125), quad(100, 130, 220, 170), True, id="a lorry's rear"),
        pytest.param(turned(quad(130, 100, 190, 125), 0), turned(quad(105, 130, 225, 170), 4), True, id="slightly turned"),
        pytest.param(quad(100, 130, 220, 170), quad(130, 100, 190, 125), False, id="the wrong way round"),
        pytest.param(quad(100, 130, 220, 170), quad(100, 90, 220, 125), False, id="the wrong way round, of one size"),
        pytest.param(quad(130, 20, 190, 45), quad(100, 130, 220, 170), False, id="too far above"),
        pytest.param(quad(300, 100, 360, 125), quad(100, 130, 220, 170), False, id="beside"),
        pytest.param(quad(0, 60, 400, 125), quad(100, 130, 220, 170), False, id="much larger"),
        pytest.param(quad(155, 120, 165, 125), quad(100, 130, 220, 170), False, id="much smaller"),
    ],
)
def test_two_lines_of_one_plate(upper, lower, expected):
    assert geometry.one_above_the_other(upper, lower) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (5, 0, 15, 10), 0.5),
        ((0, 0, 100, 100), (10, 10, 20, 20), 1.0),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0),
        ((0, 0, 0, 0), (0, 0, 10, 10), 0.0),
    ],
)
def test_overlap_is_the_share_of_the_smaller(one, other, expected):
    assert geometry.overlap(one, other) == pytest.approx(expected)


def test_a_plates_text_fills_its_panel():
    image, text = plate((235, 235, 235), (20, 20, 20))
    panel = panel_around(image, text)
    assert panel is not None
    assert panel.is_filled
    np.testing.assert_allclose(box(panel.quad), (120, 100, 280, 150), atol=4)


def written_on(panel, left):
    """A white panel (left, right) with a text from `left` on, and the text's box."""
    image = np.full((260, 400, 3), 90, np.uint8)
    cv2.rectangle(image, (panel[0], 100), (panel[1], 150), (235, 235, 235), -1)
    cv2.putText(image, "A12345", (left + 4, 138), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (20, 20, 20), 4)
    return image, quad(left, 108, left + 156, 142)


@pytest.mark.parametrize(
    ("panel", "left", "filled"),
    [
        pytest.param((80, 246), 85, True, id="from edge to edge"),
        pytest.param((70, 294), 104, False, id="a character's room at both ends"),
        pytest.param((80, 266), 104, False, id="a character's room before"),
        pytest.param((80, 266), 86, False, id="a character's room after"),
    ],
)
def test_room_for_a_character_that_was_not_read(panel, left, filled):
    image, text = written_on(panel, left)
    found = panel_around(image, text)
    assert found is not None
    assert found.is_filled is filled


def test_a_stripe_that_runs_on_is_no_panel():
    image, text = written_on((120, 399), 126)
    assert panel_around(image, text) is None


def test_a_text_on_the_body_has_no_panel():
    image = np.full((260, 400, 3), (60, 160, 60), np.uint8)
    cv2.putText(image, "AB 1234", (130, 140), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (240, 240, 240), 4)
    assert panel_around(image, quad(128, 108, 290, 144)) is None


def test_no_contrast_no_panel():
    assert panel_around(np.full((200, 300, 3), 90, np.uint8), quad(100, 80, 200, 110)) is None


def test_spreading_contrast_keeps_the_shape_and_makes_dark_text_readable():
    image, text = plate((40, 40, 40), (60, 60, 60), body=(30, 30, 30))
    line = geometry.rectified(image, text)
    spread = geometry.stretched(line)
    assert spread.shape == line.shape
    assert geometry.contrast(spread) > 0.8 > geometry.contrast(line)
